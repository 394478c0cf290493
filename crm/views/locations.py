"""Locations of phones."""

from __future__ import annotations

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.store.models import Device, Location
from crm.views.lists import by_owner


class LocationEntry(msgspec.Struct):
    """A location where phones are."""

    slug: str
    address: str
    callback_number: str
    """E.164: the caller ID of emergency calls from there."""
    devices: list[str]


def listed(session: Session) -> list[LocationEntry]:
    """All, by slug."""
    devices = by_owner(session, select(Device.location_id, Device.slug).order_by(Device.slug))
    found = select(Location.id, Location.slug, Location.address, Location.callback_number).order_by(Location.slug)
    return [
        LocationEntry(row.slug, row.address, row.callback_number, devices[row.id]) for row in session.execute(found)
    ]
