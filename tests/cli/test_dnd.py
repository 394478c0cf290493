"""Do not disturb."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli


def test_dnd_ends_by_itself(office: Leaseline) -> None:
    before = datetime.now(UTC)
    office.ok("dnd", "on", "alice-desk", "--for", "30m")
    ((device,)) = office.json("dnd", "list")
    assert (device["device"], device["agent"]) == ("alice-desk", "alice")
    assert device["until"].endswith("Z")
    until = datetime.fromisoformat(device["until"])
    assert timedelta(minutes=30) <= until - before < timedelta(minutes=31)
    office.ok("dnd", "off", "alice-desk")
    assert office.json("dnd", "list") == []


def test_dnd_until_a_time_is_the_next_time_the_clock_shows_it(office: Leaseline) -> None:
    office.ok("dnd", "on", "--agent", "alice", "--until", "17:00")
    ((device,)) = office.json("dnd", "list")
    until = datetime.fromisoformat(device["until"])
    assert timedelta(0) < until - datetime.now(UTC) <= timedelta(hours=25)
    assert until.minute == 0


def test_dnd_that_is_over_is_not_listed(office: Leaseline) -> None:
    office.ok("dnd", "on", "alice-desk", "--for", "30m")
    database = sqlite3.connect(office.home / "leaseline.db")
    with database:
        database.execute("UPDATE device SET dnd_until = '2026-01-01 00:00:00.000000'")
    database.close()
    assert office.json("dnd", "list") == []
    assert office.json("device", "show", "alice-desk")["dnd"] is False


def test_dnd_without_end_asks_first(office: Leaseline) -> None:
    refused = office("dnd", "on", "alice-desk", input="n\n")
    assert refused.exit_code == 1
    assert office.json("dnd", "list") == []
    office.ok("dnd", "on", "alice-desk", input="y\n")
    assert office.json("dnd", "list")[0]["until"] is None
    office.ok("dnd", "off", "alice-desk")
    office.ok("dnd", "on", "alice-desk", "--yes")
    assert office.json("dnd", "list")[0]["until"] is None
    assert "without end" in office.ok("dnd", "list")


@pytest.mark.parametrize(
    ("words", "because"),
    [
        ("dnd on", "Name one device"),
        ("dnd on alice-desk --agent alice --for 1h", "Name one device"),
        ("dnd on nothing --for 1h", "no device nothing"),
        ("dnd on --agent bob --for 1h", "has no devices"),
        ("dnd on alice-desk --for 1h --until 17:00", "not both"),
        ("dnd on alice-desk --for 0m", "is 0"),
        ("dnd on alice-desk --for soon", "not a length of time"),
        (f"dnd on alice-desk --for {'9' * 300}d", "not a length of time"),
        ("dnd on alice-desk --until 25:00", "not a time"),
        ("dnd on alice-desk --until 24:00", "not a time"),
        ("dnd on alice-desk --until ٠٩:٠٠", "not a time"),
        ("dnd off", "Name one device"),
        ("dnd off nothing", "no device nothing"),
    ],
)
def test_wrong_dnd_is_refused(untouched: Leaseline, words: str, because: str) -> None:
    assert because in untouched.refused(*words.split())


def test_it_lasts_until_a_day_that_is_ahead(office: Leaseline) -> None:
    office.ok("dnd", "on", "alice-desk", "--until", "1/4/2038 9:00 AM")
    assert office.json("dnd", "list")[0]["until"] == "2038-01-04T15:00:00Z"
    assert "is over" in office.refused("dnd", "on", "alice-desk", "--until", "1/4/2021")
