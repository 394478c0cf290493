"""Tours at the command line."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli


@pytest.fixture
def touring(office: Leaseline) -> Leaseline:
    """Elm Street is shown on every day of the week."""
    office.ok("tour", "hours", "set", "elm", "mon-sun 00:00-24:00", "--kind", "self_guided", "--minutes", "60")
    return office


def test_a_tour_is_booked_moved_cancelled_and_seen(touring: Leaseline) -> None:
    first, second, *_ = touring.json("tour", "slots", "elm", "--days", "3")
    assert first["kind"] == "self_guided"
    book = ("tour", "book", "elm", "--lead", "(512) 555-0123", "--at", first["at"])
    booked = touring.json(*book, "--note", "with a dog")
    assert (booked["at"], booked["state"], booked["note"]) == (first["at"], "booked", "with a dog")
    assert first["at"] not in [slot["at"] for slot in touring.json("tour", "slots", "elm")]
    touring.ok("tour", "move", str(booked["id"]), "--at", second["at"])
    [listed] = touring.json("tour", "list")
    assert (listed["at"], listed["lead"]) == (second["at"], booked["lead"])
    assert "12345" not in touring.ok("tour", "list")
    touring.ok("tour", "cancel", str(booked["id"]))
    assert [one["state"] for one in touring.json("tour", "list")] == ["cancelled"]
    for spelling in ("canceled", "cancelled"):
        shown = touring.ok("tour", "list", "--state", spelling)
        assert "canceled" in shown
        assert "cancelled" not in shown
    assert "elm canceled" in touring.ok("audit", "list")
    timeline = [entry["text"] for entry in touring.json("lead", "show", str(booked["lead"]))["timeline"]]
    assert [text.split(" of ")[0] for text in timeline] == ["Booked a tour", "Moved a tour", "Canceled a tour"]


def test_a_time_that_is_taken_is_refused(touring: Leaseline) -> None:
    [slot, *_] = touring.json("tour", "slots", "elm")
    touring.ok("tour", "book", "elm", "--lead", "(512) 555-0123", "--at", slot["at"])
    assert "taken" in touring.refused("tour", "book", "elm", "--lead", "(512) 555-0124", "--at", slot["at"])


def test_a_blackout_takes_times_away_until_it_ends(touring: Leaseline) -> None:
    slots = touring.json("tour", "slots", "elm", "--days", "2")
    touring.ok("tour", "blackout", "--from", slots[0]["at"], "--to", slots[2]["at"], "--why", "painting")
    assert touring.json("tour", "slots", "elm", "--days", "2")[0]["at"] == slots[2]["at"]
    [blackout] = touring.json("tour", "blackouts")
    assert blackout["why"] == "painting"
    touring.ok("tour", "end-blackout", str(blackout["id"]))
    assert touring.json("tour", "slots", "elm", "--days", "2")[0]["at"] == slots[0]["at"]


def test_hours_are_repeated_as_they_were_understood(office: Leaseline) -> None:
    said = office.ok("tour", "hours", "set", "elm", "weekdays 9-5pm", "Sat 10am-2pm")
    assert "tours of elm: mon-fri 09:00-17:00; sat 10:00-14:00." in said
    assert "09:00-17:00" in office.ok("audit", "list")


def test_hours_are_listed_and_taken_away(touring: Leaseline) -> None:
    assert len(touring.json("tour", "hours", "list", "elm")) == 7
    assert "mon-sun" in touring.ok("tour", "hours", "list")
    touring.ok("tour", "hours", "set", "elm", "--kind", "self_guided")
    assert touring.json("tour", "hours", "list") == []
    assert touring.json("tour", "slots", "elm") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("hours", "set", "elm", "mon 10:00-12:00", "--minutes", "0"),
        ("hours", "set", "elm", "mon 10:00-10:10", "--minutes", "30"),
        ("hours", "set", "elm", "noon"),
        ("hours", "set", "nowhere", "mon 10:00-12:00"),
        ("hours", "set", "elm", "mon 10:00-12:00", "--agent", "nobody"),
        ("slots", "nowhere"),
        ("book", "elm", "--lead", "9", "--at", "tue 10:00"),
        ("book", "elm", "--lead", "(512) 555-0123", "--at", "someday"),
        ("book", "elm", "--lead", "(512) 555-0123", "--at", "2020-01-01 10:00"),
        ("book", "elm", "--lead", "rm -rf", "--at", "tue 10:00"),
        ("move", "7", "--at", "tue 10:00"),
        ("cancel", "7"),
        ("cancel", "99999999999999999999"),
        ("close", "7", "--done"),
        ("blackout", "--from", "2026-12-27", "--to", "2026-12-24"),
        ("end-blackout", "7"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(untouched: Leaseline, arguments: tuple[str, ...]) -> None:
    untouched.refused("tour", *arguments)
