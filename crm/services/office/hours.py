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
    """When the office is open: always, if no hours are set."""
    return office.schedule(session, config.tz)


def schedules(session: Session, config: Config) -> list[tuple[Property | None, Schedule]]:
    """The office's schedule, under None, then those of the properties, by slug."""
    listed = session.scalars(select(Property).order_by(Property.slug)).all()
    return office.schedules(session, config.tz, [None, *listed])


def holiday_regions(session: Session) -> set[str]:
    """The calendars of public holidays in use."""
    organization = office.organization(session)
    listed = session.scalars(select(Property)).all()
    return {office.holiday_region(organization, property) for property in [None, *listed]} - {""}


def replace(session: Session, by: By, openings: Sequence[str], property_slug: str | None = None) -> None:
    """Replaces the weekly hours by texts like 'mon-fri 09:00-18:00'. Raises Invalid, NotFound.

    Without any, the office is always open, and a property has the office's hours.
    """
    week = fields.openings(openings)
    put(session, properties.named(session, property_slug) if property_slug else None, week)
    default = "as the office" if property_slug else "always open"
    audit.record(
        session, by, f"hours{f' of {property_slug}' if property_slug else ''} set to {'; '.join(openings) or default}"
    )


def put(session: Session, property: Property | None, week: Iterable[tuple[int, str, str]]) -> bool:
    """Like `replace`, for openings that are already checked; leaves no audit entry. Returns whether they are others."""
    mine = Hours.property_id == (property.id if property else None)
    wanted = list(week)
    if sorted(wanted) == sorted(
        map(tuple, session.execute(select(Hours.weekday, Hours.opens, Hours.closes).where(mine)))
    ):
        return False
    session.execute(delete(Hours).where(mine))
    session.add_all(
        Hours(property_id=property.id if property else None, weekday=weekday, opens=opens, closes=closes)
        for weekday, opens, closes in wanted
    )
    return True


def replace_agent(session: Session, by: By, slug: str, openings: Sequence[str]) -> None:
    """Replaces an agent's own weekly hours; without any, those of the office apply. Raises Invalid, NotFound."""
    week = fields.openings(openings)
    put_agent(session, agents.named(session, slug), week)
    audit.record(session, by, f"hours of {slug} set to {'; '.join(openings) or 'those of the office'}")


def put_agent(session: Session, agent: Agent, week: Iterable[tuple[int, str, str]]) -> bool:
    """Like `replace_agent`, for openings that are already checked; leaves no audit entry. Returns whether they are
    others."""
    mine = AgentHours.agent_id == agent.id
    wanted, columns = list(week), (AgentHours.weekday, AgentHours.opens, AgentHours.closes)
    if sorted(wanted) == sorted(map(tuple, session.execute(select(*columns).where(mine)))):
        return False
    session.execute(delete(AgentHours).where(mine))
    session.add_all(
        AgentHours(agent_id=agent.id, weekday=weekday, opens=opens, closes=closes) for weekday, opens, closes in wanted
    )
    return True
