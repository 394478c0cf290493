"""Next actions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, case, func, or_, select, tuple_
from sqlalchemy.orm import Session, selectinload

from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.errors import NotFound
from crm.domain.tasks import TaskKind
from crm.store.models import Agent, Call, Lead, LeadPhone, Subteam, SubteamMember, Task, TaskCall
from crm.store.queries import reach as reached
from crm.store.queries.names import id_in_use, id_of, ids_of


class TaskEntry(msgspec.Struct):
    """One owned next action."""

    id: int
    kind: str
    """call_back, listen, follow_up, reply or unknown_did."""
    owner: str | None
    """Slug of the agent; null: a subteam has it, and nobody has taken it yet."""
    team: str | None
    """Slug of that subteam; null: an agent has it."""
    why: str
    times: int
    """How many calls, texts or inquiries it covers."""
    last_at: datetime
    """When the latest of them came."""
    due_at: datetime
    overdue: bool
    lead: int | None
    name: str | None
    """The lead's; null: nobody knows it."""
    phone: str | None
    """The lead's number, or else the caller's, E.164."""
    caller_digits: str
    """What the caller showed in place of a number; empty: no digits."""
    call: str | None
    created_at: datetime
    done_at: datetime | None
    result: str
    """What came of it."""
    escalation: int
    """How often it was passed on because it was not done in time."""


class MissedEntry(msgspec.Struct):
    """Somebody to call back."""

    call: str | None
    task: int
    lead: int | None
    name: str | None
    phone: str | None
    """E.164; null when it was withheld or could not be read."""
    caller_digits: str
    """What the caller showed in place of a number; empty: no digits."""
    owner: str | None
    """Slug of the agent who is to call back; null: whoever of the subteam takes it."""
    team: str | None
    """Slug of that subteam; null: an agent has it."""
    why: str
    due_at: datetime
    overdue: bool


_LEADS_PHONE = (
    select(LeadPhone.number)
    .where(LeadPhone.lead_id == Task.lead_id)
    .order_by(LeadPhone.id)
    .limit(1)
    .correlate(Task)
    .scalar_subquery()
)
_TASK = (
    select(
        Task.id,
        Task.kind,
        Agent.slug.label("owner"),
        Subteam.slug.label("team"),
        Task.why,
        Task.times,
        func.coalesce(Task.last_at, Task.created_at).label("last_at"),
        Task.due_at,
        Task.lead_id.label("lead"),
        Lead.name,
        case((Task.lead_id.is_(None), Call.caller), else_=_LEADS_PHONE).label("phone"),
        func.coalesce(Call.caller_digits, "").label("caller_digits"),
        Task.call_id.label("call"),
        Task.created_at,
        Task.done_at,
        Task.result,
        Task.escalation,
    )
    .outerjoin(Agent, Agent.id == Task.owner_id)
    .outerjoin(Subteam, Subteam.id == Task.subteam_id)
    .outerjoin(Call, Call.id == Task.call_id)
    .outerjoin(Lead, Lead.id == Task.lead_id)
)


def listed(
    session: Session,
    now: datetime,
    *,
    owner: str | None = None,
    team: str | None = None,
    with_done: bool = False,
    due_before: datetime | None = None,
    since: datetime | None = None,
    lead: int | None = None,
    after: tuple[datetime, int] | None = None,
    limit: int = 50,
    reach: Reach = WHOLE_OFFICE,
) -> list[TaskEntry]:
    """The most urgent first; `owner` is an agent's slug: theirs, and what they may take of their subteams'; `team` that
    of a subteam: what nobody of it has taken. `since` goes by when they were created. `after` is due time and id of
    the last one on the page before."""
    found = _TASK.where(*reached.of_tasks(reach)).order_by(Task.due_at, Task.id).limit(limit)
    if after is not None:
        found = found.where(tuple_(Task.due_at, Task.id) > after)
    if lead is not None:
        found = found.where(Task.lead_id == lead)
    if not with_done:
        found = found.where(Task.done_at.is_(None))
    if due_before is not None:
        found = found.where(Task.due_at < due_before)
    if since is not None:
        found = found.where(Task.created_at >= since)
    if team is not None:
        return _entries(session, found.where(Task.subteam_id == id_of(Subteam.slug, team)), now)
    if owner is None:
        return _entries(session, found, now)
    if with_done:
        # Whoever was called so before had some of them.
        return _entries(session, found.where(Task.owner_id.in_(ids_of(Agent.slug, owner))), now)
    # By one owner's id, so that the index returns them in order. Nobody who is retired has open tasks.
    their_id = id_in_use(Agent.slug, owner)
    teams = select(SubteamMember.subteam_id).where(SubteamMember.agent_id == their_id)
    own = _entries(session, found.where(Task.owner_id == their_id), now)
    to_take = _entries(session, found.where(Task.subteam_id.in_(teams)), now)
    return sorted(own + to_take, key=lambda one: (one.due_at, one.id))[:limit]


def one(session: Session, task_id: int, now: datetime, reach: Reach = WHOLE_OFFICE) -> TaskEntry:
    """Raises NotFound."""
    found = _entries(session, _TASK.where(Task.id == task_id, *reached.of_tasks(reach)), now)
    if not found:
        raise NotFound(f"There is no task {task_id}.", code="task_unknown", task=task_id)
    return found[0]


def of_call(session: Session, call_id: str, now: datetime) -> list[TaskEntry]:
    """The tasks that a call led to, the oldest first; a task may cover other calls of the person, too."""
    return _entries(session, _TASK.where(_came_of(call_id)).order_by(Task.id), now)


def ids_of_call(session: Session, call_id: str, reach: Reach = WHOLE_OFFICE) -> list[int]:
    found = select(Task.id).where(_came_of(call_id), *reached.of_tasks(reach))
    return list(session.scalars(found.order_by(Task.id)))


def owners_of_call(session: Session, call_id: str) -> list[tuple[str, str]]:
    """Kind and owner of each task that a call led to: slug of an agent, or subteam:SLUG."""
    found = select(Task).where(_came_of(call_id)).options(selectinload(Task.owner), selectinload(Task.subteam))
    return [(task.kind, owner_of(task)) for task in session.scalars(found.order_by(Task.id))]


def owner_of(task: Task) -> str:
    return task.owner.slug if task.owner else f"subteam:{task.subteam.slug}" if task.subteam else ""


def missed(
    session: Session,
    now: datetime,
    *,
    owner: str | None = None,
    after: tuple[datetime, int] | None = None,
    limit: int = 50,
    reach: Reach = WHOLE_OFFICE,
) -> list[MissedEntry]:
    """People to be called back, or who left a voicemail to listen to, the most urgent first.

    `owner` is an agent's slug: theirs, and what they may take of their subteams'. `after` is due time and id of the
    last one on the page before.
    """
    found = (
        select(
            Task.call_id.label("call"),
            Task.id.label("task"),
            Task.lead_id.label("lead"),
            Lead.name,
            _LEADS_PHONE.label("phone"),
            func.coalesce(Call.caller_digits, "").label("caller_digits"),
            Agent.slug.label("owner"),
            Subteam.slug.label("team"),
            Task.why,
            Task.due_at,
        )
        .outerjoin(Agent, Agent.id == Task.owner_id)
        .outerjoin(Subteam, Subteam.id == Task.subteam_id)
        .outerjoin(Lead, Lead.id == Task.lead_id)
        .outerjoin(Call, Call.id == Task.call_id)
        .where(Task.done_at.is_(None), Task.kind.in_((TaskKind.CALL_BACK, TaskKind.LISTEN)), Task.call_id.is_not(None))
        .where(*reached.of_tasks(reach))
        .order_by(Task.due_at, Task.id)
        .limit(limit)
    )
    if after is not None:
        found = found.where(tuple_(Task.due_at, Task.id) > after)
    if owner is not None:
        theirs = id_in_use(Agent.slug, owner)
        teams = select(SubteamMember.subteam_id).where(SubteamMember.agent_id == theirs)
        found = found.where(or_(Task.owner_id == theirs, Task.subteam_id.in_(teams)))
    return [MissedEntry(**row._mapping, overdue=row.due_at < now) for row in session.execute(found)]


def _entries(session: Session, found: Select[*tuple[Any, ...]], now: datetime) -> list[TaskEntry]:
    return [
        TaskEntry(**row._mapping, overdue=row.done_at is None and row.due_at < now) for row in session.execute(found)
    ]


def _came_of(call_id: str) -> ColumnElement[bool]:
    return or_(Task.call_id == call_id, Task.id.in_(select(TaskCall.task_id).where(TaskCall.call_id == call_id)))
