"""Mobiles and forwarding: what can be set, what is refused, and that it is not forgotten."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli

MOBILE = "+15125550150"


def alice(office: Leaseline) -> Any:
    [found] = office.json("forward", "show", "--agent", "alice")["agents"]
    return found


def mobiles(office: Leaseline) -> list[tuple[Any, ...]]:
    return office.rows("SELECT slug, number, rings_after_seconds FROM device WHERE kind = 'mobile'")


def test_a_mobile_is_made_and_forwarded_to_in_one_go(office: Leaseline) -> None:
    said = office.ok("forward", "on", "--agent", "alice", "--to", "(512) 555-0150")
    assert said == "Calls for alice ring alice-mobile, (512) 555-0150, after 8 s.\n"
    assert alice(office) == {
        "agent": "alice",
        "on": True,
        "mobiles": [
            {"device": "alice-mobile", "number": MOBILE, "after_seconds": 8, "dnd": False, "refusal": ""},
        ],
    }
    assert "alice-mobile" not in (office.home / "secrets.json").read_text(), "a mobile has no account"


def test_forwarding_is_changed_switched_off_and_on_again(office: Leaseline) -> None:
    office.ok("forward", "on", "--agent", "alice", "--to", "(512) 555-0150", "--after", "5")
    office.ok("forward", "on", "--agent", "alice", "--to", "(512) 555-0151", "--at-once")
    assert mobiles(office) == [("alice-mobile", "+15125550151", 0)]
    office.ok("forward", "off", "--agent", "alice")
    assert alice(office)["on"] is False
    office.ok("forward", "on", "--agent", "alice")
    assert (alice(office)["on"], mobiles(office)) == (True, [("alice-mobile", "+15125550151", 0)])
    assert "(512) 555-0151" in office.ok("forward", "show")


def test_a_mobile_is_a_device_with_a_number_and_its_own_dnd(office: Leaseline) -> None:
    office.ok("device", "add", "alice-cell", "--agent", "alice", "--kind", "mobile", "--number", "512 555 0150")
    office.ok("device", "set", "alice-cell", "--after", "12", "--number", "+1 512 555 0152")
    office.ok("dnd", "on", "alice-cell", "--for", "30m")
    shown = office.json("device", "show", "alice-cell", "--secret")
    assert (shown["kind"], shown["number"], shown["rings_after_seconds"]) == ("mobile", "+15125550152", 12)
    assert (shown["dnd"], shown["whisper"], shown["secret"], shown["user"]) == (True, True, None, "")
    assert office.json("device", "show", "alice-desk")["dnd"] is False
    office.ok("forward", "on", "--agent", "alice")
    [mobile] = alice(office)["mobiles"]
    assert (mobile["device"], mobile["dnd"]) == ("alice-cell", True)
    assert "DND of alice-cell is on" in office("forward", "on", "--agent", "alice").stderr


@pytest.mark.parametrize(
    "number",
    [
        "",
        "555",
        "alice",
        "911",
        "9911",
        "+44 20 7946 0000",
        "1-900-555-0150",
        "+1 876 555 0150",
        "(512) 555-0100",
        "5125550150;x=y",
        "5125550150@evil",
        "${SHELL(id)}",
        "5" * 60,
    ],
)
def test_a_number_that_may_not_be_dialled_is_refused_everywhere(office: Leaseline, number: str) -> None:
    office.ok("device", "add", "alice-cell", "--agent", "alice", "--kind", "mobile", "--number", "512 555 0150")
    office.refused("forward", "on", "--agent", "alice", "--to", number)
    office.refused("forward", "on", "--agent", "bob", "--to", number)
    office.refused("forward", "office", "on", "--to", number)
    office.refused("device", "set", "alice-cell", "--number", number)
    office.refused("device", "add", "new", "--agent", "bob", "--kind", "mobile", "--number", number)


@pytest.mark.parametrize(
    "arguments",
    [
        ("forward", "on", "--agent", "nobody", "--to", "5125550150"),
        ("forward", "on", "--agent", "bob"),
        ("forward", "on", "--agent", "bob", "--to", "5125550150", "--after", "61"),
        ("forward", "on", "--agent", "bob", "--to", "5125550150", "--after", "-1"),
        ("forward", "on", "--agent", "bob", "--to", "5125550150", "--after", "5", "--at-once"),
        ("forward", "off", "--agent", "nobody"),
        ("device", "add", "bob-cell", "--agent", "bob", "--kind", "mobile"),
        ("device", "add", "bob-desk", "--agent", "bob", "--number", "5125550150"),
        ("device", "add", "bob-desk", "--agent", "bob", "--after", "5"),
        ("device", "set", "alice-desk"),
        ("device", "set", "alice-desk", "--number", "5125550150"),
        ("device", "set", "alice-desk", "--after", "5"),
        ("device", "set", "nothing", "--whisper"),
    ],
)
def test_what_makes_no_sense_is_refused(untouched: Leaseline, arguments: tuple[str, ...]) -> None:
    untouched.refused(*arguments)


def test_an_agent_who_may_not_dial_outside_cannot_forward_there(office: Leaseline) -> None:
    change(office, "UPDATE agent SET dialing = 'none' WHERE slug = 'bob'")
    assert "bob may not dial" in office.refused("forward", "on", "--agent", "bob", "--to", "5125550150")


def test_with_several_mobiles_it_has_to_be_said_which(office: Leaseline) -> None:
    for name in ("one", "two"):
        office.ok("device", "add", name, "--agent", "bob", "--kind", "mobile", "--number", "512 555 0150")
    assert "one, two" in office.refused("forward", "on", "--agent", "bob", "--to", "5125550151")
    office.ok("forward", "on", "--agent", "bob")


def test_the_name_of_the_mobile_may_be_taken(office: Leaseline) -> None:
    office.ok("device", "add", "bob-mobile", "--agent", "alice")
    assert "bob-mobile" in office.refused("forward", "on", "--agent", "bob", "--to", "5125550151")


def test_a_desk_phone_gets_the_whisper(office: Leaseline) -> None:
    office.ok("device", "set", "alice-desk", "--whisper")
    assert office.json("device", "show", "alice-desk")["whisper"] is True
    office.ok("device", "set", "alice-desk", "--no-whisper")
    assert office.json("device", "show", "alice-desk")["whisper"] is False
    office.ok("device", "add", "alice-cell", "--agent", "alice", "--kind", "mobile", "--number", "512 555 0150")
    office.refused("device", "set", "alice-cell", "--no-whisper")


def test_all_calls_go_to_one_number_and_back(office: Leaseline) -> None:
    assert office.json("forward", "office", "show") == {"number": None, "confirm": True, "refusal": ""}
    office.ok("forward", "office", "on", "--to", "(512) 555-0190")
    assert office.json("forward", "office", "show") == {"number": "+15125550190", "confirm": True, "refusal": ""}
    assert "straight" in office.ok("forward", "office", "on", "--to", "(512) 555-0190", "--straight")
    assert office.json("forward", "office", "show")["confirm"] is False
    assert "(512) 555-0190" in office.ok("forward", "show")
    assert "ALL" in office("status").stdout
    office.ok("forward", "office", "off")
    assert office.ok("forward", "office", "show") == "All leasing calls go to the team.\n"


def test_status_and_doctor_show_what_is_forgotten_and_what_is_not_dialled_any_more(office: Leaseline) -> None:
    office.ok("forward", "on", "--agent", "alice", "--to", "(512) 555-0150")
    office.ok("forward", "on", "--agent", "bob", "--to", "(512) 555-0151")
    office.ok("forward", "office", "on", "--to", "(512) 555-0190", "--straight")
    # Since then an admin has taken this from bob.
    change(office, "UPDATE agent SET dialing = 'none' WHERE slug = 'bob'")
    shown = json.loads(office("status", "--json").stdout)["forwarding"]
    assert [(one["agent"], one["device"], one["number"], one["straight"], bool(one["refusal"])) for one in shown] == [
        (None, None, "+15125550190", True, False),
        ("alice", "alice-mobile", "+15125550150", False, False),
        ("bob", "bob-mobile", "+15125550151", False, True),
    ]
    found = [one for one in json.loads(office("doctor", "--json").stdout) if one["check"] == "forwarding"]
    assert [one["level"] for one in found] == ["WARN", "WARN", "OK"]
    assert "+15125550190" in found[0]["text"]
    assert "bob-mobile" in found[1]["text"]
    assert "forward off --agent bob" in found[1]["fix"]
    assert "alice-mobile" in found[2]["text"]
    assert "bob may not dial" in office("forward", "show").stdout


def test_a_mobile_is_not_called_unregistered(office: Leaseline) -> None:
    office.ok("forward", "on", "--agent", "alice", "--to", "(512) 555-0150")
    office.ok("device", "add", "bob-cell", "--agent", "bob", "--kind", "mobile", "--number", "512 555 0152")
    states = {one["device"]: one["state"] for one in json.loads(office("status", "--json").stdout)["devices"]}
    assert (states["alice-mobile"], states["bob-cell"], states["alice-desk"]) == ("on", "off", "unknown")


def change(office: Leaseline, statement: str) -> None:
    with closing(sqlite3.connect(office.home / "leaseline.db")) as database, database:
        database.execute(statement)
