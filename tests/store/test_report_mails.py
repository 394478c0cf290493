"""Reports by mail: sent once for each period, through restarts and changes of the clock."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import func, select

from ari_app.workers.report_mails import ReportMails
from crm.config import Config, MailSettings
from crm.context import Crm
from crm.domain.errors import Conflict, NotFound
from crm.domain.metrics import MetricGroup, ReportKind
from crm.domain.periods import PeriodKind
from crm.secrets import Secrets
from crm.services import report_schedules
from crm.services.audit import By
from crm.services.outbox import mails
from crm.services.outbox.mails import MailToSend
from crm.store.models import Agent, Call, Line, Mail, ReportSchedule
from crm.store.session import Store
from crm.views import report_schedules as views
from crm.worker import Troubles, keep
from tests.waiting import until

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

CHICAGO = ZoneInfo("America/Chicago")
BOSS = "boss@example.com"


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO).astimezone(UTC)


class Clock:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


@contextlib.asynccontextmanager
async def running(store: Store, config: Config, clock: Clock) -> AsyncIterator[asyncio.Event]:
    """The worker; set the event when the clock was moved."""
    crm = Crm(config, store, Secrets(config.secrets_file), clock)
    troubles, worker, wake = Troubles(clock), ReportMails(crm), asyncio.Event()
    worker.wake = wake
    tasks = [asyncio.create_task(keep(crm, worker, troubles)), asyncio.create_task(store.changes.listen())]
    try:
        yield wake
        assert troubles.found == {}
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def keys(store: Store) -> list[str]:
    with store.reading() as session:
        return list(session.scalars(select(Mail.key).order_by(Mail.id)))


def next_at(store: Store) -> datetime:
    with store.reading() as session:
        return views.listed(session)[0].next_at


async def until_next_is(store: Store, at: datetime) -> None:
    await until(lambda: next_at(store) == at)


async def add(store: Store, config: Config, now: datetime, every: PeriodKind = PeriodKind.MONTH) -> None:
    by = By("dana", now)
    await store.run(report_schedules.add, config, by, report=ReportKind.METRICS, every=every, to=BOSS)


async def test_a_month_is_reported_once_whoever_restarts(store: Store, config: Config) -> None:
    with store.writing() as session:
        line = session.scalars(select(Line).where(Line.number == "+15125550100")).one()
        for id, at in (("in", "2026-02-28 23:59"), ("late", "2026-03-01 00:00"), ("early", "2026-01-31 23:59")):
            started = local(at)
            session.add(
                Call(id=id, did=line.number, line_id=line.id, started_at=started, ended_at=started, outcome="gave_up")
            )
    clock = Clock(local("2026-02-10 12:00"))
    await add(store, config, clock.at)
    async with running(store, config, clock) as wake:
        assert keys(store) == []
        clock.at = local("2026-03-01 07:00")
        wake.set()
        await until_next_is(store, local("2026-04-01 07:00"))
        assert keys(store) == ["report:1:2026-02"]
    # Once more, by two at the same time, and with the clock set back.
    clock.at = local("2026-02-20 12:00")
    async with running(store, config, clock), running(store, config, clock):
        await store.run(lambda session: session.get_one(ReportSchedule, 1).__setattr__("next_at", clock.at))
        await until_next_is(store, local("2026-03-01 07:00"))
    clock.at = local("2026-03-01 07:00")
    async with running(store, config, clock), running(store, config, clock):
        await until_next_is(store, local("2026-04-01 07:00"))
    assert keys(store).count("report:1:2026-02") == 1
    with store.reading() as session:
        mail = session.scalars(select(Mail).where(Mail.key == "report:1:2026-02")).one()
    assert (mail.to_address, mail.subject) == (BOSS, "How callers were served, February 2026")
    assert "calls: 1," in mail.body
    [row] = csv.DictReader(io.StringIO(mail.sheet))
    assert (row["name"], row["calls"]) == ("all", "1")
    out = MailToSend("k", BOSS, mail.subject, mail.body, sheet=mail.sheet)
    [attached] = list(mails.compose(config, out, [], clock.at).iter_attachments())
    assert attached.get_filename() == "report.csv"
    assert "all,1," in attached.get_content()


async def test_after_a_long_time_away_the_latest_is_sent_and_no_other(store: Store, config: Config) -> None:
    clock = Clock(local("2026-01-05 12:00"))
    await add(store, config, clock.at, PeriodKind.DAY)
    clock.at = local("2026-02-20 06:00")
    async with running(store, config, clock):
        await until_next_is(store, local("2026-02-20 07:00"))
    assert keys(store) == ["report:1:2026-02-18"]


async def test_days_on_which_the_clock_changes_have_one_report_each(store: Store, config: Config) -> None:
    clock = Clock(local("2026-03-06 12:00"))
    await add(store, config, clock.at, PeriodKind.DAY)
    async with running(store, config, clock) as wake:
        while clock.at < local("2026-03-11 12:00"):
            clock.at += timedelta(hours=6)
            wake.set()
            await until(lambda: next_at(store) > clock.at)
    assert keys(store) == [f"report:1:2026-03-{day:02}" for day in (6, 7, 8, 9, 10)]


async def test_a_schedule_that_another_process_adds_is_seen_at_once(url: str, config: Config) -> None:
    store = Store(url)
    clock = Clock(local("2026-03-01 12:00"))
    code = (
        "import sys; from datetime import datetime, UTC; from crm.store.models import ReportSchedule;"
        "from crm.store.session import Store; store = Store(sys.argv[1]); now = datetime.now(UTC)\n"
        "with store.writing() as session:\n"
        "    session.add(ReportSchedule(report='sources', group='', every='week', to_address='a@example.com',"
        " next_at=datetime(2026, 2, 23, 13, tzinfo=UTC), created_at=now, created_by='x'))\n"
        "store.close()"
    )
    async with running(store, config, clock):
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code, url], check=True)
        await until(lambda: bool(keys(store)))
    assert keys(store) == ["report:1:2026-02-16"]
    store.close()


async def test_schedules_are_added_once_and_removed(store: Store, config: Config) -> None:
    by = By("dana", local("2026-03-01 12:00"))
    await add(store, config, by.now)
    with pytest.raises(Conflict, match="already"):
        await add(store, config, by.now)
    await store.run(
        report_schedules.add,
        config,
        by,
        report=ReportKind.METRICS,
        every=PeriodKind.MONTH,
        to=BOSS,
        group=MetricGroup.AGENT,
    )
    await store.run(report_schedules.remove, by, 1)
    with pytest.raises(NotFound):
        await store.run(report_schedules.remove, by, 1)
    [left] = await store.read(views.listed)
    assert (left.group, left.last_at) == ("agent", None)
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(ReportSchedule)) == 1


async def test_the_admin_gets_the_figures_of_each_week_once_mail_is_set_up(store: Store, config: Config) -> None:
    def missed(config: Config) -> str:
        with store.reading() as session:
            return report_schedules.admin_missed(session, config)

    clock = Clock(local("2026-03-04 12:00"))
    assert missed(config) == ""
    await store.run(report_schedules.begin, config, By("dana", clock.at))
    await store.run(report_schedules.begin, config, By("dana", clock.at))
    assert missed(config) == "no mail server is set"
    with_mail = msgspec.structs.replace(config, mail=MailSettings(server="mail.example.com"))
    assert missed(with_mail) == "the admin has no email address"
    clock.at = local("2026-03-09 07:00")
    async with running(store, with_mail, clock):
        await until_next_is(store, local("2026-03-16 07:00"))
    assert keys(store) == []
    with store.writing() as session:
        session.scalars(select(Agent).where(Agent.slug == "dana")).one().email = "dana@example.com"
    clock.at = local("2026-03-16 07:00")
    async with running(store, with_mail, clock):
        await until_next_is(store, local("2026-03-23 07:00"))
    assert keys(store) == ["report:1:2026-03-09"]
    with store.reading() as session:
        assert session.scalars(select(Mail.to_address)).all() == ["dana@example.com"]
    await store.run(report_schedules.remove, By("dana", clock.at), 1)
    assert missed(config) == ""
