"""Office hours: the wall clock, daylight saving, and time counted in opening hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.errors import Invalid
from crm.domain.hours import Opening, Schedule, weekly

pytestmark = pytest.mark.unit

CHICAGO = ZoneInfo("America/Chicago")
WEEKDAYS = weekly([(day, "09:00", "18:00") for day in range(5)], CHICAGO)
ALWAYS = Schedule((), CHICAGO)

ZONES = st.sampled_from(
    # Santiago and Havana change their clocks at midnight, Lord Howe by half an hour, Apia skipped a whole day in 2011.
    [
        "America/Chicago",
        "America/Santiago",
        "America/Havana",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Asia/Kathmandu",
        "UTC",
    ]
).map(ZoneInfo)
INSTANTS = st.integers(
    int(datetime(2011, 1, 1, tzinfo=UTC).timestamp()), int(datetime(2027, 12, 31, tzinfo=UTC).timestamp())
).map(lambda epoch: datetime.fromtimestamp(epoch, UTC))


@st.composite
def openings(draw: st.DrawFn) -> Opening:
    opens = draw(st.integers(0, 24 * 60 - 1))
    return Opening(draw(st.integers(0, 6)), opens, draw(st.integers(opens + 1, 24 * 60)))


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    return Schedule(tuple(draw(st.lists(openings(), min_size=1, max_size=8))), draw(ZONES))


def local(text: str, tz: ZoneInfo = CHICAGO, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=tz, fold=fold).astimezone(UTC)


def test_open_from_the_first_minute_until_before_the_last() -> None:
    # 2026-03-02 is a Monday.
    assert not WEEKDAYS.is_open(local("2026-03-02T08:59:59"))
    assert WEEKDAYS.is_open(local("2026-03-02T09:00"))
    assert WEEKDAYS.is_open(local("2026-03-02T17:59:59"))
    assert not WEEKDAYS.is_open(local("2026-03-02T18:00"))
    assert not WEEKDAYS.is_open(local("2026-03-01T12:00"))


def test_the_next_opening_skips_the_weekend() -> None:
    friday_evening = local("2026-03-06T20:00")
    assert WEEKDAYS.next_open(friday_evening) == local("2026-03-09T09:00")
    assert WEEKDAYS.next_open(local("2026-03-09T10:00")) == local("2026-03-09T10:00")


def test_clocks_put_forward_do_not_move_the_opening() -> None:
    # On 2026-03-08 Chicago's clocks went from 02:00 to 03:00.
    assert local("2026-03-06T09:00") == datetime(2026, 3, 6, 15, tzinfo=UTC)
    assert WEEKDAYS.next_open(local("2026-03-08T12:00")) == datetime(2026, 3, 9, 14, tzinfo=UTC)


def test_the_hour_that_clocks_skip_is_not_open() -> None:
    early = weekly([(6, "01:00", "02:30")], CHICAGO)
    assert early.windows(local("2026-03-08T00:00"), 1) == [
        (local("2026-03-08T01:00"), datetime(2026, 3, 8, 8, tzinfo=UTC))
    ]
    within = weekly([(6, "02:15", "02:45")], CHICAGO)
    assert within.windows(local("2026-03-08T00:00"), 1) == []
    late = weekly([(6, "02:30", "04:00")], CHICAGO)
    assert late.next_open(local("2026-03-08T00:00")) == local("2026-03-08T03:00")


def test_the_hour_that_comes_twice_is_open_twice() -> None:
    night = weekly([(6, "01:00", "02:00")], CHICAGO)
    [(opens, closes)] = night.windows(local("2026-11-01T00:00"), 1)
    assert closes - opens == timedelta(hours=2)
    assert night.is_open(local("2026-11-01T01:30"))
    assert night.is_open(local("2026-11-01T01:30", fold=1))


def test_without_openings_it_is_always_open() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    assert ALWAYS.always_open
    assert ALWAYS.is_open(at)
    assert ALWAYS.next_open(at) == at
    assert ALWAYS.windows(at, 2) == [(at, at + timedelta(days=2))]
    assert ALWAYS.due_time(at, 15) == at + timedelta(minutes=15)


def test_round_the_clock_is_one_window() -> None:
    whole = weekly([(day, "00:00", "24:00") for day in range(7)], CHICAGO)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    assert whole.windows(start, 30) == [(start, start + timedelta(days=30))]
    assert whole.due_time(start, 60 * 24 * 20) == start + timedelta(days=20)


def test_due_time_counts_office_hours_only() -> None:
    assert WEEKDAYS.due_time(local("2026-03-02T10:00"), 15) == local("2026-03-02T10:15")
    assert WEEKDAYS.due_time(local("2026-03-06T17:50"), 15) == local("2026-03-09T09:05")
    assert WEEKDAYS.due_time(local("2026-03-07T12:00"), 15) == local("2026-03-09T09:15")
    assert WEEKDAYS.due_time(local("2026-03-06T17:45"), 15) == local("2026-03-06T18:00")


@pytest.mark.parametrize(
    "opening", [(0, "9:00", "10:00"), (0, "10:00", "10:00"), (0, "18:00", "09:00"), (7, "09:00", "10:00")]
)
def test_what_is_no_opening_is_refused(opening: tuple[int, str, str]) -> None:
    with pytest.raises(Invalid):
        weekly([opening], CHICAGO)


@given(schedules(), INSTANTS)
def test_windows_are_exactly_when_it_is_open(schedule: Schedule, at: datetime) -> None:
    windows = schedule.windows(at - timedelta(days=2), 4)
    assert schedule.is_open(at) == any(opens <= at < closes for opens, closes in windows)
    flat = [moment for window in windows for moment in window]
    assert flat == sorted(set(flat)), "in order, and no two touch"


@given(schedules(), INSTANTS)
def test_open_means_the_wall_clock_is_within_an_opening(schedule: Schedule, at: datetime) -> None:
    wall = at.astimezone(schedule.tz)
    if wall.utcoffset() != (at - timedelta(hours=25)).astimezone(schedule.tz).utcoffset():
        return  # Around a change of clocks the examples above say what holds.
    if wall.utcoffset() != (at + timedelta(hours=25)).astimezone(schedule.tz).utcoffset():
        return
    minute = wall.hour * 60 + wall.minute
    expected = any(o.weekday == wall.weekday() and o.opens <= minute < o.closes for o in schedule.openings)
    assert schedule.is_open(at) == expected


@given(schedules(), INSTANTS)
def test_the_next_opening_is_open_and_nothing_before_it_is(schedule: Schedule, at: datetime) -> None:
    opens = schedule.next_open(at)
    assert opens >= at
    assert schedule.is_open(opens)
    if opens > at:
        assert not schedule.is_open(at)
        assert not schedule.is_open(opens - timedelta(seconds=1))


@given(schedules(), INSTANTS, st.integers(0, 600))
def test_due_time_leaves_just_that_much_office_time(schedule: Schedule, at: datetime, minutes: int) -> None:
    due = schedule.due_time(at, minutes)
    days = (due - at).days + 2
    passed = sum(
        ((min(closes, due) - opens) for opens, closes in schedule.windows(at, days) if opens < due), start=timedelta()
    )
    assert passed == timedelta(minutes=minutes)


def test_a_day_that_never_was() -> None:
    # Samoa had no 30 December 2011, a Friday.
    apia = ZoneInfo("Pacific/Apia")
    assert date(2011, 12, 30).weekday() == 4
    fridays = weekly([(4, "09:00", "17:00")], apia)
    assert fridays.next_open(local("2011-12-29T23:00", apia)) == local("2012-01-06T09:00", apia)
