"""Those who lease, and their devices."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, case, exists, select
from sqlalchemy.orm import Session, selectinload

from crm.domain.hours import Schedule, weekly
from crm.store import prepared
from crm.store.models import Agent, AgentHours, Device, SubteamMember


def listed(session: Session) -> Sequence[Agent]:
    """Every agent with devices and hours, by slug."""
    whole = (selectinload(Agent.devices), selectinload(Agent.hours))
    return session.scalars(select(Agent).order_by(Agent.slug).options(*whole)).all()


def told_of_emergencies(session: Session) -> Sequence[Agent]:
    """The agents named for it, with devices; if none are, all of them: somebody has to hear of an emergency call
    (47 CFR 9.16(b)(2))."""
    every = select(Agent).options(selectinload(Agent.devices)).order_by(Agent.slug)
    return session.scalars(every.where(Agent.emergency_notice)).all() or session.scalars(every).all()


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
    """The agent on duty, in the subteam if one is given, who has waited longest for a talk; never comes before all.

    With `due`, on the office's clock, agents working then by their own hours come before those who are not.
    `without` is the id of an agent to leave out.
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


MOST_NAMED = 100
"""To find one among more than this many, all agents are searched."""
_TALKS = select(Agent.id, Agent.last_talk_ended_at)
_TALKS_OF = _TALKS.where(Agent.id.in_(bindparam("ids", expanding=True)))
_IDLEST_ON_DUTY = (
    select(Agent.id).where(Agent.on_duty).order_by(Agent.last_talk_ended_at.asc().nulls_first(), Agent.slug)
)


def most_idle(session: Session, ids: Collection[int]) -> int:
    """The id of the one of these agents on duty (at least one) who has waited longest; never comes before all."""
    on_duty = prepared.rows(session, _IDLEST_ON_DUTY, {}).scalars()
    return next((one for one in on_duty if one in ids), min(ids))


def last_talks(session: Session, ids: Collection[int]) -> Mapping[int, datetime | None]:
    """When each agent's last talk ended, by id; None: they have had none. May include more agents than asked for."""
    # A session that only reads sees one state of them.
    known: dict[int, datetime | None] = {} if "written" in session.info else session.info.setdefault("last_talks", {})
    if missing := [one for one in ids if one not in known]:
        few = len(missing) <= MOST_NAMED
        found = prepared.rows(session, _TALKS_OF, {"ids": missing}) if few else prepared.rows(session, _TALKS, {})
        known |= dict(found.all())
    return known
