"""Tours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from crm.context import Crm
from crm.domain.access import Role
from crm.domain.tours import TourKind
from crm.services.audit import By
from crm.services.tours import booking, times
from crm.store.models import Agent, Property
from tests.browser.console.kind import Kind

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)

KINDS = (
    Kind("tours", "/tours?on={day}"),
    Kind("tours of a day", "/tours?view=day&on={day}"),
    Kind("tours in a list", "/tours?view=list&on={day}"),
    Kind("tours, none", "/tours?on=2030-01-01"),
    Kind("tours, read only", "/tours?on={day}", Role.READ_ONLY),
    Kind("tour", "/tours/{tour}", Role.AGENT),
    Kind("new tour", "/tours/new", Role.AGENT),
    Kind("new tour at a property", "/tours/new?property={property}", Role.AGENT),
    Kind("calendars to subscribe to", "/tours/feeds", Role.AGENT),
)


def fill(crm: Crm) -> Mapping[str, object]:
    now, by = crm.now(), By("alice", crm.now())
    with crm.store.writing() as session:
        property = session.scalars(select(Property).order_by(Property.id).limit(1)).one()
        agent = session.scalars(select(Agent.slug).order_by(Agent.id).limit(1)).one()
        week = ["mon-sun 09:00-17:00"]
        times.set_hours(session, by, property.slug, week, kind=TourKind.ACCOMPANIED, minutes=30, agent=agent)
        free = times.free_on(session, crm.config, property.slug, now, now + timedelta(days=1), 2, TourKind.ACCOMPANIED)
        tours = [
            booking.book(
                session,
                crm.config,
                crm.secrets,
                by,
                person=f"+1512555016{number}",
                property_slug=property.slug,
                at=slot.starts_at,
                key=f"kind:{number}",
            ).tour
            for number, slot in enumerate(free[:8])
        ]
        return {"tour": tours[0].id, "property": property.slug, "day": tours[0].slot.starts_at.date().isoformat()}
