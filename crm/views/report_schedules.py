"""Reports that are mailed by themselves."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.store.models import ReportSchedule


class ReportScheduleEntry(msgspec.Struct):
    """A report that somebody gets by email whenever a period is over."""

    id: int
    report: str
    """metrics or sources."""
    group: str
    """What its figures are grouped by; empty: nothing."""
    every: str
    """day, week or month."""
    to_address: str
    """Empty: the office's admin."""
    next_at: datetime
    last_at: datetime | None
    """When the last one was queued; null: none yet."""


def listed(session: Session) -> list[ReportScheduleEntry]:
    rows = session.scalars(select(ReportSchedule).order_by(ReportSchedule.next_at, ReportSchedule.id))
    return [
        ReportScheduleEntry(row.id, row.report, row.group, row.every, row.to_address, row.next_at, row.last_at)
        for row in rows
    ]
