"""Next actions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload, selectinload

from crm.store.models import Call, Lead, SubteamMember, Task, TaskCall

_ROW = (
    selectinload(Task.owner),
    selectinload(Task.subteam),
    selectinload(Task.call),
    selectinload(Task.lead).selectinload(Lead.phones),
)
_WITH_CALL = (
    joinedload(Task.owner),
    joinedload(Task.subteam),
    joinedload(Task.call),
    joinedload(Task.lead).selectinload(Lead.phones),
)
"""The same in two statements."""


def by_id(session: Session, task_id: int) -> Task | None:
    return session.scalars(select(Task).where(Task.id == task_id).options(*_ROW)).first()


def by_key(session: Session, key: str) -> Task | None:
    return session.scalars(select(Task).where(Task.key == key).options(*_ROW)).first()


def of_call(session: Session, call_id: str) -> Task | None:
    """The task that takes care of a call, done or not; it may stand for others of the same person."""
    found = select(Task).join(TaskCall, TaskCall.task_id == Task.id).where(TaskCall.call_id == call_id)
    return session.scalars(found.options(*_ROW)).first()


def open_one(session: Session, person: str, kind: str) -> Task | None:
    """The one open task about a person (Task.person) of that kind."""
    if not person:
        return None
    # SQLite has to be told that it is not empty: its index covers only such rows.
    found = select(Task).where(Task.person == person, Task.person != "", Task.kind == kind, Task.done_at.is_(None))
    found = found.options(*_ROW)
    return session.scalars(found).first()


def calls_of(session: Session, task_id: int) -> Sequence[tuple[str, datetime]]:
    """Id and beginning of each call that a task stands for, the oldest first."""
    found = select(Call.id, Call.started_at).join(TaskCall, TaskCall.call_id == Call.id)
    rows = session.execute(found.where(TaskCall.task_id == task_id).order_by(Call.started_at, Call.id))
    return [(id, started_at) for id, started_at in rows]


def open_of(session: Session, lead_id: int, kinds: Collection[str] = ()) -> Sequence[Task]:
    """A lead's open tasks, the oldest first; only those of `kinds` if any are given."""
    found = select(Task).where(Task.lead_id == lead_id, Task.done_at.is_(None)).options(*_ROW).order_by(Task.id)
    if kinds:
        found = found.where(Task.kind.in_(kinds))
    return session.scalars(found).all()


def open_of_caller(session: Session, number: str, kinds: Collection[str] = ()) -> Sequence[Task]:
    """Open tasks from calls with this number (E.164), and texts, that are about no lead, the oldest first."""
    called = select(Task).join(Call, Task.call_id == Call.id).where(Call.caller == number)
    wrote = select(Task).where(Task.person == f"writer:{number}", Task.person != "")
    open = Task.done_at.is_(None), Task.lead_id.is_(None), *([Task.kind.in_(kinds)] if kinds else [])
    found = {task.id: task for one in (called, wrote) for task in session.scalars(one.where(*open).options(*_ROW))}
    return [found[id] for id in sorted(found)]


def next_told() -> Select[datetime | None]:
    """When the owner of some task is to be told of its call."""
    return select(Task.tell_at).where(Task.tell_at.is_not(None)).order_by(Task.tell_at).limit(1)


def to_tell(session: Session, now: datetime, limit: int) -> Sequence[Task]:
    """Tasks of whose calls the owners are to be told, locked; those that another process tells are left out."""
    due = select(Task).where(Task.tell_at.is_not(None), Task.tell_at <= now).order_by(Task.tell_at, Task.id)
    found = due.options(*_WITH_CALL).limit(limit).with_for_update(of=Task, skip_locked=True)
    return session.scalars(found).all()


def open_of_agent(session: Session, agent_id: int, limit: int) -> Sequence[Task]:
    """What an agent has to do and what they may take of their subteams', the most urgent first."""
    teams = select(SubteamMember.subteam_id).where(SubteamMember.agent_id == agent_id)
    open = select(Task).where(Task.done_at.is_(None)).options(*_ROW).order_by(Task.due_at, Task.id).limit(limit)
    both = (open.where(Task.owner_id == agent_id), open.where(Task.subteam_id.in_(teams)))
    found = [task for one in both for task in session.scalars(one)]
    return sorted(found, key=lambda task: (task.due_at, task.id))[:limit]
