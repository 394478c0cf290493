"""Makes the reports that are due by mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.domain.metrics import ReportKind
from crm.services import report_schedules
from crm.services.report_schedules import DueReport, ReportText
from crm.store.models import ReportSchedule
from crm.views import reports
from crm.views.reports import MetricsEntry, SourceEntry
from crm.words import report_mail
from crm.words.sheet import csv_text
from crm.worker import Worker


class ReportMails(Worker[DueReport, ReportText]):
    name = "reports by mail"
    wakes_on = (ReportSchedule,)

    def __init__(self, crm: Crm) -> None:
        self._crm = crm

    def due(self, session: Session, now: datetime, under_way: Sequence[DueReport]) -> datetime | None:
        return None if under_way else report_schedules.next_due(session)

    def claim(self, session: Session, now: datetime, under_way: Sequence[DueReport]) -> DueReport | None:
        return report_schedules.due(session, self._crm.config, now)

    async def work(self, claim: DueReport) -> ReportText:
        # Figures of a month take seconds in a large office, and no transaction that writes waits for them.
        return await self._crm.store.read(text_of, self._crm.config, claim)

    def record(self, session: Session, claim: DueReport, result: ReportText, now: datetime) -> None:
        report_schedules.send(session, self._crm.config, claim, result, now)


def text_of(session: Session, config: Config, due: DueReport) -> ReportText:
    """The report of its period."""
    start, end = due.period.start, due.period.end
    when = report_mail.when(due.every, start.astimezone(config.tz))
    subject = f"{report_mail.TITLES[due.report]}, {when}"
    if due.report is ReportKind.SOURCES:
        brought = reports.sources(session, config, start, end)
        lines = [report_mail.source(one.name, one.calls, one.leads, one.tours, one.applications) for one in brought]
        return ReportText(subject, report_mail.body(subject, lines), csv_text(brought, SourceEntry, in_words=True))
    figures = reports.figures(session, config, start, end, due.group)
    lines = [_figures(one) for one in figures]
    return ReportText(subject, report_mail.body(subject, lines), csv_text(figures, MetricsEntry, in_words=True))


def _figures(one: MetricsEntry) -> str:
    waits = (one.answer_median_seconds, one.answer_p90_seconds)
    return report_mail.figures(
        one.name,
        calls=one.calls,
        qualified=one.qualified,
        waits=waits,
        first_pass=one.first_pass,
        transferred=one.transferred,
        tours=one.tours,
        complete=(one.leads_complete, one.leads),
    )
