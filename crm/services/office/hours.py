"""The weekly hours of the office, of single properties, and of agents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields
from crm.domain.hours import Schedule
from crm.services import audit
from crm.services.audit import By
from crm.services.office import agents, properties
from crm.store.models import Agent, AgentHours, Hours, Property
from crm.store.queries import office


def schedule(session: Session, config: Config) -> Schedule:
    """When the office is open; without any setting it always is."""
    return office.schedule(session, config.tz)


def schedules(session: Session, config: Config) -> list[tuple[Property | None, Schedule]]:
    """The office's, under None, then every property's by slug."""
    listed = session.scalars(select(Property).order_by(Property.slug)).all()
    return office.schedules(session, config.tz, [None, *listed])


def holiday_regions(session: Session) -> set[str]:
    """All public holiday calendars that are in use."""
    organization = office.organization(session)
    listed = session.scalars(select(Property)).all()
    return {office.holiday_region(organization, property) for property in [None, *listed]} - {""}


def replace(session: Session, by: By, openings: Sequence[str], property_slug: str | None = None) -> None:
    """Replaces a whole week by texts such as 'mon-fri 09:00-18:00'. Raises Invalid, NotFound.

    Without any the office is always open, and a property has the office's week.
    """
    week = fields.openings(openings)
    put(session, properties.named(session, property_slug) if property_slug else None, week)
    default = "as the office" if property_slug else "always open"
    audit.record(
        session, by, f"hours{f' of {property_slug}' if property_slug else ''} set to {'; '.join(openings) or default}"
    )


def put(session: Session, property: Property | None, week: Iterable[tuple[int, str, str]]) -> None:
    """The same with openings that are checked, within a transaction."""
    property_id = property.id if property else None
    session.execute(delete(Hours).where(Hours.property_id == property_id))
    session.add_all(
        Hours(property_id=property_id, weekday=weekday, opens=opens, closes=closes) for weekday, opens, closes in week
    )


def replace_agent(session: Session, by: By, slug: str, openings: Sequence[str]) -> None:
    """Replaces an agent's own week; without openings they have none. Raises Invalid, NotFound."""
    week = fields.openings(openings)
    put_agent(session, agents.named(session, slug), week)
    audit.record(session, by, f"hours of {slug} set to {'; '.join(openings) or 'those of the office'}")


def put_agent(session: Session, agent: Agent, week: Iterable[tuple[int, str, str]]) -> None:
    """The same with openings that are checked, within a transaction."""
    session.execute(delete(AgentHours).where(AgentHours.agent_id == agent.id))
    session.add_all(
        AgentHours(agent_id=agent.id, weekday=weekday, opens=opens, closes=closes) for weekday, opens, closes in week
    )
