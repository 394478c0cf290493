"""What is noticed before anything else a caller says, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm.domain import guards
from crm.domain.dialogue import folded
from crm.domain.guards import Danger, Sensitive, Sentry

pytestmark = pytest.mark.unit

STOPS = Path(__file__).with_name("texts_that_stop.txt")
OTHERS = Path(__file__).with_name("texts_like_any_other.txt")


def watched(said: str) -> Sentry:
    return guards.watch(said, folded(said))


def lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def test_every_text_that_asks_to_stop_does_so_when_it_is_said() -> None:
    assert [line for line in lines(STOPS) if not watched(line).opt_out] == []


def test_texts_like_any_other_are_no_emergency() -> None:
    assert len(lines(OTHERS)) > 300
    assert [line for line in lines(OTHERS) if watched(line).emergency] == []


@pytest.mark.parametrize(
    ("said", "danger"),
    [
        ("I smell guess", Danger.GAS),
        ("it smells like rotten eggs", Danger.GAS),
        ("the carbon monoxide detector is going off", Danger.GAS),
        ("my oven caught fire", Danger.FIRE),
        ("hay humo en el pasillo", Danger.FIRE),
        ("the whole basement is flooding", Danger.WATER),
        ("se rompió una tubería", Danger.WATER),
        ("he's not breathing", Danger.PERSON),
        ("do you have a fire pit", None),
        ("is the gas bill included", None),
        ("is it in a flood zone", None),
        ("are there fire extinguishers", None),
        ("there's a fireplace right", None),
        ("the emergency contact is my mother", None),
        ("I guess a two bedroom", None),
    ],
)
def test_emergencies(said: str, danger: Danger | None) -> None:
    assert watched(said).emergency is danger


@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        ("do you take section eight", {Sensitive.INCOME}),
        ("I have an emotional support dog", {Sensitive.ANIMALS}),
        ("is it wheelchair accessible", {Sensitive.ACCESS}),
        ("what kind of people live there", {Sensitive.PEOPLE}),
        ("is it a Christian community", {Sensitive.NEUTRAL}),
        ("how are the schools", {Sensitive.SCHOOLS}),
        ("is it safe at night", {Sensitive.SAFETY}),
        ("do you allow kids", {Sensitive.FAMILIES}),
        ("do you have a two bedroom", set()),
        ("is there a family room", set()),
        ("does it have white cabinets", set()),
        ("can I bring my dog", set()),
        ("does it have blinds", set()),
    ],
)
def test_what_fair_housing_touches(said: str, kinds: set[Sensitive]) -> None:
    assert set(watched(said).sensitive) == kinds


@pytest.mark.parametrize(
    ("said", "is_statement"),
    [
        ("we're expecting a baby and need a two bedroom", True),
        ("it's me and my two kids", True),
        ("are kids allowed", False),
        ("are there lots of children", False),
        ("is it an adults only building", False),
    ],
)
def test_who_says_who_will_live_with_them_asks_nothing_of_it(said: str, is_statement: bool) -> None:
    assert watched(said).states_family is is_statement
