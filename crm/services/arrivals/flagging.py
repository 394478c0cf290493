"""Arrivals that look like spam or a flood: nothing follows from them until somebody releases them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.arrivals import ArrivalOutcome
from crm.domain.tasks import TaskKind
from crm.services.office import owners
from crm.services.outbox import notices
from crm.store.models import ArrivalRecord, Task
from crm.store.queries import office, tasks
from crm.words import notices as words

FLAGGED = "flagged"
"""The person of the task about them."""
RELEASED = "is_released"
"""Key in what is kept of an arrival that was released, and is not flagged again."""


def flag(session: Session, config: Config, record: ArrivalRecord, why: str, now: datetime) -> None:
    """Nothing follows from it but one open task of the admin, which covers all of them."""
    record.outcome, record.problem = ArrivalOutcome.FLAGGED, why
    task = tasks.open_one(session, FLAGGED, TaskKind.INQUIRY)
    if task is not None:
        task.times += 1
        return
    admin = owners.admin(session)
    due_at = office.schedule(session, config.tz, None).due_time(now, config.tasks.due_minutes)
    told = "Messages look like spam, so nobody was told of them."
    session.add(
        Task(
            key=f"arrival:{record.id}",
            kind=TaskKind.INQUIRY,
            person=FLAGGED,
            owner=admin,
            lead_id=None,
            why=told,
            due_at=due_at,
            created_at=now,
            result="",
        )
    )
    key = f"flagged:{record.id}"
    notices.tell(session, config, [admin], key, "Messages are flagged", f"{told} {words.more('flagged')}", now)


def flagged(session: Session, after: int, limit: int) -> list[int]:
    """Ids of flagged arrivals, in order, starting after the id `after`."""
    found = select(ArrivalRecord.id).where(
        ArrivalRecord.id > after, ArrivalRecord.problem != "", ArrivalRecord.outcome == ArrivalOutcome.FLAGGED
    )
    return list(session.scalars(found.order_by(ArrivalRecord.id).limit(limit)))
