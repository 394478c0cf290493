"""Agents."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from crm.domain import fields
from crm.domain.errors import NotFound
from crm.store.models import Agent, AgentHours, Device, Organization, Subteam, SubteamMember
from crm.store.models.living import ALL
from crm.store.queries.names import id_of
from crm.views.lists import by_owner


class AgentEntry(msgspec.Struct):
    """An agent of the leasing office."""

    slug: str
    name: str
    extension: str | None
    """What colleagues dial."""
    on_duty: bool
    is_admin: bool
    """Whether they own everything that has no other owner."""
    subteams: list[str]
    devices: list[str]
    email: str
    """Address for notices and voicemail; empty: none."""
    dialing: str
    """Whether they may dial outside numbers and be forwarded to one: allowed or none."""
    hours: list[str]
    """The weekly hours in which they take calls, as given to `agent hours`; empty: whenever they are on duty and the
    office is open."""
    last_talk_ended_at: datetime | None
    """Used by round robin: longest idle first."""
    retired_at: datetime | None
    """Since then they are on record only; null: they work here."""


_AGENT = select(
    Agent.id,
    Agent.slug,
    Agent.name,
    Agent.extension,
    Agent.on_duty,
    exists().where(Organization.admin_agent_id == Agent.id).label("is_admin"),
    Agent.email,
    Agent.dialing,
    Agent.last_talk_ended_at,
    Agent.retired_at,
)


def listed(session: Session, *, retired: bool = False) -> list[AgentEntry]:
    """All who work here, or all who are retired, by slug."""
    found = _AGENT.order_by(Agent.slug, Agent.retired_at)
    if retired:
        found = found.where(Agent.retired_at.is_not(None)).execution_options(**ALL)
    return _entries(session, found)


def one(session: Session, slug: str) -> AgentEntry:
    """Raises NotFound, Invalid."""
    found = _entries(session, _AGENT.where(Agent.id == id_of(Agent.slug, fields.slug(slug))))
    if not found:
        raise NotFound(f"There is no agent {slug}.", code="agent_unknown", agent=slug)
    return found[0]


def number_of(session: Session, slug: str) -> int:
    """The id of an agent. Raises NotFound."""
    found = session.scalar(select(Agent.id).where(Agent.id == id_of(Agent.slug, slug)))
    if found is None:
        raise NotFound(f"There is no agent {slug}.", code="agent_unknown", agent=slug)
    return found


def _entries(session: Session, found: Select[*tuple[Any, ...]]) -> list[AgentEntry]:
    rows = session.execute(found).all()
    ids = [row.id for row in rows]
    subteams = by_owner(
        session,
        select(SubteamMember.agent_id, Subteam.slug)
        .join(Subteam, Subteam.id == SubteamMember.subteam_id)
        .where(SubteamMember.agent_id.in_(ids))
        .order_by(Subteam.slug),
    )
    devices = by_owner(
        session, select(Device.agent_id, Device.slug).where(Device.agent_id.in_(ids)).order_by(Device.slug)
    )
    hours: dict[int, list[tuple[int, str, str]]] = {}
    weeks = select(AgentHours.agent_id, AgentHours.weekday, AgentHours.opens, AgentHours.closes)
    weeks = weeks.where(AgentHours.agent_id.in_(ids)).order_by(AgentHours.weekday, AgentHours.opens)
    for agent_id, weekday, opens, closes in session.execute(weeks):
        hours.setdefault(agent_id, []).append((weekday, opens, closes))
    return [
        AgentEntry(
            slug=row.slug,
            name=row.name,
            extension=row.extension,
            on_duty=row.on_duty,
            is_admin=row.is_admin,
            subteams=subteams[row.id],
            devices=devices[row.id],
            email=row.email,
            dialing=row.dialing,
            hours=fields.as_texts(hours.get(row.id, ())),
            last_talk_ended_at=row.last_talk_ended_at,
            retired_at=row.retired_at,
        )
        for row in rows
    ]
