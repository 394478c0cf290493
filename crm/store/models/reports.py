"""Reports that are sent by themselves."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from crm.store.models.base import Base


class ReportSchedule(Base):
    """A report that somebody gets by email whenever a period is over."""

    __tablename__ = "report_schedule"
    id: Mapped[int] = mapped_column(primary_key=True)
    report: Mapped[str] = mapped_column(String(20), comment="metrics.ReportKind")
    group: Mapped[str] = mapped_column(String(20), comment="metrics.MetricGroup; empty: none")
    every: Mapped[str] = mapped_column(String(10), comment="periods.PeriodKind")
    to_address: Mapped[str] = mapped_column(String(200), comment="empty: whoever is the office's admin then")
    next_at: Mapped[datetime] = mapped_column(index=True)
    last_at: Mapped[datetime | None] = mapped_column(comment="when the last one was queued")
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(80))
