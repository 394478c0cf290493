"""What came of a call: tasks and texts."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, selectinload

from crm.store.models import Message, Task, TaskCall


def tasks(session: Session, call_id: str) -> Sequence[Task]:
    """With their owners, in the order they came up; one of them may stand for other calls of the person, too."""
    shared = select(TaskCall.task_id).where(TaskCall.call_id == call_id)
    found = select(Task).where(or_(Task.call_id == call_id, Task.id.in_(shared)))
    found = found.order_by(Task.id).options(selectinload(Task.owner))
    return session.scalars(found).all()


def texts(session: Session, call_id: str) -> Sequence[Message]:
    return session.scalars(select(Message).where(Message.call_id == call_id).order_by(Message.id)).all()
