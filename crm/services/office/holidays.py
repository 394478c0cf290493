"""Dates on which the office or a property has other hours than usual: public holidays and special days."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain import fields
from crm.domain.errors import Invalid, NotFound
from crm.edge import holidays as calendars
from crm.services import audit
from crm.services.audit import By
from crm.services.office import properties
from crm.store.models import Property, SpecialDay
from crm.store.queries import office


def known_region(raw: str) -> str:
    """A calendar's name as stored: US-TX, `none`, or "" if none is set. Raises Invalid."""
    value = raw.strip()
    if not value or value.lower() == office.NO_HOLIDAYS:
        return value.lower()
    try:
        return calendars.region(value)
    except calendars.UnknownRegion as unknown:
        raise Invalid(str(unknown), code="calendar_region_unknown") from None


def set_region(session: Session, by: By, region: str, property_slug: str | None = None) -> str:
    """Sets the calendar of public holidays on which the office, or one property, is closed. `none`: no holidays; "" for
    a property: those of the office.

    Returns the calendar's name as stored. Raises Invalid, NotFound.
    """
    known = known_region(region)
    if property_slug:
        properties.named(session, property_slug).holidays = known
    elif organization := office.organization(session):
        organization.holidays = "" if known == office.NO_HOLIDAYS else known
    audit.record(session, by, f"holidays of {property_slug or 'the office'} set to {known or 'those of the office'}")
    return known


def add(
    session: Session, by: By, day: date, *, open_: str = "", name: str = "", property_slug: str | None = None
) -> bool:
    """Gives a date hours of its own, `open_` being as in `fields.special_open`. Returns True if the date is new, False
    if it replaces what was set. Raises Invalid, NotFound."""
    opens, name = fields.special_open(open_), fields.text(name, "name", 100)
    is_new, _ = put(session, day, opens, name, properties.named(session, property_slug) if property_slug else None)
    audit.record(session, by, f"{day} at {property_slug or 'the office'}: {opens or 'closed'}")
    return is_new


def put(session: Session, day: date, open_: str, name: str, property: Property | None) -> tuple[bool, bool]:
    """Like `add`, for fields that are already checked; leaves no audit entry. Returns whether the date is new, and
    whether it is different from before."""
    row = _row(session, day, property)
    is_new = row is None
    if row is None:
        row = SpecialDay(day=day, property_id=property.id if property else None)
        session.add(row)
    row.as_usual = open_ == fields.AS_USUAL
    row.opens, row.closes = fields.span(open_) if open_ and not row.as_usual else ("", "")
    row.name = name
    is_changed = session.is_modified(row)
    session.flush()
    return is_new, is_changed


def remove(session: Session, by: By, day: date, property_slug: str | None = None) -> None:
    """Removes a special day. Raises NotFound."""
    row = _row(session, day, properties.named(session, property_slug) if property_slug else None)
    if row is None:
        whose = f"property {property_slug}" if property_slug else "the office"
        raise NotFound(f"{day} is not a special day of {whose}.", code="special_day_unknown", day=str(day))
    session.delete(row)
    audit.record(session, by, f"{day} at {property_slug or 'the office'} is no longer a special day")


def _row(session: Session, day: date, property: Property | None) -> SpecialDay | None:
    mine = SpecialDay.property_id == (property.id if property else None)
    found = select(SpecialDay).where(SpecialDay.day == day, mine).order_by(SpecialDay.id.desc())
    return session.scalars(found).first()
