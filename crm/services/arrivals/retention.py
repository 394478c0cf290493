"""Deletes the network addresses that forms were sent from, once nobody has to look into abuse any more."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.domain.counting import counted
from crm.services import audit
from crm.services.audit import By
from crm.store.models import ArrivalRecord

EVERY_SECONDS = 86400.0
BATCH = 500
"""Rows per transaction, so that other writers get their turn."""


async def look(crm: Crm) -> int:
    """Deletes addresses that are due; returns how many."""
    count, by = 0, By("retention", crm.now())
    while crm.config.site.keep_addresses_days and (done := await crm.store.run(_forget, crm.config, by)):
        count += done
    return count


def _forget(session: Session, config: Config, by: By) -> int:
    old = ArrivalRecord.received_at < by.now - timedelta(days=config.site.keep_addresses_days)
    due = select(ArrivalRecord.id).where(ArrivalRecord.came_from != "", old).order_by(ArrivalRecord.received_at)
    ids = session.scalars(due.limit(BATCH)).all()
    if ids:
        session.execute(update(ArrivalRecord).where(ArrivalRecord.id.in_(ids)).values(came_from=""))
        audit.record(session, by, f"network addresses of {counted(len(ids), 'arrival')} deleted by retention")
    return len(ids)
