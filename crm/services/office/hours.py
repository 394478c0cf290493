"""The weekly hours of the office, of single properties, and of agents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm.config import Config
from crm.domain import fields
from crm.domain.hours import Schedule
from crm.services.audit import By, changing, note
from crm.services.office import agents, properties
from crm.store.models import Agent, AgentHours, Hours, Property
from crm.store.queries import agents as agent_queries
from crm.store.queries import office
from crm.store.session import Store


@dataclass(frozen=True)
class Week:
    """When something is open."""

    schedule: Schedule
    is_own: bool
    """False: a property that has the office's week."""


async def find(store: Store, config: Config, place: str | None = None) -> Week:
    """The office's hours, or a property's. Raises NotFound."""
    async with store.read() as session:
        found = await properties.named(session, place) if place else None
        own = select(Hours.id).where(Hours.property_id == (found.id if found else None)).limit(1)
        is_own = await session.scalar(own) is not None
        return Week(await office.schedule(session, config.tz, found), is_own)


async def schedule(store: Store, config: Config) -> Schedule:
    """When the office is open; without any setting it always is."""
    async with store.read() as session:
        return await office.schedule(session, config.tz)


async def schedules(store: Store, config: Config) -> list[tuple[Property | None, Schedule]]:
    """The office's, under None, then every property's by slug."""
    async with store.read() as session:
        places = (await session.scalars(select(Property).order_by(Property.slug))).all()
        return await office.schedules(session, config.tz, [None, *places])


async def holiday_regions(store: Store) -> set[str]:
    """Whose public holidays are kept anywhere."""
    async with store.read() as session:
        organization = await office.organization(session)
        places = (await session.scalars(select(Property))).all()
        return {office.holiday_region(organization, place) for place in [None, *places]} - {""}


async def replace(store: Store, by: By, openings: Sequence[str], place: str | None = None) -> None:
    """Replaces a whole week by texts such as 'mon-fri 09:00-18:00'. Raises Invalid, NotFound.

    Without any the office is always open, and a property has the office's week.
    """
    week = fields.openings(openings)
    async with changing(store) as session:
        await put(session, await properties.named(session, place) if place else None, week)
        default = "as the office" if place else "always open"
        note(session, by, f"hours{f' of {place}' if place else ''} set to {'; '.join(openings) or default}")


async def put(session: AsyncSession, place: Property | None, week: Iterable[tuple[int, str, str]]) -> None:
    """The same with openings that are checked, within a transaction."""
    place_id = place.id if place else None
    await session.execute(delete(Hours).where(Hours.property_id == place_id))
    session.add_all(
        Hours(property_id=place_id, weekday=weekday, opens=opens, closes=closes) for weekday, opens, closes in week
    )


async def find_agent(store: Store, config: Config, slug: str) -> Schedule | None:
    """When an agent answers; None: whenever they are on duty and the office is open. Raises NotFound."""
    async with store.read() as session:
        return agent_queries.own_hours(await agents.named(session, slug), config.tz)


async def replace_agent(store: Store, by: By, slug: str, openings: Sequence[str]) -> None:
    """Replaces an agent's own week; without openings they have none. Raises Invalid, NotFound."""
    week = fields.openings(openings)
    async with changing(store) as session:
        await put_agent(session, await agents.named(session, slug), week)
        note(session, by, f"hours of {slug} set to {'; '.join(openings) or 'those of the office'}")


async def put_agent(session: AsyncSession, agent: Agent, week: Iterable[tuple[int, str, str]]) -> None:
    """The same with openings that are checked, within a transaction."""
    await session.execute(delete(AgentHours).where(AgentHours.agent_id == agent.id))
    session.add_all(
        AgentHours(agent_id=agent.id, weekday=weekday, opens=opens, closes=closes) for weekday, opens, closes in week
    )
