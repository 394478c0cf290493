"""The office itself: its organization, links, and when it and its properties are open."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import partial
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain.hours import Opening, Schedule, SpecialHours
from crm.edge import holidays
from crm.store.models import Hours, Organization, Property, SpecialDay

NO_HOLIDAYS = "none"
"""Of a property that is open on public holidays, whatever the office does."""


class HasZone(Protocol):
    @property
    def timezone(self) -> str: ...


class HasHolidays(Protocol):
    @property
    def holidays(self) -> str: ...


class HasHours(HasZone, HasHolidays, Protocol):
    """A property, as a row or as a part of the snapshot."""

    @property
    def id(self) -> int: ...


class HasTeam(Protocol):
    """A property, in the same two ways."""

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def subteam_id(self) -> int | None: ...


class HasListings(Protocol):
    @property
    def listings_url(self) -> str: ...


class WeekRow(Protocol):
    @property
    def property_id(self) -> int | None: ...
    @property
    def weekday(self) -> int: ...
    @property
    def opens(self) -> str: ...
    @property
    def closes(self) -> str: ...


class DayRow(Protocol):
    @property
    def property_id(self) -> int | None: ...
    @property
    def day(self) -> date: ...
    @property
    def opens(self) -> str: ...
    @property
    def closes(self) -> str: ...
    @property
    def as_usual(self) -> bool: ...
    @property
    def name(self) -> str: ...


def organization(session: Session) -> Organization | None:
    """None before the office is set up."""
    return session.scalars(select(Organization).order_by(Organization.id).limit(1)).first()


def schedule(
    session: Session, tz: ZoneInfo, property: HasHours | None = None, office: Organization | None = None
) -> Schedule:
    """When a property is open, or without one the office itself. `tz` is the office's.

    A property without hours of its own has the office's week, on its own clock. Who has read the organization already
    passes it on.
    """
    property_id = property.id if property else None
    mine = Hours.property_id.is_(None) | (Hours.property_id == property_id)
    special = SpecialDay.property_id.is_(None) | (SpecialDay.property_id == property_id)
    return schedule_of(
        property,
        tz,
        office or organization(session),
        session.scalars(select(Hours).where(mine)).all(),
        session.scalars(select(SpecialDay).where(special)).all(),
    )


def schedules(
    session: Session, tz: ZoneInfo, properties: Iterable[Property | None]
) -> list[tuple[Property | None, Schedule]]:
    """The same for many at once; None is the office."""
    office = organization(session)
    week = session.scalars(select(Hours)).all()
    special = session.scalars(select(SpecialDay)).all()
    return [(property, schedule_of(property, tz, office, week, special)) for property in properties]


def schedule_of(
    property: HasHours | None,
    tz: ZoneInfo,
    office: HasHolidays | None,
    week: Iterable[WeekRow],
    special: Iterable[DayRow],
) -> Schedule:
    """The schedule of a property, or the office, from rows among which are its own and the office's."""
    property_id = property.id if property else None
    own = [row for row in week if row.property_id == property_id] or [row for row in week if row.property_id is None]
    # A property's own date comes last and so wins over the office's.
    rows = [row for row in special if row.property_id is None]
    rows += [row for row in special if row.property_id is not None and row.property_id == property_id]
    region = holiday_region(office, property)
    return Schedule(
        openings=tuple(sorted(Opening.parse(row.weekday, row.opens, row.closes) for row in own)),
        tz=zone(tz, property),
        special={row.day: _special_day(row) for row in rows},
        holidays=partial(holidays.in_year, region) if region else None,
    )


def _special_day(row: DayRow) -> SpecialHours:
    if row.as_usual:
        return SpecialHours(row.name, windows=None)
    return SpecialHours.open(row.name, row.opens, row.closes) if row.opens else SpecialHours(row.name)


def holiday_region(office: HasHolidays | None, property: HasHolidays | None) -> str:
    """Whose public holidays close the property, or without one the office; "" for none."""
    named = (property.holidays if property else "") or (office.holidays if office else "")
    return "" if named == NO_HOLIDAYS else named


def zone(tz: ZoneInfo, property: HasZone | None) -> ZoneInfo:
    """The property's own time zone, else the office's."""
    return ZoneInfo(property.timezone) if property and property.timezone else tz


def listings_url(session: Session, property: HasListings | None) -> str:
    """The property's link, else the office's; "" when there is neither."""
    if property and property.listings_url:
        return property.listings_url
    office = organization(session)
    return office.listings_url if office else ""
