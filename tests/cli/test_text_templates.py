"""`leaseline text template`."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli


def test_a_text_is_listed_changed_previewed_and_reset(office: Leaseline) -> None:
    found = {(one["name"], one["language"]): one for one in office.json("text", "template", "list")}
    assert {"first", "listings", "tour_booked", "followup.contacted.1"} <= {name for name, _ in found}
    assert not any(one["is_own"] or one["is_missing"] for one in found.values())
    changed = office.json("text", "template", "set", "listings", "Our homes: {url}", "--language", "en")
    assert (changed["encoding"], changed["segments"]) == ("GSM-7", 1)
    [own] = office.json("text", "template", "list", "--own")
    assert (own["name"], own["language"], own["text"]) == ("listings", "en", "Our homes: {url}")
    assert "the office" in office.ok("text", "template", "show", "listings")
    assert office.json("text", "template", "show", "listings", "--language", "es")["is_own"] is False
    assert "Our homes: http" in office.ok("text", "template", "preview", "listings")
    assert "standard text again" in office.ok("text", "template", "reset", "listings")
    assert "already" in office.ok("text", "template", "reset", "listings")


def test_a_mistake_is_told_with_what_the_text_may_hold(office: Leaseline) -> None:
    wrong = ("text", "template", "set", "listings", "See {ulr}")
    assert "listings can have no {ulr}: its placeholders are {url} and {name}." in office.refused(*wrong)
    assert "`leaseline text template list`" in office.refused("text", "template", "show", "lstings")
    assert office.json("text", "template", "list", "--own") == []


def test_letters_that_make_a_text_longer_are_named(office: Leaseline) -> None:
    told = office("text", "template", "set", "missed_known", "Perdón por no contestar. Le llamará “pronto” alguien.")
    assert "UCS-2" in told.stdout
    assert "Because of ó á “ ”" in told.stderr
    found = office.json("text", "template", "preview", "missed_known")
    assert (found["encoding"], found["costly"], found["segments"]) == ("UCS-2", "óá“”", 1)
    assert found["first_segments"] == 2


def test_a_preview_is_in_the_language_of_the_lead(office: Leaseline) -> None:
    office.ok("lead", "add", "--name", "Ana", "--phone", "(512) 555-0188")
    office.ok("lead", "edit", "1", "--language", "es")
    found = office.json("text", "template", "preview", "followup.contacted.1", "--lead", "1")
    assert found["language"] == "es"
    assert found["text"].startswith("Hola, le escribe")
    assert "responda STOP" in found["first_text"]
    assert office.json("text", "template", "preview", "stop", "--language", "en")["language"] == "en"
