"""In which ways people are told, and when."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.errors import Invalid
from crm.domain.fields import following
from crm.domain.notices import (
    AT_ONCE,
    EVERY_WAY,
    GATHERED,
    NoticeChoices,
    NoticeKind,
    NoticeWay,
    gathered_at,
    read_quiet,
    read_ways,
)

CHICAGO = ZoneInfo("America/Chicago")
NOON = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
NIGHT = NoticeChoices(quiet=(time(20), time(8)))


@pytest.mark.parametrize(
    ("clock", "ends"),
    [("19:59", None), ("20:00", (3, 8)), ("23:30", (3, 8)), ("00:10", (2, 8)), ("07:59", (2, 8)), ("08:00", None)],
)
def test_a_quiet_time_may_pass_midnight(clock: str, ends: tuple[int, int] | None) -> None:
    now = datetime.combine(date(2026, 3, 2), time.fromisoformat(clock), CHICAGO).astimezone(UTC)
    until = NIGHT.quiet_until(NoticeKind.TEXT, now, CHICAGO)
    assert until == (datetime(2026, 3, ends[0], ends[1], tzinfo=CHICAGO) if ends else None)
    assert NIGHT.quiet_until(NoticeKind.ALARM, now, CHICAGO) is None


def test_a_quiet_time_within_a_day_and_on_the_day_clocks_change() -> None:
    lunch = NoticeChoices(quiet=(time(12), time(13)))
    assert lunch.quiet_until(NoticeKind.LEAD, NOON, CHICAGO) == NOON + timedelta(hours=1)
    assert lunch.quiet_until(NoticeKind.LEAD, NOON + timedelta(hours=1), CHICAGO) is None
    # Clocks go forward on March 8, 2026 at 2:00.
    saturday = datetime(2026, 3, 7, 22, 0, tzinfo=CHICAGO).astimezone(UTC)
    assert NIGHT.quiet_until(NoticeKind.LEAD, saturday, CHICAGO) == saturday + timedelta(hours=9)
    assert following(time(2, 30), saturday, CHICAGO) == saturday + timedelta(hours=4, minutes=30)
    # They go back on November 1 at 2:00, so 1:45 comes twice.
    until_twice = NoticeChoices(quiet=(time(22), time(1, 45)))
    again = datetime(2026, 11, 1, 1, 30, tzinfo=CHICAGO, fold=1).astimezone(UTC)
    assert until_twice.quiet_until(NoticeKind.LEAD, again, CHICAGO) == again + timedelta(minutes=15)


MINUTES = st.integers(0, 2 * 365 * 1440).map(lambda count: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=count))
CHANGES = st.sampled_from(
    [datetime(2026, 3, 8, 8, tzinfo=UTC), datetime(2026, 11, 1, 7, tzinfo=UTC), datetime(2026, 4, 4, 15, tzinfo=UTC)]
)
ZONES = st.sampled_from(
    [CHICAGO, *map(ZoneInfo, ("America/Phoenix", "Australia/Lord_Howe", "America/Santiago", "UTC"))]
)


@given(
    MINUTES | st.builds(lambda at, minutes: at + timedelta(minutes=minutes), CHANGES, st.integers(-300, 300)),
    st.builds(time, st.integers(0, 23), st.integers(0, 59)),
    ZONES,
    st.floats(0, 1, exclude_min=True, exclude_max=True),
)
def test_a_time_of_day_is_the_next_at_which_clocks_show_it(now: datetime, at: time, tz: ZoneInfo, share: float) -> None:
    found = following(at, now, tz)
    assert now < found <= now + timedelta(hours=26)
    minutes = int((found - now) / timedelta(minutes=1) * share)
    between = now + timedelta(minutes=max(1, minutes))
    assert between == found or between.astimezone(tz).time() != at
    shown = found.astimezone(tz)
    is_skipped = datetime.combine(shown.date(), at, tz).astimezone(UTC).astimezone(tz).time() != at
    assert shown.time() == at or is_skipped


def test_what_is_not_chosen_is_as_by_default_and_alarms_are_nobodys_choice() -> None:
    chosen = NoticeChoices(read_ways(["missed-call=text", "lead=none", "task=feed, mail"]))
    assert chosen.ways_of(NoticeKind.MISSED_CALL) == {NoticeWay.TEXT}
    assert chosen.ways_of(NoticeKind.LEAD) == frozenset()
    assert chosen.ways_of(NoticeKind.TEXT) == EVERY_WAY
    assert NoticeChoices().ways_of(NoticeKind.MISSED_CALL) == {NoticeWay.MAIL, NoticeWay.FEED, NoticeWay.PUSH}
    off = NoticeChoices(read_ways(["all=none"]))
    assert (off.ways_of(NoticeKind.TASK), off.ways_of(NoticeKind.ALARM)) == (frozenset(), EVERY_WAY)


@pytest.mark.parametrize("wrong", ["missed-call", "calls=mail", "alarm=none", "lead=pigeon", "=mail"])
def test_a_choice_that_means_nothing_is_refused(wrong: str) -> None:
    with pytest.raises(Invalid):
        read_ways([wrong])


def test_quiet_times_are_read_as_people_write_them() -> None:
    assert read_quiet("20:00-08:00") == read_quiet("8pm-8am") == (time(20), time(8))
    assert read_quiet("none") is None
    for wrong in ("20:00", "8pm-8pm", "late-early"):
        with pytest.raises(Invalid):
            read_quiet(wrong)


def test_many_at_once_are_gathered() -> None:
    assert gathered_at(AT_ONCE - 1, None, NOON) is None
    assert gathered_at(AT_ONCE, None, NOON) == NOON + GATHERED
    waits = NOON + timedelta(minutes=3)
    assert gathered_at(1, waits, NOON) == waits
    assert gathered_at(1, waits, waits) is None
