"""What waits for somebody, in numbers: each counted up to `MOST`, by an index that has what waits alone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Select, false, func, or_, select
from sqlalchemy.orm import Session

from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.mailboxes import OFFICE
from crm.domain.tasks import TaskKind
from crm.store.models import InboxThread, SubteamMember, Task, Voicemail
from crm.store.queries import reach as reached

MOST = 100
"""Whoever has as much to do need not know how much."""


def waiting_threads(session: Session, now: datetime, agent_id: int | None, reach: Reach = WHOLE_OFFICE) -> int:
    """Threads of the inbox that wait for an answer: an agent's, or everybody's if `agent_id` is None."""
    awake = or_(InboxThread.snoozed_until.is_(None), InboxThread.snoozed_until <= now)
    found = select(InboxThread.id).where(
        InboxThread.is_done == false(),
        InboxThread.is_waiting,
        InboxThread.last_at.is_not(None),
        awake,
        *reached.of_threads(reach),
    )
    return _count(session, found if agent_id is None else found.where(InboxThread.agent_id == agent_id))


def overdue_tasks(session: Session, now: datetime, agent_id: int | None, reach: Reach = WHOLE_OFFICE) -> int:
    """Tasks that should have been done: an agent's, with those that they may take of their subteams'."""
    # Of a property's tasks all are looked at: that most are overdue is nothing that SQLite's statistics could tell.
    due_at = Task.due_at if reach.is_whole or agent_id is not None else func.coalesce(Task.due_at, now)
    return _tasks(session, select(Task.id).where(due_at < now), agent_id, reach)


def people_to_call_back(session: Session, agent_id: int | None, reach: Reach = WHOLE_OFFICE) -> int:
    """Those of `crm.views.tasks.missed`."""
    kinds = TaskKind.CALL_BACK, TaskKind.LISTEN
    found = select(Task.id).where(Task.kind.in_(kinds), Task.call_id.is_not(None))
    return _tasks(session, found, agent_id, reach)


def _tasks(session: Session, found: Select[Any], agent_id: int | None, reach: Reach) -> int:
    found = found.where(Task.done_at.is_(None))
    if agent_id is None:
        return min(MOST, sum(_count(session, found.where(part)) for part in reached.parts_of_tasks(reach)))
    found = found.where(*reached.of_tasks(reach))
    teams = select(SubteamMember.subteam_id).where(SubteamMember.agent_id == agent_id)
    # By one owner's id, so that the index has them.
    own = _count(session, found.where(Task.owner_id == agent_id))
    return min(MOST, own + _count(session, found.where(Task.subteam_id.in_(teams))))


def new_voicemails(
    session: Session, reach: Reach = WHOLE_OFFICE, boxes: Collection[str] | None = None, own: str = ""
) -> int:
    """Those that nobody has heard, with `boxes` and `own` as in `crm.views.voicemail.listed`."""
    found = select(Voicemail.call_id).where(Voicemail.heard_at.is_(None), Voicemail.deleted_at.is_(None))
    if boxes is not None:
        found = found.where(Voicemail.mailbox.in_([*boxes, *([""] if OFFICE in boxes else [])]))
    found = found.where(*reached.of_voicemails(reach, own))
    return _count(session, found)


def _count(session: Session, found: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(found.limit(MOST).subquery())) or 0
