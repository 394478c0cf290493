"""Office hours: the wall clock, daylight saving, and time counted in opening hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain import fields
from crm.domain.errors import Invalid
from crm.domain.hours import Opening, Schedule, SpecialHours, weekly

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


@st.composite
def special_days(draw: st.DrawFn) -> SpecialHours:
    opens = draw(st.integers(0, 24 * 60 - 1))
    span = (opens, draw(st.integers(opens + 1, 24 * 60)))
    return SpecialHours("", draw(st.sampled_from([(), None, (span,)])))


@st.composite
def schedules_around(draw: st.DrawFn, at: datetime) -> Schedule:
    """Schedules whose special days and holidays lie around a moment; some have no week, which is always open."""
    tz = draw(ZONES)
    days = st.integers(-3, 9).map(lambda offset: at.astimezone(tz).date() + timedelta(days=offset))
    holidays = draw(st.dictionaries(days, st.just("Holiday"), max_size=4))
    return Schedule(
        tuple(draw(st.lists(openings(), max_size=8))),
        tz,
        draw(st.dictionaries(days, special_days(), max_size=5)),
        lambda year: {day: name for day, name in holidays.items() if day.year == year},
    )


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


def test_the_next_change_is_the_closing_while_open_and_else_the_opening() -> None:
    assert WEEKDAYS.next_change(local("2026-03-02T10:00")) == local("2026-03-02T18:00")
    assert WEEKDAYS.next_change(local("2026-03-06T18:00")) == local("2026-03-09T09:00")
    assert WEEKDAYS.next_change(local("2026-03-09T09:00")) == local("2026-03-09T18:00")
    assert ALWAYS.next_change(local("2026-03-02T10:00")) is None


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


@pytest.mark.parametrize(("opens", "closes"), [("01:15", "01:45"), ("01:00", "01:10"), ("01:20", "02:00")])
def test_an_opening_within_the_hour_that_comes_twice_is_two(opens: str, closes: str) -> None:
    night = weekly([(6, opens, closes)], CHICAGO)
    start, on_the_day = local("2026-11-01T00:00"), "2026-11-01T"
    length = local(f"2026-10-25T{closes}") - local(f"2026-10-25T{opens}")
    first, again = local(on_the_day + opens), local(on_the_day + opens, fold=1)
    assert again - first == timedelta(hours=1)
    assert night.windows(start, 1) == [(first, first + length), (again, again + length)]
    for minute in range(180):
        at = start + timedelta(minutes=minute)
        assert night.is_open(at) == (opens <= at.astimezone(CHICAGO).strftime("%H:%M") < closes)
    assert night.next_open(first + length) == again


def test_where_midnight_comes_twice_no_minute_counts_twice() -> None:
    # In Havana the clocks go back from 01:00 to midnight, so that the 5th begins before the 4th has ended.
    whole_week = Schedule(tuple(Opening(weekday, 0, 24 * 60) for weekday in range(7)), ZoneInfo("America/Havana"))
    start = datetime(2017, 10, 29, 4, 0, 1, tzinfo=UTC)
    windows = whole_week.windows(start, 12)
    assert windows == [(start, start + timedelta(days=12))]
    assert whole_week.due_time(start, 30 * 24 * 60) == start + timedelta(days=30)


def test_two_openings_within_the_hour_that_comes_twice_stay_in_order() -> None:
    night = weekly([(6, "01:00", "01:10"), (6, "01:30", "01:40"), (6, "00:30", "01:05")], CHICAGO)
    windows = night.windows(local("2026-11-01T00:00"), 1)
    assert windows == sorted(windows)
    assert [closes for _, closes in windows][-1] == local("2026-11-01T01:40", fold=1)
    # Where the clock is put back by half an hour only, too.
    island = weekly([(6, "01:40", "01:50")], ZoneInfo("Australia/Lord_Howe"))
    [first, second] = island.windows(datetime(2026, 4, 4, 12, tzinfo=UTC), 1)
    assert second[0] - first[0] == timedelta(minutes=30)


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


@given(schedules(), INSTANTS)
def test_until_the_next_change_it_stays_as_it_is(schedule: Schedule, at: datetime) -> None:
    changes = schedule.next_change(at)
    assert changes is None or changes > at
    until = changes - timedelta(seconds=1) if changes else at + timedelta(days=8)
    assert schedule.is_open(max(at, until)) == schedule.is_open(at)


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


# --- dates that differ ---

THANKSGIVING = date(2026, 11, 26)


def thanksgiving(year: int) -> dict[date, str]:
    return {THANKSGIVING: "Thanksgiving"} if year == 2026 else {}


def test_a_holiday_is_closed_and_a_special_day_wins_over_it() -> None:
    thursday = local("2026-11-26T10:00")
    closed = Schedule(WEEKDAYS.openings, CHICAGO, holidays=thanksgiving)
    assert WEEKDAYS.is_open(thursday)
    assert not closed.is_open(thursday)
    assert closed.next_open(thursday) == local("2026-11-27T09:00")
    assert closed.due_time(local("2026-11-25T17:50"), 15) == local("2026-11-27T09:05")
    day = closed.special_day(thursday)
    assert day
    assert (day.name, day.is_closed) == ("Thanksgiving", True)

    half = replace(closed, special={THANKSGIVING: SpecialHours.open("Short day", "10:00", "14:00")})
    assert half.windows(local("2026-11-26T00:00"), 1) == [(thursday, local("2026-11-26T14:00"))]
    as_usual = replace(closed, special={THANKSGIVING: SpecialHours("", windows=None)})
    assert as_usual.windows(local("2026-11-26T00:00"), 1) == WEEKDAYS.windows(local("2026-11-26T00:00"), 1)


def test_a_special_day_opens_what_is_closed_by_the_week() -> None:
    sunday = replace(WEEKDAYS, special={date(2026, 3, 1): SpecialHours.open("Open house", "12:00", "16:00")})
    assert sunday.next_open(local("2026-02-28T12:00")) == local("2026-03-01T12:00")
    assert not sunday.is_open(local("2026-03-01T16:00"))


def test_who_is_always_open_closes_on_holidays_only() -> None:
    always = replace(ALWAYS, holidays=thanksgiving)
    assert not always.always_open
    assert always.windows(local("2026-11-25T12:00"), 3) == [
        (local("2026-11-25T12:00"), local("2026-11-26T00:00")),
        (local("2026-11-27T00:00"), local("2026-11-28T12:00")),
    ]


def test_a_date_is_that_of_the_place_and_not_of_the_clock_in_greenwich() -> None:
    # 22:30 on the 25th in Los Angeles is 00:30 on the 26th in Chicago.
    at = datetime(2026, 11, 26, 6, 30, tzinfo=UTC)
    all_day = weekly([(day, "00:00", "24:00") for day in range(7)], CHICAGO)
    chicago = replace(all_day, holidays=thanksgiving)
    los_angeles = replace(chicago, tz=ZoneInfo("America/Los_Angeles"))
    assert (chicago.is_open(at), los_angeles.is_open(at)) == (False, True)


@pytest.mark.parametrize("special", [{}, {date(2026, 3, 3): SpecialHours("")}])
def test_what_is_closed_for_good_ends(special: dict[date, SpecialHours]) -> None:
    def every_day(year: int) -> dict[date, str]:
        return {date(year, 1, 1) + timedelta(days=day): "Closed" for day in range(366)}

    closed = Schedule(WEEKDAYS.openings, CHICAGO, special, every_day)
    at = local("2026-03-02T10:00")
    assert closed.next_open(at) is None
    assert not closed.is_open(at)
    assert closed.windows(at, 365) == []
    assert closed.due_time(at, 15) == at + timedelta(minutes=15), "what is left to do waits for nobody"


def test_the_last_opening_before_it_closes_for_good_counts() -> None:
    def from_march_on(year: int) -> dict[date, str]:
        days = (date(year, 3, 3) + timedelta(days=day) for day in range(400))
        return {day: "Closed" for day in days if day.year == year} if year == 2026 else every_day(year)

    def every_day(year: int) -> dict[date, str]:
        return {date(year, 1, 1) + timedelta(days=day): "Closed" for day in range(366)}

    closing = Schedule(WEEKDAYS.openings, CHICAGO, holidays=from_march_on)
    assert closing.windows(local("2026-03-01T00:00"), 30) == [(local("2026-03-02T09:00"), local("2026-03-02T18:00"))]
    assert closing.is_open(local("2026-03-02T17:59"))
    assert closing.next_open(local("2026-03-02T18:00")) is None


@pytest.mark.parametrize(
    ("zone", "day", "opens", "closes", "hours"),
    [
        # Both nights in two zones: the clocks are put forward at 02:00 and back at 02:00, each by its own.
        ("America/Chicago", date(2026, 3, 8), "00:00", "06:00", 5),
        ("America/Los_Angeles", date(2026, 3, 8), "00:00", "06:00", 5),
        ("America/Chicago", date(2026, 11, 1), "00:00", "06:00", 7),
        ("America/Los_Angeles", date(2026, 11, 1), "00:00", "06:00", 7),
        ("America/Phoenix", date(2026, 3, 8), "00:00", "06:00", 6),
        ("America/Chicago", date(2026, 3, 8), "03:00", "06:00", 3),
        ("America/Chicago", date(2026, 11, 1), "02:00", "06:00", 4),
    ],
)
def test_a_special_day_on_the_nights_when_clocks_change(
    zone: str, day: date, opens: str, closes: str, hours: int
) -> None:
    tz = ZoneInfo(zone)
    schedule = replace(WEEKDAYS, tz=tz, special={day: SpecialHours.open("", opens, closes)})
    [(first, last)] = schedule.windows(local(f"{day}T00:00", tz), 1)
    assert last - first == timedelta(hours=hours)
    assert first.astimezone(tz).strftime("%H:%M") == opens
    assert last.astimezone(tz).strftime("%H:%M") == closes


def test_two_zones_in_the_night_of_the_change() -> None:
    # 02:30 in Chicago does not come on 2026-03-08; Los Angeles still has its old time for two hours.
    night = [(6, "01:00", "04:00")]
    chicago, los_angeles = weekly(night, CHICAGO), weekly(night, ZoneInfo("America/Los_Angeles"))
    start = datetime(2026, 3, 8, 6, tzinfo=UTC)
    assert chicago.windows(start, 1) == [
        (datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 3, 8, 9, tzinfo=UTC)),
    ]
    assert los_angeles.windows(start, 1) == [
        (datetime(2026, 3, 8, 9, tzinfo=UTC), datetime(2026, 3, 8, 11, tzinfo=UTC)),
    ]
    assert not chicago.is_open(datetime(2026, 3, 8, 9, 30, tzinfo=UTC))
    assert los_angeles.is_open(datetime(2026, 3, 8, 9, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("openings_", "whole"),
    [
        ([], True),
        ([(day, "00:00", "24:00") for day in range(7)], True),
        ([(day, *half) for day in range(7) for half in (("00:00", "12:00"), ("12:00", "24:00"))], True),
        ([(day, "00:00", "24:00") for day in range(6)], False),
        ([(day, "00:00", "23:59") for day in range(7)], False),
        ([(day, *half) for day in range(7) for half in (("00:00", "12:00"), ("12:01", "24:00"))], False),
    ],
)
def test_a_week_without_a_closed_minute(openings_: list[tuple[int, str, str]], whole: bool) -> None:
    schedule = weekly(openings_, CHICAGO)
    assert schedule.covers_whole_week == whole
    assert schedule.week == openings_


@given(st.data(), INSTANTS, st.integers(1, 600))
def test_with_dates_that_differ_it_all_fits_together(data: st.DataObject, at: datetime, minutes: int) -> None:
    schedule = data.draw(schedules_around(at))
    windows = schedule.windows(at, 12)
    assert schedule.is_open(at) == any(opens <= at < closes for opens, closes in windows)
    flat = [moment for window in windows for moment in window]
    assert flat == sorted(set(flat)), "in order, and no two touch"
    opens = schedule.next_open(at)
    assert opens is not None
    assert schedule.is_open(opens)
    if opens > at:
        assert not schedule.is_open(opens - timedelta(seconds=1))
    due = schedule.due_time(at, minutes)
    assert schedule.is_open(due - timedelta(seconds=1)), "the last minute before it was an open one"
    passed = sum(
        (
            (min(closes, due) - max(begins, at))
            for begins, closes in schedule.windows(at, (due - at).days + 2)
            if begins < due
        ),
        start=timedelta(),
    )
    assert passed == timedelta(minutes=minutes)


# --- as people write it ---


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from([("09:00", "12:00"), ("13:00", "24:00")])), unique=True))
def test_a_week_is_written_as_it_is_read(week: list[tuple[int, tuple[str, str]]]) -> None:
    openings_ = sorted((weekday, *span) for weekday, span in week)
    assert fields.openings(fields.as_texts(openings_)) == openings_


def test_days_in_a_row_that_are_alike_are_written_as_one() -> None:
    week = fields.openings(["mon-wed,fri 09:00-12:00 13:00-17:00", "thu 10:00-12:00"])
    assert fields.as_texts(week) == [
        "mon-wed 09:00-12:00 13:00-17:00",
        "thu 10:00-12:00",
        "fri 09:00-12:00 13:00-17:00",
    ]


@pytest.mark.parametrize(
    ("written", "kept"),
    [("", ""), ("closed", ""), (" Closed ", ""), ("usual", "usual"), ("10:00-14:00", "10:00-14:00")],
)
def test_when_a_special_day_is_open(written: str, kept: str) -> None:
    assert fields.special_open(written) == kept


@pytest.mark.parametrize("written", ["open", "10-25", "10:00", "10:00-24:01", "10:00-10:00"])
def test_when_a_special_day_cannot_be_open(written: str) -> None:
    with pytest.raises(Invalid):
        fields.special_open(written)


def test_another_week_at_the_same_place_has_its_days_off_unless_it_never_closes() -> None:
    tz = ZoneInfo("America/Chicago")
    place = Schedule((Opening.parse(0, "09:00", "17:00"),), tz, {date(2026, 3, 2): SpecialHours("Founders")})
    monday, next_monday = (datetime(2026, 3, day, 20, 0, tzinfo=tz) for day in (2, 9))
    evenings = place.with_week((Opening.parse(0, "18:00", "22:00"),))
    assert (evenings.is_open(monday), evenings.is_open(next_monday)) == (False, True)
    always = place.with_week(tuple(Opening.parse(day, "00:00", "24:00") for day in range(7)))
    assert always.is_open(monday)
    assert place.with_week(()).is_open(monday)
