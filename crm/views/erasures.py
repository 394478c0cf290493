"""People who were erased: that it was done, and nothing else."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.store.models import Call, Erasure, ErasureWork, Message, Recording, Voicemail


class ErasureEntry(msgspec.Struct):
    """A lead that was erased."""

    lead: int
    """The id they had, which nobody gets again."""
    at: datetime
    by: str
    why: str
    left: int
    """Files and logs that are still to be removed; 0: all is done."""


class ErasureScope(msgspec.Struct):
    """How much is known of a lead, before it is erased."""

    calls: int
    recordings: int
    """With voicemail."""
    texts: int


def listed(session: Session, *, since: datetime | None = None, limit: int = 50) -> list[ErasureEntry]:
    """The newest first."""
    left = (
        select(func.count(ErasureWork.id)).where(ErasureWork.erasure_id == Erasure.id).correlate(Erasure)
    ).scalar_subquery()
    found = select(Erasure.lead_id.label("lead"), Erasure.at, Erasure.by, Erasure.why, left.label("left"))
    if since is not None:
        found = found.where(Erasure.at >= since)
    found = found.order_by(Erasure.id.desc()).limit(limit)
    return [ErasureEntry(**row._mapping) for row in session.execute(found)]


def scope(session: Session, lead_id: int) -> ErasureScope:
    """How much there is of a lead."""
    calls = select(Call.id).where(Call.lead_id == lead_id)
    counts = [
        session.scalar(select(func.count()).select_from(table).where(condition)) or 0
        for table, condition in (
            (Call, Call.lead_id == lead_id),
            (Recording, Recording.call_id.in_(calls)),
            (Voicemail, Voicemail.call_id.in_(calls)),
            (Message, Message.lead_id == lead_id),
        )
    ]
    return ErasureScope(counts[0], counts[1] + counts[2], counts[3])
