"""Calls of ours on the command line: ordering them, whom to call back, notes, and what is shown of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crm.domain.calls import (
    CallArrived,
    CallDirection,
    CallEnded,
    CallPlaced,
    EndedBy,
    Fact,
    TalkEnded,
    TalkStarted,
)
from tests.cli.conftest import Leaseline
from tests.cli.test_records import record

pytestmark = pytest.mark.cli

PROSPECT = "+15125550123"
START = datetime.now(UTC) - timedelta(hours=1)


def missed(call: str = "c1", number: str | None = PROSPECT) -> list[Fact]:
    arrived = CallArrived(f"{call}/a", call, START, did="+15125550100", caller=number, trunk="acme")
    return [arrived, CallEnded(f"{call}/e", call, START + timedelta(seconds=9), by=EndedBy.CALLER)]


def ours(call: str = "o1", *, talked: bool = True) -> list[Fact]:
    begins = START + timedelta(minutes=5)
    facts: list[Fact] = [
        CallPlaced(f"{call}/p", call, begins, CallDirection.OUT, "alice", "alice-desk", "+15125550100", PROSPECT)
    ]
    if talked:
        facts.append(TalkStarted(f"{call}/t", call, begins + timedelta(seconds=9), call))
        facts.append(TalkEnded(f"{call}/u", call, begins + timedelta(seconds=99), call))
    return [*facts, CallEnded(f"{call}/e", call, begins + timedelta(seconds=99), by=EndedBy.AGENT)]


def test_a_call_is_ordered_once_and_shown(office: Leaseline) -> None:
    first = office.json("call", "start", "--agent", "alice", "--to", "(512) 555-0123", "--no-wait")
    assert (first["state"], first["agent"], first["to"], first["call"]) == ("waiting", "alice", PROSPECT, None)
    again = office.json("call", "start", "--agent", "alice", "--to", PROSPECT, "--no-wait")
    assert again["order"] == first["order"]
    assert "alice" in office.ok("call", "start", "--agent", "alice", "--to", PROSPECT, "--no-wait")


@pytest.mark.parametrize(
    ("agent", "to", "why"),
    [
        ("alice", "911", "no lead 911"),
        ("alice", "9005550123", "premium-rate"),
        ("alice", "+18765550123", "not allowed"),
        ("alice", "+15125550100", "own lines"),
        ("alice", "call me; rm -rf /", "nor a phone number"),
        ("bob", PROSPECT, "no phone"),
        ("zoe", PROSPECT, "no agent zoe"),
    ],
)
def test_what_cannot_be_ordered_is_refused_and_nothing_is_dialled(
    untouched: Leaseline, agent: str, to: str, why: str
) -> None:
    assert why in untouched.refused("call", "start", "--agent", agent, "--to", to, "--no-wait")


def test_an_order_that_no_app_takes_is_taken_back(office: Leaseline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.commands.placing.TAKEN_SECONDS", 0.5)
    result = office("call", "start", "--agent", "alice", "--to", PROSPECT)
    assert result.exit_code == 1
    assert "leaseline up" in result.stderr
    assert office.rows("SELECT state FROM call_order") == [("failed",)]


def test_frappe_crm_1352_who_was_missed_is_listed_with_a_lead_and_called_back(office: Leaseline) -> None:
    record(office, missed())
    [entry] = office.json("call", "missed")
    assert (entry["call"], entry["phone"], entry["overdue"]) == ("c1", PROSPECT, True)
    assert office.json("lead", "show", str(entry["lead"]))["phones"] == [PROSPECT]
    assert PROSPECT in office.ok("call", "missed")
    order = office.json("call", "back", "c1", "--agent", "alice", "--no-wait")
    assert (order["to"], order["state"]) == (PROSPECT, "waiting")
    record(office, ours(talked=True))
    assert office.json("call", "missed") == []
    assert "Nobody" in office.ok("call", "missed")


def test_who_withheld_the_number_cannot_be_called_back(office: Leaseline) -> None:
    record(office, missed("w", None))
    assert "withheld" in office.ok("lead", "list")
    assert office.json("call", "missed") == []
    assert "1 caller left neither a number nor a message" in office("call", "missed").stderr
    lost = office("report", "lost")
    assert (lost.exit_code, "1 caller left neither" in lost.stderr) == (0, True)
    assert "withheld" in office.refused("call", "back", "w", "--agent", "alice")
    assert "no call" in office.refused("call", "back", "nope", "--agent", "alice")


def test_calls_show_their_direction_and_notes(office: Leaseline) -> None:
    record(office, missed())
    record(office, ours())
    assert [(call["id"], call["direction"]) for call in office.json("call", "list")] == [("o1", "out"), ("c1", "in")]
    [call] = office.json("call", "list", "--direction", "out")
    assert (call["agent"], call["caller"], call["outcome"]) == ("alice", PROSPECT, "talked")
    assert "out" in office.ok("call", "list")
    office.ok("call", "note", "o1", "wants a ground floor")
    assert office.json("call", "show", "o1")["remark"] == "wants a ground floor"
    assert "wants a ground floor" in office.ok("call", "show", "o1")
    shown = office.json("lead", "show", PROSPECT)["timeline"]
    assert [entry["kind"] for entry in shown] == ["CallFromProspect", "CallToProspect", "Note"]
    assert shown[1]["text"] == "Alice called and talked for 1 min 30 s."
    assert office.json("call", "show", "c1")["remark"] == ""


@pytest.mark.parametrize("text", ["", "two\nlines", "\x1b[31mred", "x" * 451])
def test_a_bad_note_is_refused(office: Leaseline, text: str) -> None:
    record(office, ours())
    office.refused("call", "note", "o1", text)


def test_trunks_have_an_order_and_a_way_to_write_numbers(office: Leaseline) -> None:
    office.ok("trunk", "add", "zeta", "--host", "10.0.0.9", "--auth", "address")
    office.ok("trunk", "set", "acme", "--position", "2", "--numbers", "national")
    trunks = office.json("trunk", "list")
    assert [(one["slug"], one["position"], one["numbers"]) for one in trunks] == [
        ("zeta", 0, "plus"),
        ("acme", 2, "national"),
    ]
    office.ok("trunk", "set", "zeta", "--no-outbound")
    assert office.json("trunk", "show", "zeta")["outbound"] is False
    assert "position 2" in office.ok("trunk", "list")
    assert "0 to 99" in office.refused("trunk", "set", "acme", "--position", "100")


def test_an_agents_permission_to_dial_is_set_and_shown(office: Leaseline) -> None:
    assert office.json("agent", "show", "alice")["dialing"] == "allowed"
    office.ok("agent", "set", "alice", "--dialing", "none")
    assert office.json("agent", "show", "alice")["dialing"] == "none"
    assert "may not dial" in office.refused("call", "start", "--agent", "alice", "--to", PROSPECT)
