"""Those who lease, and their devices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, exists, func, or_, select
from sqlalchemy.orm import Session, selectinload

from crm.domain.hours import Schedule, weekly
from crm.store import prepared
from crm.store.models import Agent, AgentHours, Device, SubteamMember, Task
from crm.store.queries import names


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
    """By the name they have, else by one they had before."""
    found = session.scalars(select(Agent).where(Agent.slug == slug).options(selectinload(Agent.devices))).first()
    return found or names.renamed(session, Agent, slug)


def by_device(session: Session, device: str) -> Agent | None:
    """Whose phone this is."""
    return session.scalars(select(Agent).join(Device).where(Device.slug == device)).first()


def least_busy(
    session: Session, subteam_id: int | None = None, *, due: datetime | None = None, without: int | None = None
) -> Agent | None:
    """The agent on duty, in the subteam if one is given, with the fewest open tasks, and of several the one who has
    waited longest for a talk; never comes before all.

    With `due`, on the office's clock, only agents who work then by their own hours. `without` is the id of an agent to
    leave out. Of very many, those who have waited longest are compared.
    """
    idlest = (Agent.last_talk_ended_at.asc().nulls_first(), Agent.slug)
    among = select(Agent.id).where(Agent.on_duty, Agent.retired_at.is_(None)).order_by(*idlest).limit(MOST_NAMED)
    if without is not None:
        among = among.where(Agent.id != without)
    if subteam_id is not None:
        members = select(SubteamMember.agent_id).where(SubteamMember.subteam_id == subteam_id)
        among = among.where(Agent.id.in_(members))
    if due is not None:
        own, clock = AgentHours.agent_id == Agent.id, f"{due:%H:%M}"
        then = (AgentHours.weekday == due.weekday(), AgentHours.opens <= clock, AgentHours.closes > clock)
        among = among.where(or_(~exists().where(own), exists().where(own, *then)))
    found = select(Agent).where(Agent.id.in_(among)).order_by(_OPEN_TASKS, *idlest).limit(1)
    return session.scalars(found).first()


def of_subteam(session: Session, subteam_id: int) -> Sequence[Agent]:
    """Its members, by slug."""
    members = select(Agent).join(SubteamMember).where(SubteamMember.subteam_id == subteam_id)
    return session.scalars(members.order_by(Agent.slug)).all()


MOST_NAMED = 100
"""To find one among more than this many, all agents are searched."""
_OPEN_TASKS = (
    select(func.count())
    .where(Task.owner_id == Agent.id, Task.done_at.is_(None))
    .correlate(Agent)
    .scalar_subquery()
    .label("open")
)
_TALKS = select(Agent.id, Agent.last_talk_ended_at)
_TALKS_OF = _TALKS.where(Agent.id.in_(bindparam("ids", expanding=True)))
_WORK = select(Agent.id, Agent.last_talk_ended_at, _OPEN_TASKS)
_WORK_OF = _WORK.where(Agent.id.in_(bindparam("ids", expanding=True)))
_IDLEST = (
    select(Agent.id)
    .where(Agent.on_duty, Agent.retired_at.is_(None))
    .order_by(Agent.last_talk_ended_at.asc().nulls_first(), Agent.slug)
    .limit(MOST_NAMED)
)
_WORK_OF_IDLEST = _WORK.where(Agent.id.in_(_IDLEST))


@dataclass(frozen=True)
class Workload:
    """What an agent has to do, and when they talked last; None: never."""

    open_tasks: int
    last_talk_ended_at: datetime | None


def workloads(session: Session, ids: Collection[int]) -> Mapping[int, Workload]:
    """Each agent's workload, by id. Of more than `MOST_NAMED`, those on duty who have waited longest, which may be
    others than those asked for, or none of them."""
    few = len(ids) <= MOST_NAMED
    found = prepared.rows(session, _WORK_OF if few else _WORK_OF_IDLEST, {"ids": list(ids)} if few else {})
    rows = found.all()
    if "written" not in session.info:
        # What it reads next need not be read again.
        session.info.setdefault("last_talks", {}).update({row.id: row.last_talk_ended_at for row in rows})
    # Calls that end together are on record together.
    unwritten = Counter(one.owner_id for one in session.new if isinstance(one, Task) and one.done_at is None)
    return {row.id: Workload(row.open + unwritten[row.id], row.last_talk_ended_at) for row in rows}


def last_talks(session: Session, ids: Collection[int]) -> Mapping[int, datetime | None]:
    """When each agent's last talk ended, by id; None: they have had none. May include more agents than asked for."""
    # A session that only reads sees one state of them.
    known: dict[int, datetime | None] = {} if "written" in session.info else session.info.setdefault("last_talks", {})
    if missing := [one for one in ids if one not in known]:
        few = len(missing) <= MOST_NAMED
        found = prepared.rows(session, _TALKS_OF, {"ids": missing}) if few else prepared.rows(session, _TALKS, {})
        known |= dict(found.all())
    return known
