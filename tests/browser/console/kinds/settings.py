"""Settings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import select

from crm.context import Crm
from crm.services.audit import By
from crm.services.office import portfolios
from crm.store.models import Device, Line, Location
from tests.browser.console.kind import Kind

KINDS = (
    Kind("hours", "/settings/hours"),
    Kind("hours of tours", "/settings/tours?property=elm"),
    Kind("lines", "/settings/lines"),
    Kind("line", "/settings/lines/{line}"),
    Kind("agents", "/settings/agents"),
    Kind("agent", "/settings/agents/{agent}"),
    Kind("devices", "/settings/devices?agent={agent}"),
    Kind("device", "/settings/devices/{device}"),
    Kind("places", "/settings/places"),
    Kind("place", "/settings/places/{place}"),
    Kind("forwarding", "/settings/forwarding"),
    Kind("recordings", "/settings/recordings"),
    Kind("out of use", "/settings/retired"),
    Kind("texts of the office", "/settings/texts"),
    Kind("text of the office", "/settings/texts/missed_new/es"),
    Kind("email of the office", "/settings/mails/tour_booked/es"),
    Kind("settings file", "/settings/file"),
)

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


def fill(crm: Crm) -> Mapping[str, object]:
    with crm.store.writing() as session:
        portfolios.add(session, By("test", NOW), "old", name="Old")
        portfolios.retire(session, By("test", NOW), "old")
        device = session.scalars(select(Device).where(Device.kind == "desk").limit(1)).one()
        line = session.scalars(select(Line.number).limit(1)).one()
        place = session.scalars(select(Location.slug).limit(1)).one()
        return {"device": device.slug, "agent": device.agent.slug, "line": line, "place": place}
