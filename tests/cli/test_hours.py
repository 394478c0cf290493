"""Hours of the office, its properties and its agents; public holidays and special days."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli

CHICAGO = ZoneInfo("America/Chicago")


def test_hours_replace_the_whole_week(office: Leaseline) -> None:
    assert office.json("hours", "show")["openings"] == []
    assert office.json("hours", "show")["is_open"] is True
    office.ok("hours", "set", "mon-fri 09:00-18:00", "sat,sun 10:00-12:00 13:00-24:00")
    shown = office.json("hours", "show")
    assert shown["timezone"] == "America/Chicago"
    assert len(shown["openings"]) == 9
    assert shown["openings"][0] == {"weekday": "mon", "opens": "09:00", "closes": "18:00"}
    assert shown["openings"][-1] == {"weekday": "sun", "opens": "13:00", "closes": "24:00"}
    assert shown["is_open"] == (shown["opens_next"] is None)
    office.ok("hours", "set", "fri-mon 09:00-10:00")
    assert [one["weekday"] for one in office.json("hours", "show")["openings"]] == ["mon", "fri", "sat", "sun"]
    assert "closed" in office.ok("hours", "show")
    office.ok("hours", "set", "--always")
    assert office.json("hours", "show")["openings"] == []


@pytest.mark.parametrize(
    "openings",
    [
        [],
        ["mon"],
        ["someday 09:00-18:00"],
        ["mon 9-25"],
        ["mon 18:00-09:00"],
        ["mon 09:00-09:00"],
        ["mon 09:00-24:01"],
        ["mon-fri 09:00-18:00", "wed 17:00-19:00"],
        ["mon- 09:00-18:00"],
        ["mon 09:00-18:00\x1b[31m"],
        ["x" * 300],
    ],
)
def test_wrong_hours_are_refused(untouched: Leaseline, openings: list[str]) -> None:
    untouched.refused("hours", "set", *openings)


def test_hours_of_a_property_are_its_own_in_its_own_zone(office: Leaseline) -> None:
    office.ok("property", "set", "elm", "--timezone", "America/Los_Angeles")
    office.ok("hours", "set", "mon-fri 09:00-18:00")
    shown = office.json("hours", "show", "--property", "elm")
    assert (shown["property"], shown["is_own"], shown["timezone"]) == ("elm", False, "America/Los_Angeles")
    assert len(shown["openings"]) == 5
    assert "the office's week" in office.ok("hours", "show", "--property", "elm")
    office.ok("hours", "set", "--property", "elm", "tue 10:00-12:00")
    shown = office.json("hours", "show", "--property", "elm")
    assert shown["is_own"] is True
    assert shown["openings"] == [{"weekday": "tue", "opens": "10:00", "closes": "12:00"}]
    assert len(office.json("hours", "show")["openings"]) == 5
    office.ok("hours", "set", "--property", "elm", "--always")
    assert office.json("hours", "show", "--property", "elm")["is_open"] is True
    office.ok("hours", "set", "--property", "elm", "--as-office")
    assert office.json("hours", "show", "--property", "elm")["is_own"] is False


@pytest.mark.parametrize(
    ("words", "because"),
    [
        (["hours", "set", "--property", "oak", "mon 09:00-10:00"], "no property oak"),
        (["hours", "set", "--property", "elm"], "Give the week's openings"),
        (["hours", "set", "--always", "--as-office", "--property", "elm"], "Give the week's openings"),
        (["hours", "set", "--as-office"], "--property"),
        (["hours", "show", "--property", "oak"], "no property oak"),
        (["agent", "hours", "nobody", "mon 09:00-10:00"], "no agent nobody"),
        (["agent", "hours", "alice", "mon 09:00-10:00", "--always"], "Give either"),
        (["agent", "hours", "alice", "mon 10:00-09:00"], "does not end after it begins"),
        (["holiday", "set", "US-XX"], "there are AK, AL, AR"),
        (["holiday", "set", "TX"], "US-TX"),
        (["holiday", "set", ""], "US or US-TX"),
        (["holiday", "set", "US-TX", "--property", "oak"], "no property oak"),
        (["holiday", "add", "2026-02-30"], "not a date"),
        (["holiday", "add", "20260301"], "not a date"),
        (["holiday", "add", "24/12/2026"], "not a date"),
        (["holiday", "add", "٢٠٢٦-03-01"], "not a date"),
        (["holiday", "add", "2026-03-01", "--open", "late"], "not a time span"),
        (["holiday", "add", "2026-03-01", "--open", "14:00-10:00"], "does not end after it begins"),
        (["holiday", "add", "2026-03-01", "--name", "two\nlines"], "line breaks"),
        (["holiday", "add", "2026-03-01", "--property", "oak"], "no property oak"),
        (["holiday", "remove", "2026-03-01"], "is not a special day"),
        (["holiday", "list", "--year", "99999"], "no calendar for 99999"),
    ],
)
def test_what_cannot_be_is_refused(untouched: Leaseline, words: list[str], because: str) -> None:
    assert because in untouched.refused(*words)


def test_a_date_without_a_year_is_the_next_one(office: Leaseline) -> None:
    today = datetime.now(CHICAGO).date()
    tomorrow = today + timedelta(days=1)
    assert f"{tomorrow} is closed" in office.ok("holiday", "add", f"{tomorrow:%b %d}")
    assert "is now open 09:00-13:00" in office.ok("holiday", "add", f"{tomorrow:%m/%d}", "--open", "9-1pm")
    [day] = office.json("holiday", "list", "--year", str(tomorrow.year))
    assert day["day"] == str(tomorrow)
    office.ok("holiday", "remove", f"{tomorrow:%m/%d}")
    office.ok("lead", "add", "--name", "Pat")
    office.ok("lead", "edit", "1", "--move-in", f"{tomorrow:%B %d}")
    assert office.json("lead", "show", "1")["move_in_on"] == str(tomorrow)


def test_a_special_day_closes_today_and_is_told_of(office: Leaseline) -> None:
    today = datetime.now(CHICAGO).date()
    # Tomorrow, too, for a test that runs at midnight.
    for day in (today, today + timedelta(days=1)):
        assert "closed for property elm" in office.ok("holiday", "add", str(day), "--name", "Roof", "--property", "elm")
    assert office.json("hours", "show")["is_open"] is True
    shown = office.json("hours", "show", "--property", "elm")
    assert (shown["is_open"], shown["today"]) == (False, "Roof")
    assert shown["opens_next"]
    assert "Today is Roof." in office.ok("hours", "show", "--property", "elm")
    found = offices(office)
    assert (found[None]["state"], found[None]["holiday"], found[None]["opens_at"]) == ("open", "", None)
    assert (found["elm"]["state"], found["elm"]["holiday"]) == ("holiday", "Roof")
    assert found["elm"]["opens_at"]
    assert "Roof" in office("status").stdout


def test_holidays_of_a_state_are_listed_and_a_day_can_be_worked(office: Leaseline) -> None:
    assert office.json("holiday", "list", "--year", "2026") == []
    assert "US-TX" in office.ok("holiday", "set", "us-tx")
    found = {one["day"]: one for one in office.json("holiday", "list", "--year", "2026")}
    assert found["2026-12-25"] == {
        "day": "2026-12-25",
        "name": "Christmas Day",
        "kind": "holiday",
        "property": None,
        "open": "closed",
    }
    office.ok("holiday", "add", "2026-04-21", "--open", "usual")
    office.ok("holiday", "add", "2026-12-24", "--open", "09:00-12:00", "--name", "Christmas Eve")
    found = {one["day"]: one for one in office.json("holiday", "list", "--year", "2026")}
    assert (found["2026-04-21"]["kind"], found["2026-04-21"]["open"]) == ("special", "usual")
    assert found["2026-12-24"]["open"] == "09:00-12:00"
    assert "now closed" in office.ok("holiday", "add", "2026-12-24")
    office.ok("holiday", "remove", "2026-04-21")
    assert "2026-04-21" in office.ok("holiday", "list", "--year", "2026")
    office.ok("holiday", "set", "none", "--property", "elm")
    of_elm = ("holiday", "list", "--year", "2026", "--property", "elm")
    assert [one["day"] for one in office.json(*of_elm)] == ["2026-12-24"]
    office.ok("holiday", "set", "", "--property", "elm")
    assert len(office.json(*of_elm)) > 10
    office.ok("holiday", "set", "none")
    assert len(office.json("holiday", "list", "--year", "2026")) == 1


def test_agents_have_hours_of_their_own(office: Leaseline) -> None:
    shown = office.json("agent", "hours", "alice")
    assert shown == {"agent": "alice", "hours": [], "timezone": "America/Chicago", "is_within": True}
    office.ok("agent", "hours", "alice", "mon,tue,wed 09:00-12:00 13:00-17:00", "sat 10:00-14:00")
    assert office.json("agent", "hours", "alice")["hours"] == [
        "mon-wed 09:00-12:00 13:00-17:00",
        "sat 10:00-14:00",
    ]
    assert office.json("agent", "show", "alice")["hours"] == office.json("agent", "hours", "alice")["hours"]
    assert "sat 10:00-14:00" in office.ok("agent", "show", "alice")
    office.ok("agent", "hours", "alice", "--always")
    shown = office.json("agent", "hours", "alice")
    assert (shown["hours"], shown["is_within"]) == (["mon-sun 00:00-24:00"], True)
    office.ok("agent", "hours", "alice", "--as-office")
    assert office.json("agent", "hours", "alice")["hours"] == []
    office.ok("agent", "hours", "bob", "mon 09:00-10:00")
    office.ok("agent", "remove", "bob", "--yes")
    office.ok("agent", "restore", "bob")
    assert office.rows("SELECT count(*) FROM agent_hours") == [(1,)], "their hours come back with them"


def test_doctor_warns_of_hours_that_never_come(office: Leaseline) -> None:
    office.ok("hours", "set", "mon-fri 09:00-18:00")
    office.ok("agent", "hours", "alice", "mon-fri 17:00-22:00")
    assert warned(office, "hours") == []
    office.ok("agent", "hours", "alice", "mon-fri 18:00-22:00")
    assert warned(office, "hours") == ["The hours of alice are entirely outside those of the office."]
    # A property that is open then is an office, too.
    office.ok("hours", "set", "--property", "elm", "mon-fri 20:00-21:00")
    assert warned(office, "hours") == []
    today = datetime.now(CHICAGO).date()
    for days in range(-1, 16):
        office.ok("holiday", "add", str(today + timedelta(days=days)), "--property", "elm")
    [closed, _] = warned(office, "hours")
    assert "Not open within 14 days: elm." in closed


def offices(office: Leaseline) -> dict[str | None, dict]:
    found = office("status", "--json")
    return {one["property"]: one for one in json.loads(found.stdout)["offices"]}


def warned(office: Leaseline, check: str) -> list[str]:
    found = json.loads(office("doctor", "--json").stdout)
    return [one["text"] for one in found if one["check"] == check and one["level"] == "WARN"]


def test_doctor_warns_of_a_calendar_that_is_gone(office: Leaseline) -> None:
    office.ok("holiday", "set", "US-TX")
    database = sqlite3.connect(office.home / "leaseline.db")
    with database:
        database.execute("UPDATE organization SET holidays = 'US-QQ'")
    database.close()
    assert office.json("hours", "show")["is_open"] is True
    [gone] = warned(office, "holidays")
    assert "US-QQ" in gone
