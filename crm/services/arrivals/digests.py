"""Tells owners in one notice of what somebody has sent in quick succession."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.domain.excerpts import excerpt
from crm.domain.notices import NoticeKind
from crm.domain.tasks import TaskKind
from crm.services.office import owners
from crm.services.outbox import notices
from crm.store.models import Activity, ArrivalRecord, Lead
from crm.store.queries import tasks
from crm.worker import Worker

MOST_LINES = 10
LONGEST_LINE = 200
"""Characters that a digest quotes of each."""
MOST_AT_ONCE = 1000


@dataclass(frozen=True)
class DigestClaim:
    """The digest that is due about a person."""

    lead_id: int | None
    """None: they are gone."""


class ArrivalDigests(Worker[DigestClaim, None]):
    name = "digests of what came in"
    wakes_on = (ArrivalRecord,)

    def __init__(self, crm: Crm) -> None:
        self._crm = crm

    def due(self, session: Session, now: datetime, under_way: Sequence[DigestClaim]) -> datetime | None:
        if under_way:
            return None
        found = select(ArrivalRecord.tell_at).where(ArrivalRecord.tell_at.is_not(None))
        return session.scalar(found.order_by(ArrivalRecord.tell_at).limit(1))

    def claim(self, session: Session, now: datetime, under_way: Sequence[DigestClaim]) -> DigestClaim | None:
        found = select(ArrivalRecord.lead_id).where(ArrivalRecord.tell_at.is_not(None), ArrivalRecord.tell_at <= now)
        row = session.execute(found.order_by(ArrivalRecord.tell_at).limit(1)).first()
        return DigestClaim(row[0]) if row else None

    async def work(self, claim: DigestClaim) -> None:
        return None

    def record(self, session: Session, claim: DigestClaim, result: None, now: datetime) -> None:
        tell(session, self._crm.config, claim.lead_id, now)


def tell(session: Session, config: Config, lead_id: int | None, now: datetime) -> int:
    """Sends the owner of a lead one notice of all arrivals that are due; returns their number."""
    due = (
        select(ArrivalRecord)
        .where(ArrivalRecord.lead_id == lead_id, ArrivalRecord.tell_at.is_not(None), ArrivalRecord.tell_at <= now)
        .order_by(ArrivalRecord.id)
        .limit(MOST_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    records = session.scalars(due).all()
    for one in records:
        one.tell_at = None
    lead = session.get(Lead, lead_id) if lead_id is not None else None
    if lead is None or not records:
        return len(records)
    task = next(iter(tasks.open_of(session, lead.id, (TaskKind.INQUIRY,))), None)
    owner = task.held_by if task else owners.owner(session, lead, None, now.astimezone(config.tz))
    keys = [f"arrival:{one.id}" for one in records[:MOST_LINES]]
    told = session.scalars(select(Activity.text).where(Activity.key.in_(keys)).order_by(Activity.id)).all()
    lines = [excerpt(" ".join(text.split()), LONGEST_LINE) for text in told]
    more = len(records) - len(lines)
    if more > 0:
        lines.append(f"and {more:,} more")
    count = "once more" if len(records) == 1 else f"{len(records):,} more times"
    subject = f"{lead.name or 'Somebody'} wrote {count}"
    text = "\n".join([f"{lead.name or 'Somebody'} (lead {lead.id}) wrote {count}:", *lines])
    notices.tell(
        session,
        config,
        owners.people(owner),
        f"digest:{records[0].id}",
        subject,
        text,
        now,
        kind=NoticeKind.INQUIRY,
        lead_id=lead.id,
    )
    return len(records)
