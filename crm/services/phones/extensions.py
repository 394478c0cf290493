"""Extensions of colleagues: which phones ring when one is dialed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from crm.domain.ringing import DeviceKind
from crm.services.phones.devices import has_dnd
from crm.store.models import Agent, Device, Subteam, SubteamMember
from crm.store.queries import agents

LONGEST = 6
"""Digits; an outside number has more."""


@dataclass(frozen=True)
class Colleague:
    """An agent, as their colleagues reach them."""

    slug: str
    name: str
    extension: str | None


def phones_of(session: Session, extension: str, now: datetime) -> list[str]:
    """Slugs of the devices that may ring for an extension now: DND counts, but not whether the agent is on duty."""
    agent = session.scalar(select(Agent).where(Agent.extension == extension).options(selectinload(Agent.devices)))
    return (
        [device.slug for device in agent.devices if device.kind != DeviceKind.MOBILE and not has_dnd(device, now)]
        if agent
        else []
    )


def agent_at(session: Session, extension: str) -> Colleague | None:
    """The agent with this extension."""
    agent = session.scalar(select(Agent).where(Agent.extension == extension))
    return Colleague(agent.slug, agent.name, agent.extension) if agent else None


def owner_of(session: Session, device: str) -> Colleague | None:
    """The agent who owns this phone."""
    agent = agents.by_device(session, device)
    return Colleague(agent.slug, agent.name, agent.extension) if agent else None


def with_dnd(session: Session, now: datetime) -> dict[str, bool]:
    """Every agent's extension, and whether all of that agent's phones have DND."""
    found = select(Agent).where(Agent.extension.is_not(None)).options(selectinload(Agent.devices))
    states: dict[str, bool] = {}
    for agent in session.scalars(found):
        phones = [device for device in agent.devices if device.kind != DeviceKind.MOBILE]
        states[agent.extension or ""] = bool(phones) and all(has_dnd(phone, now) for phone in phones)
    return states


def next_dnd_end(session: Session, now: datetime) -> datetime | None:
    """When the next DND ends by itself; None if none does."""
    return session.scalar(select(func.min(Device.dnd_until)).where(Device.dnd, Device.dnd_until > now))


def subteams_of(session: Session, agent: str) -> tuple[str, ...]:
    """Slugs of the subteams an agent is a member of."""
    found = select(Subteam.slug).join(SubteamMember).join(Agent).where(Agent.slug == agent)
    return tuple(session.scalars(found))
