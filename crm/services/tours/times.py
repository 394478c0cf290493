"""When tours are possible: a property's weekly hours for them, blackouts, and which slots are still free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, and_, bindparam, delete, or_, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields, tours
from crm.domain.errors import Invalid, NotFound
from crm.domain.hours import Schedule, clock_minutes
from crm.domain.tours import OFFERED_DAYS, Slot, TourKind
from crm.services import audit
from crm.services.audit import By
from crm.services.office import agents, properties
from crm.store import prepared, snapshot
from crm.store.models import Agent, Property, TourBlackout, TourHours, TourSlot
from crm.store.queries import office as queries
from crm.store.queries.office import HasZone
from crm.store.snapshot import KnownProperty, Snapshot

NOTICE = timedelta(hours=1)
"""Tours are booked at least this long before they begin."""
MOST_OFFERED = 2000
"""Most slots looked up for a caller; more than a property has in those days."""


def set_hours(
    session: Session,
    by: By,
    property_slug: str,
    openings: Sequence[str],
    *,
    kind: TourKind,
    minutes: int,
    buffer_minutes: int = 0,
    capacity: int = 1,
    agent: str | None = None,
) -> None:
    """Replaces a property's weekly hours for one kind of tour (and one agent). `openings` as in office hours."""
    if not 5 <= minutes <= 480:
        raise Invalid(
            f"A tour cannot take {minutes} minutes: write 5 to 480.", code="tour_minutes_invalid", minutes=minutes
        )
    if not 0 <= buffer_minutes <= 240:
        raise Invalid(
            f"There cannot be {buffer_minutes} minutes between tours: write 0 to 240.",
            code="tour_buffer_invalid",
            minutes=buffer_minutes,
        )
    if not 1 <= capacity <= 100:
        raise Invalid(
            f"{capacity} people cannot have the same time: write 1 to 100.",
            code="tour_capacity_invalid",
            capacity=capacity,
        )
    week = fields.openings(openings)
    found = properties.named(session, property_slug)
    put_hours(
        session,
        found,
        agents.named(session, agent) if agent else None,
        kind,
        week,
        minutes=minutes,
        buffer_minutes=buffer_minutes,
        capacity=capacity,
    )
    told = "; ".join(fields.as_texts(week)) or "no longer offered"
    audit.record(session, by, f"{kind} tours of {property_slug}: {told}")


def check_fit(week: Sequence[tuple[int, str, str]], minutes: int) -> None:
    """Raises Invalid if one of the openings is shorter than a tour."""
    for _, opens, closes in week:
        if clock_minutes(closes) - clock_minutes(opens) < minutes:
            raise Invalid(
                f"A tour of {minutes} minutes does not fit between {opens} and {closes}.",
                code="tour_longer_than_window",
                minutes=minutes,
                opens=opens,
                closes=closes,
            )


def put_hours(
    session: Session,
    property: Property,
    agent: Agent | None,
    kind: TourKind,
    week: Sequence[tuple[int, str, str]],
    *,
    minutes: int,
    buffer_minutes: int,
    capacity: int,
) -> bool:
    """Like `set_hours`, for fields that are already checked; leaves no audit entry. Returns whether they are others;
    raises Invalid if an opening is shorter than a tour."""
    check_fit(week, minutes)
    who = TourHours.agent_id == agent.id if agent else TourHours.agent_id.is_(None)
    mine = (TourHours.property_id == property.id, TourHours.kind == kind, who)
    columns = (TourHours.weekday, TourHours.opens, TourHours.closes)
    columns_of_all = (TourHours.minutes, TourHours.buffer_minutes, TourHours.capacity)
    before = map(tuple, session.execute(select(*columns, *columns_of_all).where(*mine)))
    if sorted((*window, minutes, buffer_minutes, capacity) for window in week) == sorted(before):
        return False
    session.execute(delete(TourHours).where(*mine))
    session.add_all(
        TourHours(
            property_id=property.id,
            agent_id=agent.id if agent else None,
            weekday=weekday,
            opens=opens,
            closes=closes,
            kind=kind,
            minutes=minutes,
            buffer_minutes=buffer_minutes,
            capacity=capacity,
        )
        for weekday, opens, closes in week
    )
    return True


def black_out(
    session: Session,
    by: By,
    starts_at: datetime,
    ends_at: datetime,
    *,
    property_slug: str | None = None,
    agent: str | None = None,
    why: str = "",
) -> None:
    """Keeps a time free of tours; what is booked in it already stays booked."""
    if ends_at <= starts_at:
        raise Invalid("The blackout ends before it begins: write the earlier time first.", code="blackout_reversed")
    session.add(
        TourBlackout(
            property_id=properties.named(session, property_slug).id if property_slug else None,
            agent_id=agents.named(session, agent).id if agent else None,
            starts_at=starts_at,
            ends_at=ends_at,
            why=fields.text(why, "reason", 200),
        )
    )
    audit.record(session, by, f"no tours from {starts_at:%Y-%m-%d %H:%M} to {ends_at:%Y-%m-%d %H:%M} UTC")


def end_blackout(session: Session, by: By, blackout_id: int) -> None:
    """Raises NotFound."""
    found = session.get(TourBlackout, blackout_id)
    if found is None:
        raise NotFound(f"There is no blackout {blackout_id}.", code="blackout_unknown", blackout=blackout_id)
    session.delete(found)
    audit.record(session, by, f"blackout {blackout_id} removed")


def free(
    session: Session,
    config: Config,
    property_slug: str,
    now: datetime,
    *,
    days: int = OFFERED_DAYS,
    kind: TourKind | None = None,
    limit: int = 50,
) -> list[Slot]:
    """The slots that can be booked from now on, the earliest first."""
    office = snapshot.now(session)
    return _free(session, config, office, _named(session, office, property_slug), now + NOTICE, days, kind, limit)


def free_on(
    session: Session,
    config: Config,
    property_slug: str,
    now: datetime,
    first: datetime,
    days: int,
    kind: TourKind | None = None,
) -> list[Slot]:
    """The slots that can be booked from `first` on, on that day of the property's and the `days` after it."""
    office = snapshot.now(session)
    found = _named(session, office, property_slug)
    return _free(session, config, office, found, max(now + NOTICE, first), days, kind, MOST_OFFERED)


@dataclass(frozen=True)
class Offer:
    """What a caller is offered by key."""

    slots: tuple[Slot, ...]
    has_later: bool
    """There are more times after these."""
    tz: ZoneInfo
    """The property's time zone."""

    @property
    def by_key(self) -> dict[str, Slot]:
        return {str(number): slot for number, slot in enumerate(self.slots, 1)}


def offer(session: Session, config: Config, property_slug: str, now: datetime, after: datetime | None = None) -> Offer:
    """The next free times of a property, or the next ones after `after`."""
    office = snapshot.now(session)
    found = _named(session, office, property_slug)
    free_ = _free(session, config, office, found, now + NOTICE, OFFERED_DAYS, None, MOST_OFFERED)
    slots = tours.offer(free_, after)
    has_later = bool(slots) and free_[-1].starts_at > slots[-1].starts_at
    return Offer(tuple(slots), has_later, zone(config, found))


def has_free(session: Session, config: Config, office: Snapshot, property: KnownProperty, now: datetime) -> bool:
    """Whether there is a time to offer in the next OFFERED_DAYS. Every call asks this, so one day is tried before all
    of them.

    A property without weekly hours for tours, like most, needs no query.
    """
    return any(_free(session, config, office, property, now + NOTICE, days, None, 1) for days in (1, OFFERED_DAYS))


def _named(session: Session, office: Snapshot, property_slug: str) -> KnownProperty:
    """Raises NotFound."""
    return office.properties.get(property_slug) or office.properties_by_id[properties.named(session, property_slug).id]


def _free(
    session: Session,
    config: Config,
    office: Snapshot,
    property: KnownProperty,
    first: datetime,
    days: int,
    kind: TourKind | None,
    limit: int,
) -> list[Slot]:
    possible = _possible(config, office, property, first, days, kind)
    if not possible:
        return []
    agent_ids = {slot.agent_id for slot in possible if slot.agent_id}
    taken = _taken(session, property.id, agent_ids, first, possible[-1].ends_at)
    full = {slot.key for slot in taken if slot.property_id == property.id and slot.taken >= slot.capacity}
    shows = [slot for slot in taken if slot.agent_id in agent_ids]
    found = (
        slot
        for slot in possible
        if key_of(property.id, slot) not in full and not is_elsewhere(property.id, slot, shows)
    )
    return list(islice(found, limit))


def offered(
    session: Session, config: Config, property: Property, first: datetime, days: int, kind: TourKind | None
) -> list[Slot]:
    """The slots of a property from `first` on, taken or not, for that day and `days` more. `kind` None: of any kind."""
    office = snapshot.now(session)
    found = office.properties_by_id.get(property.id)
    return _possible(config, office, found, first, days, kind) if found else []


def _possible(
    config: Config, office: Snapshot, property: KnownProperty, first: datetime, days: int, kind: TourKind | None
) -> list[Slot]:
    if not office.tour_hours(property.id):
        return []
    tz = zone(config, property)
    midnight = datetime.combine(first.astimezone(tz).date(), time(), tz).astimezone(UTC)
    found = office.of_tours((property.id, midnight, days), lambda: _from(config, office, property, midnight, days))
    # What was found is shared by everybody who asks that day.
    return [slot for slot in found if slot.starts_at >= first and kind in (None, slot.kind)]


def _from(config: Config, office: Snapshot, property: KnownProperty, midnight: datetime, days: int) -> tuple[Slot, ...]:
    schedule = office.schedule(config.tz, property)
    closed = [one for one in office.blackouts(property.id) if one.ends_at > midnight]
    found = tours.slots(office.tour_hours(property.id), closed, zone(config, property), midnight, days)
    return tuple(slot for slot in found if slot.kind is TourKind.SELF_GUIDED or not _is_day_off(schedule, slot))


def _is_day_off(schedule: Schedule, slot: Slot) -> bool:
    """Whether the property is closed all day, so that nobody can show it. Otherwise its office hours do not limit
    tours."""
    day = schedule.special_day(slot.starts_at)
    return day is not None and day.is_closed


def showings(session: Session, agent_ids: set[int], first: datetime, last: datetime) -> Sequence[TakenSlot]:
    """Taken slots of these agents around a time, at any property."""
    return _taken(session, None, agent_ids, first, last) if agent_ids else []


TakenSlot = Row[*tuple[Any, ...]]
"""A row of TourSlot."""
_AROUND = timedelta(hours=12)
_TAKEN = select(
    TourSlot.key,
    TourSlot.property_id,
    TourSlot.agent_id,
    TourSlot.starts_at,
    TourSlot.ends_at,
    TourSlot.capacity,
    TourSlot.taken,
).where(
    TourSlot.taken > 0,
    or_(
        and_(
            TourSlot.property_id == bindparam("property"),
            TourSlot.starts_at.between(bindparam("first"), bindparam("last")),
        ),
        and_(
            TourSlot.agent_id.in_(bindparam("agents", expanding=True)),
            TourSlot.starts_at > bindparam("before"),
            TourSlot.starts_at < bindparam("after"),
        ),
    ),
)


def _taken(
    session: Session, property_id: int | None, agent_ids: set[int], first: datetime, last: datetime
) -> Sequence[TakenSlot]:
    """Booked slots: the property's from `first` to `last`, and these agents' also up to _AROUND before and after."""
    around = {"before": first - _AROUND, "after": last + _AROUND}
    values = {"property": property_id, "agents": list(agent_ids), "first": first, "last": last, **around}
    return prepared.rows(session, _TAKEN, values).all()


def is_elsewhere(property_id: int, slot: Slot, shows: Sequence[TakenSlot]) -> bool:
    """Whether the agent has another tour then; one more person in the same slot is not a conflict."""
    return any(
        shown.agent_id == slot.agent_id
        and shown.key != key_of(property_id, slot)
        and tours.collide(slot.starts_at, slot.ends_at, shown.starts_at, shown.ends_at, slot.buffer_minutes)
        for shown in shows
    )


def zone(config: Config, property: HasZone) -> ZoneInfo:
    """The property's own time zone, else the office's."""
    return queries.zone(config.tz, property)


def key_of(property_id: int, slot: Slot) -> str:
    """The key of a slot's row, the same whoever computes it."""
    return f"{property_id}/{slot.starts_at:%Y-%m-%dT%H:%MZ}/{slot.kind}/{slot.agent_id or '-'}"
