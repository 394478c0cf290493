"""Locations, emergency calls, and the block list at the terminal."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from crm import config as settings
from crm.store.models import EmergencyCall
from crm.store.session import Store
from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli

ADDRESS = "100 Elm Street, Austin, TX 78701, floor 2"


@pytest.mark.parametrize("kind", ["desk", "softphone", "browser"])
def test_who_adds_a_phone_without_a_location_is_warned_and_doctor_insists(office: Leaseline, kind: str) -> None:
    office.ok("location", "add", "main", "--address", ADDRESS, "--callback", "512 555 0100")
    office.ok("device", "set", "alice-desk", "--location", "main")
    added = office("device", "add", "bob-new", "--agent", "bob", "--kind", kind)
    assert added.exit_code == 0
    assert "bob-new has no location" in added.stderr
    found = json.loads(office("doctor", "--json").stdout)
    assert any(
        one["check"] == "emergency" and one["level"] == "ERROR" and "No location: bob-new." in one["text"]
        for one in found
    )
    office.ok("device", "set", "bob-new", "--location", "main")
    assert "No location" not in office("doctor", "--json").stdout
    told = office("device", "add", "bob-other", "--agent", "bob", "--kind", kind, "--location", "main")
    assert (told.exit_code, "location" in told.stderr) == (0, False)


def test_a_phone_gets_a_location(office: Leaseline) -> None:
    office.ok("location", "add", "main", "--address", ADDRESS, "--callback", "512 555 0100")
    office.ok("device", "set", "alice-desk", "--location", "main")
    office.ok("device", "add", "bob-desk", "--agent", "bob", "--location", "main")
    [entry] = office.json("location", "list")
    assert entry == {
        "slug": "main",
        "address": ADDRESS,
        "callback_number": "+15125550100",
        "devices": ["alice-desk", "bob-desk"],
        "retired_at": None,
    }
    assert "alice-desk" in office.refused("location", "remove", "main")
    office.ok("location", "set", "main", "--callback", "(512) 555-0101")
    assert office.json("location", "list")[0]["callback_number"] == "+15125550101"
    for device in ("alice-desk", "bob-desk"):
        office.ok("device", "set", device, "--location", "")
    office.ok("location", "remove", "main", "--yes")
    assert office.json("location", "list") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("location", "add", "main", "--address", ADDRESS, "--callback", "911"),
        ("location", "add", "main", "--address", ADDRESS, "--callback", "6001"),
        ("location", "add", "main", "--address", " ", "--callback", "(512) 555-0100"),
        ("location", "add", "main", "--address", "a\nb", "--callback", "(512) 555-0100"),
        ("location", "add", "Main Office", "--address", ADDRESS, "--callback", "(512) 555-0100"),
        ("location", "set", "nowhere", "--address", ADDRESS),
        ("location", "remove", "nowhere"),
        ("device", "set", "alice-desk", "--location", "nowhere"),
        ("device", "add", "bob-desk", "--agent", "bob", "--location", "nowhere"),
        ("emergency", "notify", "add", "nobody"),
        ("emergency", "show", "none"),
        ("block", "add", "+1*"),
        ("block", "add", "911"),
        ("block", "add", "(512) 555-0100"),
        ("block", "remove", "(512) 555-0199"),
    ],
    ids=" ".join,
)
def test_bad_input_is_refused_and_changes_nothing(untouched: Leaseline, arguments: tuple[str, ...]) -> None:
    untouched.refused(*arguments)


def test_a_callback_number_that_prospects_call_is_found_and_one_of_its_own_is_not(office: Leaseline) -> None:
    office.ok("location", "add", "main", "--address", ADDRESS, "--callback", "512 555 0100")
    asked = "is also a leasing line"
    assert asked in office("doctor").stdout
    office.ok("line", "add", "(512) 555-0111", "--label", "Emergency callback")
    office.ok("location", "set", "main", "--callback", "(512) 555-0111")
    assert asked not in office("doctor").stdout


def test_a_call_that_was_a_test_is_acknowledged(office: Leaseline) -> None:
    now = datetime.now(UTC)
    store = Store(settings.load(office.home).database_url)
    with store.writing() as session:
        session.add(
            EmergencyCall(
                id="ll1-1.1",
                dialled="911",
                device="alice-desk",
                agent="alice",
                address=ADDRESS,
                callback_number="+15125550111",
                started_at=now - timedelta(minutes=5),
                ended_at=now - timedelta(minutes=4),
                status="ANSWER",
            )
        )
    store.close()
    assert "unless you run `leaseline emergency acknowledge ll1-1.1`" in office("status").stdout
    assert "menu again" in office.ok("emergency", "acknowledge", "ll1-1.1")
    assert "emergency acknowledge" not in office("status").stdout
    assert office.json("emergency", "show", "ll1-1.1")["acknowledged_at"]
    assert "status" in office.refused("emergency", "acknowledge", "ll1-1.1")


def test_who_is_told(office: Leaseline) -> None:
    assert {(entry["agent"], entry["named"]) for entry in office.json("emergency", "notify", "list")} == {
        ("admin", False),
        ("alice", False),
        ("bob", False),
    }
    assert "neither" in office("emergency", "notify", "add", "alice").stderr
    assert [entry["agent"] for entry in office.json("emergency", "notify", "list")] == ["alice"]
    office.ok("emergency", "notify", "remove", "alice")
    assert len(office.json("emergency", "notify", "list")) == 3
    assert office.json("emergency", "list") == []


def test_the_block_list(office: Leaseline) -> None:
    office.ok("block", "add", "(512) 555-0199", "--why", "robocalls")
    office.ok("block", "add", "900*", "--silent")
    office.ok("block", "add", "withheld")
    assert [(one["kind"], one["value"], one["refusal"], one["why"]) for one in office.json("block", "list")] == [
        ("number", "+15125550199", "spoken", "robocalls"),
        ("prefix", "+1900", "silent", ""),
        ("withheld", "", "spoken", ""),
    ]
    assert "already" in office.refused("block", "add", "withheld")
    office.ok("block", "remove", "+1900*")
    assert len(office.json("block", "list")) == 2


def test_a_trunk_is_marked_for_emergency_calls(office: Leaseline) -> None:
    assert not office.json("trunk", "show", "acme")["emergency"]
    office.ok("trunk", "set", "acme", "--emergency")
    assert office.json("trunk", "show", "acme")["emergency"]
