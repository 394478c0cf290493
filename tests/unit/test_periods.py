"""Days, weeks and months on the office's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain import periods
from crm.domain.periods import PeriodKind

pytestmark = pytest.mark.unit

CHICAGO = ZoneInfo("America/Chicago")
TIMES = st.integers(0, 15 * 365 * 86400).map(
    lambda seconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
KINDS = st.sampled_from(PeriodKind)
ZONES = st.sampled_from([CHICAGO, ZoneInfo("America/Phoenix"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("UTC")])


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO).astimezone(UTC)


def test_a_month_in_which_the_clock_changes_is_whole() -> None:
    march = periods.of(local("2026-03-20 12:00"), PeriodKind.MONTH, CHICAGO)
    assert (march.name, march.start, march.end) == ("2026-03", local("2026-03-01 00:00"), local("2026-04-01 00:00"))
    assert march.end - march.start == timedelta(days=31, hours=-1)
    week = periods.of(local("2026-11-01 12:00"), PeriodKind.WEEK, CHICAGO)
    assert (week.name, week.end - week.start) == ("2026-10-26", timedelta(days=7, hours=1))


def test_reports_are_due_at_seven_also_after_the_clock_has_changed() -> None:
    assert periods.next_due(local("2026-03-07 12:00"), PeriodKind.DAY, CHICAGO) == local("2026-03-08 07:00")
    assert periods.next_due(local("2026-03-08 07:00"), PeriodKind.DAY, CHICAGO) == local("2026-03-09 07:00")
    assert periods.next_due(local("2026-02-28 23:59"), PeriodKind.MONTH, CHICAGO) == local("2026-03-01 07:00")
    assert periods.last(local("2026-03-01 06:59"), PeriodKind.MONTH, CHICAGO).name == "2026-01"
    assert periods.last(local("2026-03-01 07:00"), PeriodKind.MONTH, CHICAGO).name == "2026-02"


@given(TIMES, KINDS, ZONES)
def test_what_is_due_next_is_the_report_of_the_period_that_is_over_then(
    now: datetime, kind: PeriodKind, tz: ZoneInfo
) -> None:
    due = periods.next_due(now, kind, tz)
    assert due > now
    assert due.astimezone(tz).time() == periods.SENT_AT
    over = periods.last(due, kind, tz)
    assert over.end <= due < over.end + timedelta(hours=8)
    assert periods.last(due - timedelta(seconds=1), kind, tz).end == over.start
    assert periods.last(now, kind, tz).end <= now


@given(TIMES, st.timedeltas(timedelta(0), timedelta(days=400)), KINDS, ZONES)
def test_periods_cover_a_span_without_gaps(since: datetime, length: timedelta, kind: PeriodKind, tz: ZoneInfo) -> None:
    found = list(periods.between(since, since + length, kind, tz))
    ends = [since, *(one.end for one in found)]
    assert [one.start for one in found] == ends[:-1]
    assert ends[-1] == since + length
    assert len({one.name for one in found}) == len(found)
