"""Follow-ups and portfolios at the command line."""

from __future__ import annotations

import sqlite3

import pytest

from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli


@pytest.fixture
def planned(office: Leaseline) -> Leaseline:
    """A lead who is interested in Elm Street, and the first step of their sequence."""
    database = sqlite3.connect(office.home / "leaseline.db")
    now = "2026-03-02 16:00:00.000000"
    with database:
        database.execute("INSERT INTO lead (id, status, source, created_at) VALUES (1, 'new', '', ?)", (now,))
        database.execute(
            "INSERT INTO interest (id, lead_id, property_id, stage, stage_since, updated_at) "
            "VALUES (1, 1, (SELECT id FROM property), 'contacted', ?, ?)",
            (now, now),
        )
        database.execute(
            "INSERT INTO follow_up (id, interest_id, lead_id, stage, stage_since, step, state, due_at, text, is_edited,"
            " why) VALUES (7, 1, 1, 'contacted', ?, 0, 'planned', ?, 'Hi, {name} here.', 0, 'Step 1.')",
            (now, now),
        )
    database.close()
    return office


def test_a_step_is_seen_changed_and_cancelled(planned: Leaseline) -> None:
    [step] = planned.json("followup", "list")
    assert (step["id"], step["lead"], step["property"], step["step"]) == (7, 1, "elm", 1)
    planned.ok("followup", "change", "7", "--at", "2026-03-09 09:30", "--text", "Good morning from {name}.")
    [step] = planned.json("followup", "list")
    assert (step["due_at"], step["text"]) == ("2026-03-09T14:30:00Z", "Good morning from {name}.")
    planned.ok("followup", "cancel", "7")
    assert planned.json("followup", "list") == []
    assert [step["state"] for step in planned.json("followup", "list", "--lead", "1")] == ["cancelled"]
    assert "already cancelled" in planned.refused("followup", "cancel", "7")


def test_a_stage_is_set(planned: Leaseline) -> None:
    assert "has an application" in planned.ok("followup", "stage", "1", "elm", "application_sent")
    [interest] = planned.json("lead", "show", "1")["interests"]
    assert interest["stage"] == "application_sent"


def test_sequences_in_force_are_shown_and_a_wrong_file_is_told(office: Leaseline) -> None:
    steps = office.json("followup", "sequences")
    assert [step["wait_hours"] for step in steps if step["stage"] == "contacted"] == [6, 20, 24, 48]
    folder = office.home / "follow_ups"
    folder.mkdir()
    (folder / "default.toml").write_text('[contacted]\nsteps = [{wait = "1h", text = "Hi"}]')
    assert [step["wait_hours"] for step in office.json("followup", "sequences")] == [1]
    (folder / "default.toml").write_text("[contacted]\nsteps = 5")
    assert "default.toml" in office.refused("followup", "sequences")


def test_portfolios(office: Leaseline) -> None:
    office.ok("portfolio", "add", "east", "--name", "East side")
    office.ok("portfolio", "assign", "elm", "east")
    assert office.json("portfolio", "list") == [
        {"slug": "east", "name": "East side", "properties": ["elm"], "retired_at": None}
    ]
    assert office.json("property", "show", "elm")["portfolio"] == "east"
    assert "elm" in office.refused("portfolio", "remove", "east")
    office.ok("portfolio", "assign", "elm", "")
    office.ok("portfolio", "remove", "east", "--yes")
    assert office.json("portfolio", "list") == []


def test_a_property_may_have_its_own_time_zone(office: Leaseline) -> None:
    office.ok("property", "set", "elm", "--timezone", "America/Denver")
    assert office.json("property", "show", "elm")["timezone"] == "America/Denver"
    assert "time zone" in office.refused("property", "set", "elm", "--timezone", "Elm Street")


@pytest.mark.parametrize(
    "arguments",
    [
        ("followup", "cancel", "99"),
        ("followup", "change", "99"),
        ("followup", "change", "99", "--text", "x" * 700),
        ("followup", "change", "99", "--at", "later"),
        ("followup", "stage", "99", "elm", "contacted"),
        ("followup", "stage", "99", "elm", "married"),
        ("portfolio", "add", "Not A Slug"),
        ("portfolio", "assign", "elm", "nowhere"),
        ("portfolio", "remove", "nowhere"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(untouched: Leaseline, arguments: tuple[str, ...]) -> None:
    untouched.refused(*arguments)
