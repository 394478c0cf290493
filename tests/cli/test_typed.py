"""What people type that is no value of its option: refused in one sentence, before anything is opened."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from cli import cli
from tests.cli.conftest import Leaseline
from tests.cli.test_help import LEAVES

pytestmark = pytest.mark.cli

BOUNDED = (click.IntRange, click.FloatRange, click.Choice)
NO_VALUES = ("nonsense", "", "9" * 400, "-" + "9" * 40, "½", "NaN", "\x1b[31mred\x07", "\u202e12", "x" * 5000)


def options(path: tuple[str, ...]) -> list[click.Option]:
    return [one for one in LEAVES[path].params if isinstance(one, click.Option) and not one.is_flag and not one.count]


def refused(path: tuple[str, ...], *words: str) -> str:
    result = CliRunner().invoke(cli, [*path, *words])
    assert result.exit_code == 2, (words, result.output)
    assert result.stdout == ""
    sentence = result.stderr.splitlines()[-1]
    assert sentence.startswith("Error: ")
    assert sentence.isprintable()
    # A choice of many is listed whole.
    assert len(sentence) < 1200
    return sentence


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_no_text_passes_for_a_number_or_a_choice(path: tuple[str, ...]) -> None:
    for option in options(path):
        if isinstance(option.type, BOUNDED):
            for value in NO_VALUES:
                sentence = refused(path, f"{max(option.opts, key=len)}={value}")
                assert "Invalid value" in sentence
                assert not sentence.endswith("range.")


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_what_is_no_text_is_refused_by_every_option(path: tuple[str, ...]) -> None:
    for option in options(path):
        # As Python has it of an argument with the byte E9.
        assert "not UTF-8" in refused(path, f"{max(option.opts, key=len)}=Caf\udce9")


def test_seven_digits_are_a_line_of_the_office_s_area_code(office: Leaseline) -> None:
    office.ok("config", "set", "area_code", "512")
    office.ok("line", "add", "555-0144", "--property", "elm")
    office.ok("line", "set", "555-0144", "--label", "Gate")
    assert office.json("line", "show", "555-0144")["number"] == "+15125550144"
    office.ok("call", "list", "--line", "555-0144")
    office.ok("route", "test", "--line", "555-0144", "--from", "555-0188")
    office.ok("line", "remove", "555-0144", "--yes")
    office.ok("line", "restore", "555-0144")


def test_seven_digits_are_refused_by_the_setting_s_name_while_there_is_no_area_code(untouched: Leaseline) -> None:
    for words in (
        ("line", "add", "555-0144"),
        ("contact", "add", "555-0144", "--kind", "vendor"),
        ("lead", "add", "--phone", "555-0144"),
        ("lead", "show", "555-0144"),
        ("block", "add", "555-0144"),
        ("optout", "add", "555-0144", "--why", "asked"),
        ("message", "send", "555-0144", "Hello"),
        ("location", "add", "office", "--address", "1 Main St, Austin, TX", "--callback", "555-0144"),
    ):
        assert "set area_code" in untouched.refused(*words), words


NAMES = {
    "--agent",
    "--call",
    "--lead",
    "--line",
    "--owner",
    "--portfolio",
    "--property",
    "--source",
    "--subteam",
    "--team",
}


def asks_by_name() -> list[tuple[str, ...]]:
    """Lists, each with an option that names something."""
    return [
        (*path, option.opts[0])
        for path, leaf in LEAVES.items()
        if path[-1] in ("list", "sequences", "deliveries", "show") and not any(one.required for one in leaf.params)
        for option in options(path)
        if NAMES.intersection(option.opts) and not isinstance(option.type, click.Choice)
    ]


@pytest.mark.parametrize("words", asks_by_name(), ids=" ".join)
def test_a_list_says_that_there_is_not_what_it_is_asked_for(untouched: Leaseline, words: tuple[str, ...]) -> None:
    name = {"--lead": "99999", "--line": "+15125550177"}.get(words[-1], "nowhere")
    assert name in untouched.refused(*words, name)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        *(
            ((*path, "--since", "1d", "--until", "7d"), "--until is before --since")
            for path, leaf in LEAVES.items()
            if {"since", "until"} <= {one.name for one in leaf.params} and not any(one.required for one in leaf.params)
        ),
        (("recordings", "export", "x.zip", "--since", "1d", "--until", "7d"), "--until is before --since"),
        (("listing", "list", "--rent-from", "2000", "--rent-to", "1000"), "--rent-to is less than --rent-from"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else "",
)
def test_what_ends_before_it_begins_is_refused(untouched: Leaseline, words: tuple[str, ...], said: str) -> None:
    assert said in untouched.refused(*words)


@pytest.mark.parametrize(
    ("words", "option", "value", "field"),
    [
        (("office",), "--answering-service", "512-555-0150", "answering_service"),
        (("office",), "--listings-url", "https://maple.example", "listings_url"),
        (("subteam", "north"), "--answering-service", "512-555-0150", "answering_service"),
        (("property", "elm"), "--subteam", "north", "subteam"),
        (("agent", "alice"), "--email", "alice@example.com", "email"),
        (("agent", "alice"), "--extension", "105", "extension"),
        (("line", "512-555-0100"), "--property", "elm", "property"),
    ],
)
def test_none_takes_away_what_was_there(
    office: Leaseline, words: tuple[str, ...], option: str, value: str, field: str
) -> None:
    noun, *name = words
    office.ok(noun, "set", *name, option, value)
    assert office.json(noun, "show", *name)[field]
    office.ok(noun, "set", *name, option, "none")
    assert not office.json(noun, "show", *name)[field]


@pytest.mark.parametrize(
    "words",
    [
        ("call", "list", "--outcome", "booked a tour"),
        ("call", "list", "--outcome", "Gave up"),
        ("call", "list", "--outcome", "gave_up"),
        ("lead", "list", "--status", "in progress"),
        ("tour", "slots", "elm", "--kind", "self-guided"),
    ],
)
def test_a_code_is_also_taken_in_the_words_that_lists_have_for_it(untouched: Leaseline, words: tuple[str, ...]) -> None:
    untouched.ok(*words)


def test_nothing_is_called_none(untouched: Leaseline) -> None:
    for noun in ("property", "subteam", "agent", "portfolio", "location"):
        rest = ("--address", "1 Elm Street", "--callback", "512-555-0100") if noun == "location" else ("--name", "x")
        assert "another short name" in untouched.refused(noun, "add", "none", *rest)


def test_files_have_names(office: Leaseline) -> None:
    for name in ("", "x" * 300):
        office.refused("lead", "export", name)
        office.refused("config", "check", name)
    office.refused("followup", "sequences", "--portfolio", "x" * 300)
    office.refused("lead", "take", "9" * 30)
