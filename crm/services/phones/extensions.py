"""Colleagues' extensions: which phones ring when one is dialled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from crm.services.phones.devices import has_dnd
from crm.store.models import Agent, Subteam, SubteamMember
from crm.store.queries import agents
from crm.store.session import Store

LONGEST = 6
"""Digits; a number outside has more."""


@dataclass(frozen=True)
class Colleague:
    """An agent as others reach them."""

    slug: str
    name: str
    extension: str | None


async def phones_of(store: Store, extension: str, now: datetime) -> list[str]:
    """Slugs of the devices that may ring for an extension now; duty does not matter to a colleague, DND does."""
    async with store.read() as session:
        agent = await session.scalar(
            select(Agent).where(Agent.extension == extension).options(selectinload(Agent.devices))
        )
        return (
            [device.slug for device in agent.devices if device.kind != "mobile" and not has_dnd(device, now)]
            if agent
            else []
        )


async def agent_at(store: Store, extension: str) -> Colleague | None:
    """Whose extension this is."""
    async with store.read() as session:
        agent = await session.scalar(select(Agent).where(Agent.extension == extension))
        return Colleague(agent.slug, agent.name, agent.extension) if agent else None


async def owner_of(store: Store, device: str) -> Colleague | None:
    """Whose phone this is."""
    async with store.read() as session:
        agent = await agents.by_device(session, device)
        return Colleague(agent.slug, agent.name, agent.extension) if agent else None


async def with_dnd(store: Store, now: datetime) -> dict[str, bool]:
    """Every agent's extension, and whether all of their phones have DND."""
    async with store.read() as session:
        found = select(Agent).where(Agent.extension.is_not(None)).options(selectinload(Agent.devices))
        states: dict[str, bool] = {}
        for agent in await session.scalars(found):
            phones = [device for device in agent.devices if device.kind != "mobile"]
            states[agent.extension or ""] = bool(phones) and all(has_dnd(phone, now) for phone in phones)
        return states


async def subteams_of(store: Store, agent: str) -> tuple[str, ...]:
    """Slugs of the subteams an agent is a member of."""
    async with store.read() as session:
        found = select(Subteam.slug).join(SubteamMember).join(Agent).where(Agent.slug == agent)
        return tuple(await session.scalars(found))
