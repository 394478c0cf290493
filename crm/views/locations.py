"""Locations of phones."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.store.models import Device, Location
from crm.store.models.living import ALL
from crm.views.lists import by_owner


class LocationEntry(msgspec.Struct):
    """A location where phones are."""

    slug: str
    address: str
    callback_number: str
    """E.164: the caller ID of emergency calls from there."""
    devices: list[str]
    retired_at: datetime | None
    """Since then it is on record only; null: it is in use."""


def listed(session: Session, *, retired: bool = False) -> list[LocationEntry]:
    """All in use, or all that are retired, by slug."""
    devices = by_owner(session, select(Device.location_id, Device.slug).order_by(Device.slug))
    found = select(Location.id, Location.slug, Location.address, Location.callback_number, Location.retired_at)
    found = found.order_by(Location.slug, Location.retired_at)
    if retired:
        found = found.where(Location.retired_at.is_not(None)).execution_options(**ALL)
    return [
        LocationEntry(row.slug, row.address, row.callback_number, devices[row.id], row.retired_at)
        for row in session.execute(found)
    ]
