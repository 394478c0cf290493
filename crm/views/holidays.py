"""Dates on which the office or a property has other hours than usual."""

from __future__ import annotations

from datetime import date

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crm.domain import fields
from crm.domain.errors import Invalid
from crm.edge import holidays as calendars
from crm.store.models import Property, SpecialDay
from crm.store.queries import office
from crm.views import properties


class DayEntry(msgspec.Struct):
    """A date on which the office or a property has other hours than usual."""

    day: date
    name: str
    kind: str
    """holiday: a public one; special: set by somebody."""
    property: str | None
    """Slug of the only property it applies to; null: it applies everywhere."""
    open: str
    """closed, HH:MM-HH:MM, or usual: the week's hours."""


class YearEntry(msgspec.Struct):
    """The dates of a year on which hours are other than usual, in order."""

    region: str
    """The calendar of public holidays; empty: none."""
    days: list[DayEntry]


def year(session: Session, year: int, property_slug: str | None = None) -> YearEntry:
    """For a property, the dates that apply there, with one entry each; otherwise the office's, and the special days of
    all properties.

    Raises NotFound, Invalid.
    """
    if not 1900 <= year <= 2200:
        raise Invalid(
            f"There is no calendar for {year}: write a year like 2026.", code="calendar_year_invalid", year=year
        )
    found = properties.named(session, property_slug) if property_slug else None
    region = office.holiday_region(office.organization(session), found)
    wanted = (
        select(
            SpecialDay.day,
            SpecialDay.name,
            SpecialDay.as_usual,
            SpecialDay.opens,
            SpecialDay.closes,
            Property.slug.label("property"),
        )
        .outerjoin(Property, Property.id == SpecialDay.property_id)
        .where(SpecialDay.day.between(date(year, 1, 1), date(year, 12, 31)))
        .where(or_(SpecialDay.property_id.is_(None), Property.id.is_not(None)))
    )
    if found:
        wanted = wanted.where(SpecialDay.property_id.is_(None) | (SpecialDay.property_id == found.id))
    rows = session.execute(wanted).all()
    if found:
        own = {row.day for row in rows if row.property}
        rows = [row for row in rows if row.property or row.day not in own]
    special = [
        DayEntry(row.day, row.name, "special", row.property, _opens(row.as_usual, row.opens, row.closes))
        for row in rows
    ]
    # A special day of a single property does not replace the holiday for the others.
    taken = {one.day for one in special if found or not one.property}
    public = calendars.in_year(region, year) if region else {}
    days = [DayEntry(day, name, "holiday", None, "closed") for day, name in public.items() if day not in taken]
    return YearEntry(region, sorted([*days, *special], key=lambda one: (one.day, one.property or "")))


def _opens(as_usual: bool, opens: str, closes: str) -> str:
    return fields.AS_USUAL if as_usual else f"{opens}-{closes}" if opens else "closed"
