"""Reports by mail: who gets which, and that each is sent once, whatever is restarted meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields, periods
from crm.domain.errors import Conflict, NotFound
from crm.domain.metrics import MetricGroup, ReportKind
from crm.domain.periods import Period, PeriodKind
from crm.services import audit
from crm.services.audit import By
from crm.services.office import owners
from crm.services.outbox import outgoing
from crm.services.outbox.outgoing import NewMail
from crm.store.models import ReportSchedule


@dataclass(frozen=True)
class DueReport:
    """A report that is to be made now."""

    id: int
    report: ReportKind
    group: MetricGroup | None
    every: PeriodKind
    period: Period
    due_at: datetime


@dataclass(frozen=True)
class ReportText:
    """A report as it is mailed."""

    subject: str
    body: str
    sheet: str
    """CSV."""


def add(
    session: Session,
    config: Config,
    by: By,
    *,
    report: ReportKind,
    every: PeriodKind,
    to: str | None,
    group: MetricGroup | None = None,
) -> ReportSchedule:
    """The first report is of the period that is under way now; `to` None: it goes to whoever is the admin then. Raises
    Invalid, and Conflict for one there is."""
    address = fields.email(to) if to is not None else ""
    who = address or "the admin"
    same = select(ReportSchedule.id).where(
        ReportSchedule.report == report,
        ReportSchedule.group == (group or ""),
        ReportSchedule.every == every,
        ReportSchedule.to_address == address,
    )
    if (known := session.scalar(same)) is not None:
        raise Conflict(
            f"{address or 'The admin'} gets that report already (schedule {known}).", code="report_schedule_exists"
        )
    made = ReportSchedule(
        report=report,
        group=group or "",
        every=every,
        to_address=address,
        next_at=periods.next_due(by.now, every, config.tz),
        created_at=by.now,
        created_by=by.who[:80],
    )
    session.add(made)
    audit.record(session, by, f"report {report} mailed to {who} every {every}")
    session.flush()
    return made


def begin(session: Session, config: Config, by: By) -> None:
    """What a new office has: the admin gets the figures of each week, until somebody removes that."""
    if session.scalar(select(ReportSchedule.id).limit(1)) is None:
        add(session, config, by, report=ReportKind.METRICS, every=PeriodKind.WEEK, to=None)


def admin_missed(session: Session, config: Config) -> str:
    """Why the admin gets none of the reports that are theirs, as a clause; empty: they do, or there are none."""
    if session.scalar(select(ReportSchedule.id).where(ReportSchedule.to_address == "").limit(1)) is None:
        return ""
    if not config.mail.server:
        return "no mail server is set"
    return "" if owners.admin(session).email else "the admin has no email address"


def remove(session: Session, by: By, id: int) -> None:
    """Raises NotFound."""
    found = session.get(ReportSchedule, id)
    if found is None:
        raise NotFound(f"There is no report schedule {id}.", code="report_schedule_unknown")
    who = found.to_address or "the admin"
    audit.record(session, by, f"report {found.report} no longer mailed to {who} every {found.every}")
    session.delete(found)


def next_due(session: Session) -> datetime | None:
    return session.scalar(select(ReportSchedule.next_at).order_by(ReportSchedule.next_at).limit(1))


def due(session: Session, config: Config, now: datetime) -> DueReport | None:
    """The one that has been due longest, of the latest period that is over: after a long time away, not of each."""
    wanted = select(ReportSchedule).where(ReportSchedule.next_at <= now)
    found = session.scalars(wanted.order_by(ReportSchedule.next_at, ReportSchedule.id).limit(1)).first()
    if found is None:
        return None
    every = PeriodKind(found.every)
    return DueReport(
        found.id,
        ReportKind(found.report),
        MetricGroup(found.group) if found.group else None,
        every,
        periods.last(now, every, config.tz),
        found.next_at,
    )


def send(session: Session, config: Config, due: DueReport, text: ReportText, now: datetime) -> None:
    """Queues the email and moves on to the next period, both or neither. Of two who do this, one sends."""
    found = session.scalars(select(ReportSchedule).where(ReportSchedule.id == due.id).with_for_update()).first()
    if found is None or found.next_at != due.due_at:
        return
    found.next_at = periods.next_due(now, due.every, config.tz)
    address = found.to_address
    if not address and not admin_missed(session, config):
        address = owners.admin(session).email
    if not address:
        return  # Nobody asked for it: `doctor` says so, and none pile up.
    key = f"report:{due.id}:{due.period.name}"
    outgoing.queue(session, config, NewMail(key, address, text.subject, text.body, sheet=text.sheet), now)
    found.last_at = now
