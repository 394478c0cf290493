"""The office as one immutable value, with lookups by number, slug and id.

It is read whole, in a few statements, and kept as long as the office's mark (`crm.store.marks`) stays the same. Each
reader compares marks within its own transaction, so a change to the office applies to the next call, no matter who
made it. What changes with each call is not in it: who talked last, leads, tours that are booked.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Row, String, literal_column, select, union_all
from sqlalchemy.orm import Session

from crm.domain.choosing import Names, PropertyName
from crm.domain.hours import Schedule, weekly
from crm.domain.mailboxes import OFFICE, BoxKind, box, split
from crm.domain.ringing import DeviceAvailability, DeviceKind
from crm.domain.tours import Availability, Blackout, Slot, TourKind
from crm.store import marks
from crm.store.marks import KeptValue
from crm.store.models import (
    Agent,
    AgentHours,
    Desk,
    Device,
    FormerName,
    Hours,
    Line,
    Node,
    Organization,
    Property,
    SpecialDay,
    Subteam,
    SubteamMember,
    SubteamSister,
    TextWording,
    TourBlackout,
    TourHours,
    Trunk,
)
from crm.store.queries import office

_TRIES = 3
"""How many times the office is read if it changes meanwhile (PostgreSQL)."""
_SLOTS_KEPT = 1000
"""Properties and days; each has some dozens of slots."""

One = TypeVar("One")


def now(session: Session) -> Snapshot:
    """The office as this session's transaction sees it."""
    seen: Snapshot | None = session.info.get("seen")
    if seen is None:
        seen = _found(session, session.info["office"])
        if "written" not in session.info:
            # It only reads, and ends soon.
            session.info["seen"] = seen
    return seen


def _found(session: Session, office: KeptValue[Snapshot]) -> Snapshot:
    """The one that is kept, or one that is kept for the next reader from now on."""
    mark = marks.OFFICE.read(session)
    if kept := office.of(mark):
        return kept
    if session.info.get("written"):
        # What it has changed may be rolled back, and may go on changing under the same mark.
        return _read(session)
    with office.reading:
        for _ in range(_TRIES):
            if kept := office.of(mark):
                return kept
            found, before = _read(session), mark
            mark = marks.OFFICE.read(session)
            if mark == before:
                office.keep(mark, found)
                break
    return found


@dataclass(frozen=True, slots=True, eq=False)
class KnownTeam:
    """A subteam."""

    id: int
    slug: str
    strategy: str
    answering_service: str | None
    members: tuple[KnownAgent, ...]
    """By slug."""
    sister_ids: tuple[int, ...]
    """In the order in which they help out."""


@dataclass(frozen=True, slots=True, eq=False)
class KnownProperty:
    """A property."""

    id: int
    slug: str
    name: str
    area: str
    listings_url: str
    timezone: str
    holidays: str
    recording: str
    voicemail_to: str
    escalates: bool
    ai_answers: str
    portfolio_id: int | None
    subteam: KnownTeam | None

    @property
    def subteam_id(self) -> int | None:
        return self.subteam.id if self.subteam else None


@dataclass(frozen=True, slots=True, eq=False)
class KnownLine:
    id: int
    number: str
    label: str
    source: str
    greeting: str
    language: str
    ai_answers: str
    portfolio_id: int | None
    property: KnownProperty | None


@dataclass(frozen=True, slots=True, eq=False)
class KnownAgent:
    id: int
    slug: str
    on_duty: bool
    forwarding: bool
    week: tuple[tuple[int, str, str], ...]
    """Their own hours; none: whenever they are on duty and the office is open."""
    devices: tuple[DeviceAvailability, ...]
    """As if each were online, and in no talk; by slug."""

    def works(self, at: datetime) -> bool:
        """Within their own hours, if they have some; `at` is on the office's clock. On duty or not."""
        clock = f"{at:%H:%M}"
        return not self.week or any(day == at.weekday() and opens <= clock < closes for day, opens, closes in self.week)

    def hours(self, tz: ZoneInfo) -> Schedule | None:
        return weekly(self.week, tz) if self.week else None


@dataclass(frozen=True, slots=True, eq=False)
class KnownDesk:
    kind: str
    target: str
    confirm: bool
    hours: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class KnownOrganization:
    name: str
    listings_url: str
    admin_agent_id: int | None
    forward_to: str | None
    forward_confirm: bool
    holidays: str
    answering_service: str | None


@dataclass(frozen=True)
class Standing:
    """Who could ring for a call, as far as the office knows it: on duty, by their own hours and DND. Slugs."""

    may_ring: tuple[str, ...]
    after_hours: frozenset[str]
    """Their own hours say so explicitly."""
    on_holidays: frozenset[str]
    """The same at all hours, which is meant of holidays, too."""
    _phones: dict[str, tuple[str, ...]]
    """Of those who may ring, their phones without DND; mobiles are not among them."""
    _with_mobile: frozenset[str]
    """Theirs rings wherever it is."""
    _kept: dict[str, tuple[Collection[str], frozenset[str]]] = field(default_factory=dict)

    @cached_property
    def available(self) -> frozenset[str]:
        return frozenset(self.may_ring)

    def reachable(self, online: Collection[str] | None, of: Collection[str] | None = None) -> frozenset[str]:
        """Those with a phone that would ring and is not in a talk; `online` as in `reception.availability`."""
        if of is not None:
            return frozenset(slug for slug in of if self._is_reachable(slug, online))
        if online is None:
            return self._with_mobile | {slug for slug, phones in self._phones.items() if phones}
        # Phones come and go less often than calls arrive.
        known = self._kept.get("online")
        if known is None or known[0] != online:
            found = frozenset(slug for slug in self.may_ring if self._is_reachable(slug, online))
            known = self._kept["online"] = (frozenset(online), found)
        return known[1]

    def _is_reachable(self, slug: str, online: Collection[str] | None) -> bool:
        phones = self._phones.get(slug, ())
        return slug in self._with_mobile or (bool(phones) if online is None else any(map(online.__contains__, phones)))


class Snapshot:
    """The office at one moment. Nothing in it changes; what follows from it alone is found out once."""

    def __init__(
        self,
        organization: KnownOrganization | None,
        agents: Iterable[KnownAgent],
        teams: Iterable[KnownTeam],
        properties: Iterable[KnownProperty],
        lines: Iterable[KnownLine],
        desks: Iterable[tuple[int | None, KnownDesk]],
        hours: Iterable[Row[*tuple[Any, ...]]],
        special_days: Iterable[Row[*tuple[Any, ...]]],
        tour_hours: Iterable[tuple[int, Availability]],
        blackouts: Iterable[tuple[int | None, Blackout]],
        did_from: Iterable[tuple[str, str]],
        nodes: Iterable[str],
        forwarding: Iterable[str],
        wordings: Iterable[tuple[str, str, str]],
        ended: Iterable[Row[str, str, int, datetime]],
    ) -> None:
        self.organization = organization
        self.agents = {one.slug: one for one in agents}
        """By slug, in order."""
        self.roster = tuple(self.agents)
        """The slugs of all, in order."""
        self.agents_by_id = {one.id: one for one in self.agents.values()}
        self.owner_of = {device.slug: one for one in self.agents.values() for device in one.devices}
        """Whose a device is, by its slug."""
        self.teams = {one.slug: one for one in teams}
        self.teams_by_id = {one.id: one for one in self.teams.values()}
        self.properties = {one.slug: one for one in properties}
        self.properties_by_id = {one.id: one for one in self.properties.values()}
        self.lines = {one.number: one for one in lines}
        self.lines_by_id = {one.id: one for one in self.lines.values()}
        self.did_from = dict(did_from)
        """By trunk: where the number dialed stands."""
        self.nodes = frozenset(nodes)
        """Names of all, those that are gone, too."""
        self.forwarding = frozenset(forwarding)
        """Slugs of the devices that forward their calls by themselves."""
        self.wordings = {(name, language): body for name, language, body in wordings}
        """What the office wrote in place of standard texts, by name and language."""
        self._ended: dict[tuple[str, str], list[tuple[datetime, int]]] = {}
        for kind, name, id, until in ended:
            self._ended.setdefault((kind, name), []).append((until, id))
        self._desks = _grouped(desks)
        self._hours = _grouped((row.property_id, row) for row in hours)
        self._special_days = _grouped((row.property_id, row) for row in special_days)
        self._tour_hours = _grouped(tour_hours)
        self._blackouts = _grouped(blackouts)
        self._schedules: dict[tuple[str, int | None], Schedule] = {}
        self._names: dict[int | None, Names] = {}
        self._slots: dict[tuple[int, datetime, int], tuple[Slot, ...]] = {}
        self._standing: tuple[object, Standing] | None = None
        self._open: tuple[object, tuple[bool, ...]] | None = None

    def holder(self, kind: str, name: str, at: datetime) -> int | None:
        """The id of what had a name at that time: an agent, line (by number), property or subteam, or the agent who had
        a device. It may be retired or have another name by now. A call that is up goes on using names that have just
        changed, except for lines: a number that was retired is nobody's."""
        known: dict[str, Mapping[str, KnownAgent | KnownLine | KnownProperty | KnownTeam]] = {
            "agent": self.agents,
            "device": self.owner_of,
            "line": self.lines,
            "property": self.properties,
            "subteam": self.teams,
        }
        held = sorted(self._ended.get((kind, name), ()))
        then = next((id for until, id in held if at < until), None)
        if then is not None:
            return then
        now = known[kind].get(name)
        if now is not None:
            return now.id
        return held[-1][1] if held and kind != "line" else None

    def whose(self, agent: str, device: str, at: datetime) -> int | None:
        """Id of the agent whom a leg rang at that time; `agent` is empty where the dialplan rang it, which knows only
        phones."""
        return self.holder("agent", agent, at) if agent else self.holder("device", device, at)

    def mailbox_now(self, name: str, at: datetime) -> str:
        """What a mailbox of that time is called now; the office's, once its owner is retired."""
        kind, slug = split(name)
        if kind is None:
            return name
        living: dict[str, Mapping[int, Any]] = {
            "agent": self.agents_by_id,
            "property": self.properties_by_id,
            "subteam": self.teams_by_id,
        }
        held = self.holder(kind, slug, at)
        if held is None:
            return name
        owner = living[kind].get(held)
        return box(kind, owner.slug) if owner else OFFICE

    def schedule(self, tz: ZoneInfo, property: KnownProperty | None) -> Schedule:
        """As `crm.store.queries.office.schedule`."""
        key = (tz.key, property.id if property else None)
        if key not in self._schedules:
            ids = {None, property.id if property else None}
            week = [row for one in ids for row in self._hours.get(one, ())]
            special = [row for one in ids for row in self._special_days.get(one, ())]
            self._schedules[key] = office.schedule_of(property, tz, self.organization, week, special)
        return self._schedules[key]

    def listings_url(self, property: KnownProperty | None) -> str:
        """The property's link, else the office's; "" when there is neither."""
        own = property.listings_url if property else ""
        return own or (self.organization.listings_url if self.organization else "")

    def names(self, portfolio_id: int | None) -> Names:
        """Properties of a portfolio, else all."""
        if portfolio_id not in self._names:
            self._names[portfolio_id] = Names(
                PropertyName(one.slug, one.name, one.area)
                for one in self.properties.values()
                if portfolio_id in (None, one.portfolio_id)
            )
        return self._names[portfolio_id]

    def desks(self, property_id: int | None) -> list[KnownDesk]:
        """One of each kind: the property's own, else the one for all."""
        found = {desk.kind: desk for desk in self._desks.get(None, ())}
        if property_id is not None:
            found |= {desk.kind: desk for desk in self._desks.get(property_id, ())}
        return list(found.values())

    @cached_property
    def desks_by_property(self) -> frozenset[str]:
        """Kinds of which some property has one of its own."""
        return frozenset(desk.kind for property, desks in self._desks.items() if property is not None for desk in desks)

    def tour_hours(self, property_id: int) -> Sequence[Availability]:
        return self._tour_hours.get(property_id, ())

    def blackouts(self, property_id: int) -> list[Blackout]:
        """Times without tours, past ones, too."""
        return [*self._blackouts.get(None, ()), *self._blackouts.get(property_id, ())]

    def of_tours(self, key: tuple[int, datetime, int], find: Callable[[], tuple[Slot, ...]]) -> tuple[Slot, ...]:
        """What follows from tour hours and blackouts for a property and the days after a midnight."""
        known = self._slots.get(key)
        if known is None:
            if len(self._slots) >= _SLOTS_KEPT:
                self._slots.clear()
            known = self._slots[key] = find()
        return known

    def sisters(self, team: KnownTeam) -> list[KnownTeam]:
        """Subteams that help this one out, in order."""
        return [self.teams_by_id[one] for one in team.sister_ids if one in self.teams_by_id]

    def admin(self) -> KnownAgent | None:
        """The owner of whatever nobody else owns; None when there is nobody at all."""
        named = self.organization.admin_agent_id if self.organization else None
        if named in self.agents_by_id:
            return self.agents_by_id[named]
        return self.agents_by_id[min(self.agents_by_id)] if self.agents_by_id else None

    @cached_property
    def mailboxes(self) -> Mapping[str, tuple[KnownAgent, ...]]:
        """Every mailbox with its agents, in the order in which mailboxes are played."""
        admin = tuple(filter(None, [self.admin()]))
        found: dict[str, tuple[KnownAgent, ...]] = {
            box(BoxKind.AGENT, slug): (agent,) for slug, agent in self.agents.items()
        }
        found |= {box(BoxKind.SUBTEAM, slug): self.teams[slug].members or admin for slug in sorted(self.teams)}
        for slug, property in self.properties.items():
            found[box(BoxKind.PROPERTY, slug)] = (property.subteam.members if property.subteam else ()) or admin
        return {**found, OFFICE: admin}

    @cached_property
    def mailboxes_of(self) -> Mapping[int, tuple[str, ...]]:
        """What each agent may listen to, by the agent's id, in that order."""
        found: defaultdict[int, list[str]] = defaultdict(list)
        for name, members in self.mailboxes.items():
            for id in {member.id for member in members}:
                found[id].append(name)
        return {id: tuple(names) for id, names in found.items()}

    def standing(self, tz: ZoneInfo, now: datetime) -> Standing:
        """Who could ring now. It stays the same until somebody's hours begin or end, or a DND ends."""
        key = (tz.key, self._weeks_open(tz, now), bisect_right(self._dnd_ends, now))
        kept = self._standing
        if kept is None or kept[0] != key:
            kept = self._standing = (key, self._stand(tz, now))
        return kept[1]

    def _weeks_open(self, tz: ZoneInfo, now: datetime) -> tuple[bool, ...]:
        # Hours begin and end with a minute.
        minute = (tz.key, int(now.timestamp() // 60))
        kept = self._open
        if kept is None or kept[0] != minute:
            kept = self._open = (minute, tuple(weekly(week, tz).is_open(now) for week in self._weeks))
        return kept[1]

    @cached_property
    def _weeks(self) -> tuple[tuple[tuple[int, str, str], ...], ...]:
        return tuple(dict.fromkeys(one.week for one in self.agents.values() if one.week))

    @cached_property
    def _dnd_ends(self) -> list[datetime]:
        devices = (device for one in self.agents.values() for device in one.devices)
        return sorted(device.dnd_until for device in devices if device.dnd and device.dnd_until)

    def _stand(self, tz: ZoneInfo, now: datetime) -> Standing:
        is_open = dict(zip(self._weeks, self._weeks_open(tz, now), strict=True))
        always = {week for week in self._weeks if weekly(week, tz).covers_whole_week}
        at_work = [one for one in self.agents.values() if one.on_duty and (not one.week or is_open[one.week])]
        usable = {one: [device for device in one.devices if not device.has_dnd(now)] for one in at_work}
        return Standing(
            may_ring=tuple(one.slug for one in at_work if usable[one]),
            after_hours=frozenset(one.slug for one in at_work if one.week),
            on_holidays=frozenset(one.slug for one in at_work if one.week in always),
            _phones={
                one.slug: tuple(device.slug for device in devices if not device.is_mobile)
                for one, devices in usable.items()
            },
            _with_mobile=frozenset(
                one.slug
                for one, devices in usable.items()
                if one.forwarding and any(device.is_mobile and device.number for device in devices)
            ),
        )


def _grouped(rows: Iterable[tuple[int | None, One]]) -> dict[int | None, list[One]]:
    found: dict[int | None, list[One]] = defaultdict(list)
    for key, row in rows:
        found[key].append(row)
    return dict(found)


_AGENTS = select(Agent.id, Agent.slug, Agent.on_duty, Agent.forwarding).order_by(Agent.slug)
_DEVICES = select(
    Device.agent_id,
    Device.slug,
    Device.dnd,
    Device.dnd_until,
    Device.kind,
    Device.number,
    Device.rings_after_seconds,
    Device.whisper,
).order_by(Device.slug)
_AGENT_HOURS = select(AgentHours.agent_id, AgentHours.weekday, AgentHours.opens, AgentHours.closes).order_by(
    AgentHours.weekday, AgentHours.opens
)
_TEAMS = select(Subteam.id, Subteam.slug, Subteam.strategy, Subteam.answering_service)
_MEMBERS = select(SubteamMember.subteam_id, SubteamMember.agent_id)
_SISTERS = select(SubteamSister.subteam_id, SubteamSister.sister_id).order_by(SubteamSister.position)
_PROPERTIES = select(
    Property.id,
    Property.slug,
    Property.name,
    Property.area,
    Property.listings_url,
    Property.timezone,
    Property.holidays,
    Property.recording,
    Property.voicemail_to,
    Property.escalates,
    Property.ai_answers,
    Property.portfolio_id,
    Property.subteam_id,
).order_by(Property.slug)
_LINES = select(
    Line.id,
    Line.number,
    Line.label,
    Line.source,
    Line.greeting,
    Line.language,
    Line.ai_answers,
    Line.portfolio_id,
    Line.property_id,
)
_DESKS = select(Desk.property_id, Desk.kind, Desk.target, Desk.confirm, Desk.hours).order_by(Desk.id)
_HOURS = select(Hours.property_id, Hours.weekday, Hours.opens, Hours.closes)
_SPECIAL_DAYS = select(
    SpecialDay.property_id, SpecialDay.day, SpecialDay.opens, SpecialDay.closes, SpecialDay.as_usual, SpecialDay.name
)
_TOUR_HOURS = select(
    TourHours.property_id,
    TourHours.weekday,
    TourHours.opens,
    TourHours.closes,
    TourHours.kind,
    TourHours.minutes,
    TourHours.buffer_minutes,
    TourHours.capacity,
    TourHours.agent_id,
)
_BLACKOUTS = select(TourBlackout.property_id, TourBlackout.starts_at, TourBlackout.ends_at, TourBlackout.agent_id)
_ORGANIZATION = (
    select(
        Organization.name,
        Organization.listings_url,
        Organization.admin_agent_id,
        Organization.forward_to,
        Organization.forward_confirm,
        Organization.holidays,
        Organization.answering_service,
    )
    .order_by(Organization.id)
    .limit(1)
)
_WORDINGS = select(TextWording.name, TextWording.language, TextWording.body)


def _ended_of(model: Any, name: Any, id: Any) -> Any:
    kind = literal_column(f"'{model.__tablename__}'", String)
    return select(kind, name, id, model.retired_at).where(model.retired_at.is_not(None))


_ENDED = union_all(
    _ended_of(Agent, Agent.slug, Agent.id),
    _ended_of(Device, Device.slug, Device.agent_id),
    _ended_of(Line, Line.number, Line.id),
    _ended_of(Property, Property.slug, Property.id),
    _ended_of(Subteam, Subteam.slug, Subteam.id),
    select(FormerName.kind, FormerName.name, FormerName.row_id, FormerName.until).where(
        FormerName.kind.in_(("agent", "property", "subteam"))
    ),
    select(FormerName.kind, FormerName.name, Device.agent_id, FormerName.until)
    .join(Device, Device.id == FormerName.row_id)
    .where(FormerName.kind == "device"),
)
"""Names that something has had, as `Snapshot.holder` knows them."""


def _read(session: Session) -> Snapshot:
    organization = session.execute(_ORGANIZATION).first()
    weeks = _grouped((row.agent_id, (row.weekday, row.opens, row.closes)) for row in session.execute(_AGENT_HOURS))
    devices = _grouped((row.agent_id, _device(row)) for row in session.execute(_DEVICES))
    agents = [
        KnownAgent(*row, tuple(weeks.get(row.id, ())), tuple(devices.get(row.id, ())))
        for row in session.execute(_AGENTS)
    ]
    # What others change while this is read may leave loose ends on PostgreSQL; then it is read again.
    of_team = _grouped(session.execute(_MEMBERS))
    sisters = _grouped(session.execute(_SISTERS))
    members = {team: frozenset(ids) for team, ids in of_team.items()}
    by_id = {one.id: one for one in agents}
    teams = [
        KnownTeam(
            *row,
            tuple(sorted((by_id[one] for one in members.get(row.id, ()) if one in by_id), key=lambda one: one.slug)),
            tuple(sisters.get(row.id, ())),
        )
        for row in session.execute(_TEAMS)
    ]
    teams_by_id = {one.id: one for one in teams}
    properties = {
        row.id: KnownProperty(
            row.id,
            row.slug,
            row.name,
            row.area,
            row.listings_url,
            row.timezone,
            row.holidays,
            row.recording,
            row.voicemail_to,
            row.escalates,
            row.ai_answers,
            row.portfolio_id,
            teams_by_id.get(row.subteam_id) if row.subteam_id else None,
        )
        for row in session.execute(_PROPERTIES)
    }
    of_office = properties.keys()
    return Snapshot(
        KnownOrganization(*organization) if organization else None,
        agents,
        teams,
        properties.values(),
        (
            KnownLine(
                row.id,
                row.number,
                row.label,
                row.source,
                row.greeting,
                row.language,
                row.ai_answers,
                row.portfolio_id,
                properties.get(row.property_id) if row.property_id else None,
            )
            for row in session.execute(_LINES)
        ),
        (
            (row.property_id, KnownDesk(row.kind, row.target, row.confirm, tuple(row.hours)))
            for row in session.execute(_DESKS)
            if row.property_id is None or row.property_id in of_office
        ),
        session.execute(_HOURS).all(),
        session.execute(_SPECIAL_DAYS).all(),
        (
            (
                row.property_id,
                Availability(
                    row.weekday,
                    row.opens,
                    row.closes,
                    TourKind(row.kind),
                    row.minutes,
                    row.buffer_minutes,
                    row.capacity,
                    row.agent_id,
                ),
            )
            for row in session.execute(_TOUR_HOURS)
        ),
        ((row.property_id, Blackout(row.starts_at, row.ends_at, row.agent_id)) for row in session.execute(_BLACKOUTS)),
        session.execute(select(Trunk.slug, Trunk.did_from)).all(),
        session.scalars(select(Node.name)),
        session.scalars(select(Device.slug).where(Device.forwards_since.is_not(None))),
        session.execute(_WORDINGS).all(),
        session.execute(_ENDED).all(),
    )


def _device(row: Row[*tuple[Any, ...]]) -> DeviceAvailability:
    return DeviceAvailability(
        row.slug,
        row.dnd,
        row.dnd_until,
        is_mobile=row.kind == DeviceKind.MOBILE,
        number=row.number,
        rings_after_seconds=row.rings_after_seconds,
        whisper=row.whisper,
    )
