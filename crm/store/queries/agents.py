"""Those who lease, and their devices."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Row, case, exists, select
from sqlalchemy.orm import Session, selectinload

from crm.domain.hours import Schedule, weekly
from crm.store.models import Agent, AgentHours, Device, Subteam, SubteamMember, SubteamSister


def listed(session: Session) -> Sequence[Agent]:
    """Every agent with devices and hours, by slug."""
    whole = (selectinload(Agent.devices), selectinload(Agent.hours))
    return session.scalars(select(Agent).order_by(Agent.slug).options(*whole)).all()


@dataclass(frozen=True)
class AgentPhones:
    """Agents, devices and hours as plain rows: a large office has thousands, and each call looks at them."""

    agents: Sequence[Row[int, str, bool, datetime | None, bool]]
    """Id, slug, on duty, end of the last talk, forwarding; by slug."""
    devices: Sequence[Row[int, str, str, bool, datetime | None, str | None, int, bool]]
    """Agent's id, slug, kind, DND, its end, number, seconds after others, whisper; by slug."""
    hours: dict[int, list[tuple[int, str, str]]]
    """By agent's id: weekday, opens, closes."""


_FEW = 500
"""So many are named in a query; to look for more, all are read."""


def phones(session: Session, *, of: Collection[str] | None = None, on_duty: bool = False) -> AgentPhones:
    """Of all agents, or of those named by slug, or of those on duty."""
    if of is not None and not of:
        return AgentPhones((), (), {})
    people = select(Agent.id, Agent.slug, Agent.on_duty, Agent.last_talk_ended_at, Agent.forwarding)
    devices = select(
        Device.agent_id,
        Device.slug,
        Device.kind,
        Device.dnd,
        Device.dnd_until,
        Device.number,
        Device.rings_after_seconds,
        Device.whisper,
    )
    hours = select(AgentHours.agent_id, AgentHours.weekday, AgentHours.opens, AgentHours.closes)
    if on_duty:
        people = people.where(Agent.on_duty)
    if of is not None and len(of) <= _FEW:
        people = people.where(Agent.slug.in_(of))
        ids = select(Agent.id).where(Agent.slug.in_(of))
        devices, hours = devices.where(Device.agent_id.in_(ids)), hours.where(AgentHours.agent_id.in_(ids))
    by_agent: dict[int, list[tuple[int, str, str]]] = {}
    for agent_id, weekday, opens, closes in session.execute(hours):
        by_agent.setdefault(agent_id, []).append((weekday, opens, closes))
    listed = session.execute(people.order_by(Agent.slug)).all()
    return AgentPhones(
        listed if of is None or len(of) <= _FEW else [row for row in listed if row.slug in of],
        session.execute(devices.order_by(Device.slug)).all(),
        by_agent,
    )


def own_hours(agent: Agent, tz: ZoneInfo) -> Schedule | None:
    """When the agent answers, in the office's time zone; None: whenever they are on duty and the office is open."""
    if not agent.hours:
        return None
    return weekly(((row.weekday, row.opens, row.closes) for row in agent.hours), tz)


def by_slug(session: Session, slug: str) -> Agent | None:
    return session.scalars(select(Agent).where(Agent.slug == slug).options(selectinload(Agent.devices))).first()


def by_device(session: Session, device: str) -> Agent | None:
    """Whose phone this is."""
    return session.scalars(select(Agent).join(Device).where(Device.slug == device)).first()


def longest_idle(
    session: Session, subteam_id: int | None = None, *, due: datetime | None = None, without: int | None = None
) -> Agent | None:
    """Of those on duty, in the subteam if one is given: who has waited longest for a talk; never comes before all.

    With `due`, on the office's clock, whoever works then by their own hours comes before who does not.
    `without` is the id of one who does not count.
    """
    found = select(Agent).where(Agent.on_duty)
    if without is not None:
        found = found.where(Agent.id != without)
    if subteam_id is not None:
        members = select(SubteamMember.agent_id).where(SubteamMember.subteam_id == subteam_id)
        found = found.where(Agent.id.in_(members))
    if due is not None:
        own, clock = AgentHours.agent_id == Agent.id, f"{due:%H:%M}"
        then = (AgentHours.weekday == due.weekday(), AgentHours.opens <= clock, AgentHours.closes > clock)
        found = found.order_by(case((~exists().where(own), 0), (exists().where(own, *then), 0), else_=1))
    found = found.order_by(Agent.last_talk_ended_at.asc().nulls_first(), Agent.slug)
    return session.scalars(found.limit(1)).first()


def of_subteam(session: Session, subteam_id: int) -> Sequence[Agent]:
    """Its members, by slug."""
    members = select(Agent).join(SubteamMember).where(SubteamMember.subteam_id == subteam_id)
    return session.scalars(members.order_by(Agent.slug)).all()


def slugs_of(session: Session, subteam_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Slugs of subteams' members, by the subteam's id."""
    members = select(SubteamMember.subteam_id, Agent.slug).join(Agent, Agent.id == SubteamMember.agent_id)
    found: dict[int, list[str]] = {subteam_id: [] for subteam_id in subteam_ids}
    rows = session.execute(members.where(SubteamMember.subteam_id.in_(subteam_ids)).order_by(Agent.slug))
    for subteam_id, slug in rows:
        found[subteam_id].append(slug)
    return {subteam_id: tuple(slugs) for subteam_id, slugs in found.items()}


def sisters(session: Session, subteam_id: int) -> Sequence[Row[int, str]]:
    """Subteams that help one out, in order: id and strategy."""
    found = select(Subteam.id, Subteam.strategy).join(SubteamSister, SubteamSister.sister_id == Subteam.id)
    mine = found.where(SubteamSister.subteam_id == subteam_id).order_by(SubteamSister.position)
    return session.execute(mine).all()
