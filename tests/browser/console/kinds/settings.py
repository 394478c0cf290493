"""Settings."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from crm.context import Crm
from crm.store.models import Device, Line, Location
from tests.browser.console.kind import Kind

KINDS = (
    Kind("hours", "/settings/hours"),
    Kind("hours of tours", "/settings/tours?property=elm"),
    Kind("lines", "/settings/lines"),
    Kind("line", "/settings/lines/{line}"),
    Kind("devices", "/settings/devices?agent={agent}"),
    Kind("device", "/settings/devices/{device}"),
    Kind("places", "/settings/places"),
    Kind("place", "/settings/places/{place}"),
    Kind("forwarding", "/settings/forwarding"),
    Kind("texts of the office", "/settings/texts"),
    Kind("text of the office", "/settings/texts/missed_new/es"),
    Kind("settings file", "/settings/file"),
)


def fill(crm: Crm) -> Mapping[str, object]:
    with crm.store.reading() as session:
        device = session.scalars(select(Device).where(Device.kind == "desk").limit(1)).one()
        line = session.scalars(select(Line.number).limit(1)).one()
        place = session.scalars(select(Location.slug).limit(1)).one()
        return {"device": device.slug, "agent": device.agent.slug, "line": line, "place": place}
