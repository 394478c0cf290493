"""Times, dates and opening hours as people write them."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain import fields, written_times
from crm.domain.errors import Invalid

pytestmark = pytest.mark.unit

CHICAGO = ZoneInfo("America/Chicago")
NOW = datetime(2026, 11, 28, 18, 30, tzinfo=UTC)
"""Saturday 12:30 in Chicago."""


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("09:00-18:00", ("09:00", "18:00")),
        ("9-18", ("09:00", "18:00")),
        ("9am-6pm", ("09:00", "18:00")),
        ("9:00 AM - 6:00 PM", ("09:00", "18:00")),
        ("9 a.m. to 5 p.m.", ("09:00", "17:00")),
        ("9-5", ("09:00", "17:00")),
        ("9:30-5:30", ("09:30", "17:30")),
        ("9-9", ("09:00", "21:00")),
        ("10-2", ("10:00", "14:00")),
        ("9-5pm", ("09:00", "17:00")),
        ("1-5pm", ("13:00", "17:00")),
        ("10-12pm", ("10:00", "12:00")),
        ("noon-5pm", ("12:00", "17:00")),
        ("12-5", ("12:00", "17:00")),
        ("8am-noon", ("08:00", "12:00")),
        ("00:00-24:00", ("00:00", "24:00")),
        ("12am-12pm", ("00:00", "12:00")),
        ("5pm-midnight", ("17:00", "24:00")),
        ("0900-1730", ("09:00", "17:30")),
    ],
)
def test_a_span_is_read(written: str, meant: tuple[str, str]) -> None:
    assert fields.span(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        "",
        "9",
        "9-",
        "-5",
        "09:00-05:00",
        "10:00-10:00",
        "٩-١٨",
        "9-8am",
        "22:00-06:00",
        "25-26",
        "9-5xm",
        "9:60-10",
        "13pm-14pm",
        "a-b",
    ],
)
def test_what_is_no_span_is_refused(written: str) -> None:
    with pytest.raises(Invalid):
        fields.span(written)


@pytest.mark.parametrize(
    "written",
    [
        "mon-fri 09:00-17:00",
        "Mon-Fri 9-5",
        "Monday to Friday 9am - 5pm",
        "Monday through Friday 9:00 AM to 5:00 PM",
        "weekdays 9-17",
        "mon, tue, wed, thu & fri 9am-5pm",
        "Mon, Tues, Wed, Thurs and Fri 9 a.m.-5 p.m.",
    ],
)
def test_opening_hours_are_read(written: str) -> None:
    assert fields.openings([written]) == [(day, "09:00", "17:00") for day in range(5)]


def test_several_spans_of_a_day_and_every_day() -> None:
    assert fields.openings(["sat,sun 10:00-12:00 2pm-4pm"]) == [
        (day, *span) for day in (5, 6) for span in (("10:00", "12:00"), ("14:00", "16:00"))
    ]
    assert len(fields.openings(["daily 8-20"])) == len(fields.openings(["every day 8-20"])) == 7


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-12-24", date(2026, 12, 24)),
        ("12/24/2026", date(2026, 12, 24)),
        ("12/24/26", date(2026, 12, 24)),
        ("3/1/2026", date(2026, 3, 1)),
        ("Dec 24, 2026", date(2026, 12, 24)),
        ("December 24th 2026", date(2026, 12, 24)),
        ("24 Dec 2026", date(2026, 12, 24)),
        ("12/24", date(2026, 12, 24)),
        ("March 1", date(2027, 3, 1)),
        ("yesterday", date(2026, 11, 27)),
        ("tomorrow", date(2026, 11, 29)),
    ],
)
def test_a_date_is_read(written: str, meant: date) -> None:
    assert fields.day(written, date(2026, 11, 28)) == meant


@pytest.mark.parametrize(
    "written", ["", "24/12/2026", "2026-13-01", "2/30/2026", "12/24", "march", "1.3.2026", "20261224", "٢٠٢٦-03-01"]
)
def test_what_is_no_date_or_may_be_two_is_refused(written: str) -> None:
    with pytest.raises(Invalid):
        fields.day(written)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("sat 9pm", "2026-11-28 21:00"),
        ("Saturday 9pm", "2026-11-28 21:00"),
        ("Saturday 9 am", "2026-12-05 09:00"),
        ("tue 10:00", "2026-12-01 10:00"),
        ("tue 9", "2026-12-01 09:00"),
        ("12/24/2026 9:00 AM", "2026-12-24 09:00"),
        ("Dec 24 at 5pm", "2026-12-24 17:00"),
        ("tomorrow 5pm", "2026-11-29 17:00"),
        ("2026-12-24", "2026-12-24 00:00"),
        ("2026-12-24 10:00", "2026-12-24 10:00"),
        ("2026-12-24T10:00", "2026-12-24 10:00"),
        ("2026-12-24T16:00Z", "2026-12-24 10:00"),
        ("now", "2026-11-28 12:30"),
    ],
)
def test_a_moment_is_read(written: str, meant: str) -> None:
    assert f"{fields.moment(written, CHICAGO, NOW).astimezone(CHICAGO):%Y-%m-%d %H:%M}" == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2h", "2026-11-28 10:30"),
        ("today", "2026-11-28 00:00"),
        ("yesterday", "2026-11-27 00:00"),
        ("monday", "2026-11-23 00:00"),
        ("saturday", "2026-11-28 00:00"),
        ("11/1/2026", "2026-11-01 00:00"),
        ("12/24", "2025-12-24 00:00"),
        ("11/1", "2026-11-01 00:00"),
    ],
)
def test_the_start_of_a_period_is_in_the_past(written: str, meant: str) -> None:
    assert f"{fields.since(written, CHICAGO, NOW).astimezone(CHICAGO):%Y-%m-%d %H:%M}" == meant


def test_the_next_time_of_day() -> None:
    assert fields.next_clock("5pm", CHICAGO, NOW) == datetime(2026, 11, 28, 23, tzinfo=UTC)
    assert fields.next_clock("9", CHICAGO, NOW) == datetime(2026, 11, 29, 15, tzinfo=UTC)


@given(st.text(max_size=30))
def test_anything_is_read_or_refused(written: str) -> None:
    for read in (written_times.clock, written_times.span, written_times.day, written_times.weekday):
        read(written)
    for check in (fields.moment, fields.since):
        with contextlib.suppress(Invalid):
            check(written, CHICAGO, NOW)
