"""Tours: times for them, and those that are booked."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.orm import Session

from crm.domain import fields
from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.errors import NotFound
from crm.domain.tours import TourState
from crm.store.models import (
    Agent,
    CalendarFeed,
    Lead,
    LeadPhone,
    Property,
    Tour,
    TourBlackout,
    TourHours,
    TourSlot,
)
from crm.store.queries import reach as reached
from crm.store.queries.names import id_of


class SlotEntry(msgspec.Struct):
    """A time that can be booked."""

    property: str
    at: datetime
    until: datetime
    kind: str
    """accompanied, self_guided or remote."""


class TourEntry(msgspec.Struct):
    """A tour."""

    id: int
    property: str
    lead: int
    name: str | None
    at: datetime
    until: datetime
    kind: str
    """accompanied, self_guided or remote."""
    state: str
    """booked, done, missed or cancelled."""
    booked_by: str
    """keypad, web, or the user at the command line."""
    booked_at: datetime
    call: str | None
    """The call it was booked in."""
    note: str


class CalendarTour(msgspec.Struct, kw_only=True):
    """A tour in a calendar, with what a page about it shows."""

    id: int
    property: str
    property_name: str
    property_id: int
    timezone: str
    """The property's own; empty: the office's."""
    agent: str | None
    """Slug of who shows it; null: nobody in particular."""
    agent_name: str | None
    lead: int
    name: str | None
    phone: str | None
    """The person's first number."""
    email: str
    at: datetime
    until: datetime
    kind: str
    state: str
    version: int
    booked_by: str
    booked_at: datetime
    note: str
    key: str
    """The same for all its versions."""


class TourHoursEntry(msgspec.Struct):
    """Weekly hours for tours of one kind, in the property's time zone."""

    property: str
    day: str
    """mon to sun."""
    opens: str
    closes: str
    """HH:MM; the last tour has ended by then."""
    kind: str
    minutes: int
    """Length of a tour."""
    buffer_minutes: int
    """Minutes between one tour and the next."""
    capacity: int
    """How many people can book the same time."""
    agent: str | None
    """The agent who gives the tour; null: nobody in particular."""


class BlackoutEntry(msgspec.Struct):
    """A time without tours."""

    id: int
    at: datetime
    until: datetime
    property: str | None
    """null: all."""
    agent: str | None
    """null: all agents."""
    why: str


class TourPage(msgspec.Struct):
    """What a person's own web page shows about their tour."""

    property_slug: str
    name: str
    """The property's."""
    timezone: str
    """The property's own; empty is the office's."""
    at: datetime
    kind: str
    state: str
    version: int
    """Links for an older one are void."""


_TOUR = (
    select(
        Tour.id,
        Property.slug.label("property"),
        Tour.lead_id.label("lead"),
        Lead.name,
        TourSlot.starts_at.label("at"),
        TourSlot.ends_at.label("until"),
        TourSlot.kind,
        Tour.state,
        Tour.booked_by,
        Tour.booked_at,
        Tour.call_id.label("call"),
        Tour.note,
        Property.timezone,
    )
    .join(TourSlot, TourSlot.id == Tour.slot_id)
    .join(Property, Property.id == TourSlot.property_id)
    .join(Lead, Lead.id == Tour.lead_id)
)


def listed(
    session: Session,
    *,
    since: datetime,
    property_slug: str | None = None,
    state: str | None = None,
    lead: int | None = None,
    after: tuple[datetime, int] | None = None,
    limit: int = 50,
    reach: Reach = WHOLE_OFFICE,
) -> list[tuple[TourEntry, str]]:
    """By time, each with the time zone of its property, "" for the office's. `after` is beginning and id of the last
    one on the page before."""
    found = _TOUR.where(TourSlot.starts_at >= since, *reached.of_tours(reach))
    found = found.order_by(TourSlot.starts_at, Tour.id).limit(limit)
    if after is not None:
        found = found.where(tuple_(TourSlot.starts_at, Tour.id) > after)
    if lead is not None:
        found = found.where(Tour.lead_id == lead)
    if property_slug is not None:
        found = found.where(TourSlot.property_id == id_of(Property.slug, property_slug))
    if state is not None:
        found = found.where(Tour.state == state)
    return [(TourEntry(*tour), timezone) for *tour, timezone in session.execute(found)]


def one(session: Session, tour_id: int, reach: Reach = WHOLE_OFFICE) -> tuple[TourEntry, str]:
    """With the time zone of its property, "" for the office's. Raises NotFound."""
    row = session.execute(_TOUR.where(Tour.id == tour_id, *reached.of_tours(reach))).first()
    if row is None:
        raise _unknown(tour_id)
    *tour, timezone = row
    return TourEntry(*tour), timezone


_FIRST_NUMBER = (
    select(LeadPhone.number)
    .where(LeadPhone.lead_id == Tour.lead_id)
    .order_by(LeadPhone.id)
    .limit(1)
    .correlate(Tour)
    .scalar_subquery()
)
_CALENDAR = (
    select(
        Tour.id,
        Property.slug.label("property"),
        Property.name.label("property_name"),
        Property.id.label("property_id"),
        Property.timezone,
        Agent.slug.label("agent"),
        Agent.name.label("agent_name"),
        Tour.lead_id.label("lead"),
        Lead.name,
        _FIRST_NUMBER.label("phone"),
        Lead.email,
        TourSlot.starts_at.label("at"),
        TourSlot.ends_at.label("until"),
        TourSlot.kind,
        Tour.state,
        Tour.version,
        Tour.booked_by,
        Tour.booked_at,
        Tour.note,
        Tour.key,
    )
    .join(TourSlot, TourSlot.id == Tour.slot_id)
    .join(Property, Property.id == TourSlot.property_id)
    .join(Lead, Lead.id == Tour.lead_id)
    .outerjoin(Agent, Agent.id == TourSlot.agent_id)
)


def between(
    session: Session,
    since: datetime,
    until: datetime,
    *,
    property_id: int | None = None,
    agent_id: int | None = None,
    with_cancelled: bool = False,
    limit: int = 500,
    reach: Reach = WHOLE_OFFICE,
) -> list[CalendarTour]:
    """Those that begin within a time, in order."""
    found = _CALENDAR.where(TourSlot.starts_at >= since, TourSlot.starts_at < until, *reached.of_tours(reach))
    found = found.order_by(TourSlot.starts_at, Tour.id).limit(limit)
    if property_id is not None:
        found = found.where(TourSlot.property_id == property_id)
    if agent_id is not None:
        found = found.where(TourSlot.agent_id == agent_id)
    if not with_cancelled:
        found = found.where(Tour.state != TourState.CANCELLED)
    return [CalendarTour(**row._mapping) for row in session.execute(found)]


def in_calendar(session: Session, tour_id: int, reach: Reach = WHOLE_OFFICE) -> CalendarTour:
    """Raises NotFound."""
    row = session.execute(_CALENDAR.where(Tour.id == tour_id, *reached.of_tours(reach))).first()
    if row is None:
        raise _unknown(tour_id)
    return CalendarTour(**row._mapping)


class FeedEntry(msgspec.Struct):
    """A calendar that somebody subscribes to."""

    id: int
    token: str
    property: str | None
    """Slug; null: it is an agent's."""
    agent: str | None
    name: str
    """The property's, or the agent's."""
    made_at: datetime


def feeds(session: Session, account_id: int) -> list[FeedEntry]:
    """Those of an account."""
    found = (
        select(
            CalendarFeed.id,
            CalendarFeed.token,
            Property.slug,
            Agent.slug,
            func.coalesce(Property.name, Agent.name, ""),
            CalendarFeed.made_at,
        )
        .outerjoin(Property, Property.id == CalendarFeed.property_id)
        .outerjoin(Agent, Agent.id == CalendarFeed.agent_id)
        .where(CalendarFeed.account_id == account_id)
        .order_by(CalendarFeed.id)
    )
    return [FeedEntry(*row) for row in session.execute(found)]


def page(session: Session, tour_id: int) -> TourPage:
    """Raises NotFound."""
    found = (
        select(
            Property.slug, Property.name, Property.timezone, TourSlot.starts_at, TourSlot.kind, Tour.state, Tour.version
        )
        .join(TourSlot, TourSlot.id == Tour.slot_id)
        .join(Property, Property.id == TourSlot.property_id)
        .where(Tour.id == tour_id)
    )
    row = session.execute(found).first()
    if row is None:
        raise _unknown(tour_id)
    return TourPage(*row)


def hours(session: Session, property_slug: str | None = None) -> list[TourHoursEntry]:
    """Weekly openings, of all properties or of one."""
    found = (
        select(
            Property.slug,
            TourHours.weekday,
            TourHours.opens,
            TourHours.closes,
            TourHours.kind,
            TourHours.minutes,
            TourHours.buffer_minutes,
            TourHours.capacity,
            Agent.slug,
        )
        .join(Property, Property.id == TourHours.property_id)
        .outerjoin(Agent, Agent.id == TourHours.agent_id)
        .order_by(Property.slug, TourHours.kind, TourHours.weekday, TourHours.opens)
    )
    if property_slug is not None:
        found = found.where(Property.id == id_of(Property.slug, property_slug))
    return [TourHoursEntry(row[0], fields.WEEKDAYS[row.weekday], *row[2:]) for row in session.execute(found)]


def blackouts(session: Session, now: datetime) -> list[BlackoutEntry]:
    """Those that are not over."""
    found = (
        select(
            TourBlackout.id,
            TourBlackout.starts_at,
            TourBlackout.ends_at,
            Property.slug,
            Agent.slug,
            TourBlackout.why,
        )
        .outerjoin(Property, Property.id == TourBlackout.property_id)
        .outerjoin(Agent, Agent.id == TourBlackout.agent_id)
        .where(TourBlackout.ends_at > now, or_(TourBlackout.property_id.is_(None), Property.id.is_not(None)))
        .order_by(TourBlackout.starts_at)
    )
    return [BlackoutEntry(*row) for row in session.execute(found)]


def _unknown(tour_id: int) -> NotFound:
    return NotFound(f"There is no tour {tour_id}.", code="tour_unknown", tour=tour_id)
