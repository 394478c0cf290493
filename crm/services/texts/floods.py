"""Floods of texts, too many to answer one by one: detecting them, and the single task that a line gets for them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.incoming import LINE_WITHIN, SENDER_WITHIN, Over, over
from crm.domain.tasks import TaskKind
from crm.services.office import owners
from crm.services.outbox import notices
from crm.store.models import Message, Task
from crm.store.queries import messages, office
from crm.words import notices as words


def look(session: Session, config: Config, *, sender: str, line: str, at: datetime, is_known: bool) -> Over | None:
    """The rate limit that an incoming text exceeds, if any. `sender` and `line` are as stored in Message."""
    settings = config.texts
    return over(
        is_known=is_known,
        from_sender=messages.count_from(
            session, sender, at - SENDER_WITHIN, at, most=settings.incoming_per_sender_per_hour
        ),
        per_sender=settings.incoming_per_sender_per_hour,
        to_line=0
        if is_known
        else messages.count_to(session, line, at - LINE_WITHIN, at, most=settings.incoming_per_line_per_minute),
        per_line=settings.incoming_per_line_per_minute,
    )


def tell(session: Session, config: Config, message: Message, name: str, now: datetime) -> None:
    """Counts the text in the line's open task about its flood; creates that task and tells the admin if needed."""
    person = f"line:{message.to_number}"
    about = Task.person == person, Task.kind == TaskKind.REPLY, Task.done_at.is_(None)
    task = session.scalar(select(Task).where(*about))
    is_new = task is None
    at = message.created_at.astimezone(config.tz)
    if task is None:
        schedule = office.schedule(session, config.tz, None)
        task = Task(
            key=f"flood:{message.id}",
            kind=TaskKind.REPLY,
            person=person,
            owner=owners.admin(session),
            created_at=now,
            result="",
            due_at=schedule.due_time(message.created_at, config.tasks.due_minutes),
            times=0,
        )
        session.add(task)
    task.times += 1
    task.why = (
        f"{task.times} texts from unknown people came to {name} faster than they can be handled one by one, the last "
        f"on {at:%a %H:%M}; they have no lead and no task."
    )
    session.flush()
    if is_new:
        told, subject = [owners.admin(session)], "More texts than can be handled"
        notices.tell(
            session,
            config,
            told,
            f"flood:{task.id}",
            subject,
            f"{subject}. {task.why} {words.more('texts_flood')}",
            now,
        )
