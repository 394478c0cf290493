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
        ("somebody is trying to come in through my window", Danger.PERSON),
        ("there's a guy trying to force his way in through the door", Danger.PERSON),
        ("I'm trying to get into the building for a tour", None),
        ("water is squirting all over the kitchen", Danger.WATER),
        ("it smells like rotten eggs", Danger.GAS),
        ("the carbon monoxide detector is going off", Danger.GAS),
        ("my oven caught fire", Danger.FIRE),
        ("hay humo en el pasillo", Danger.FIRE),
        ("the whole basement is flooding", Danger.WATER),
        ("se rompió una tubería", Danger.WATER),
        ("he's not breathing", Danger.PERSON),
        ("I smell grass in my apartment", Danger.GAS),
        ("sparks are coming out of the outlet", Danger.FIRE),
        ("the breaker box is smoking", Danger.FIRE),
        ("a power line came down in the parking lot", Danger.FIRE),
        ("the toilet is overflowing and it won't stop", Danger.WATER),
        ("the upstairs tub is overflowing into my unit", Danger.WATER),
        ("my mom fell and she's not moving", Danger.PERSON),
        ("somebody got shot", Danger.PERSON),
        ("suena la alarma de monóxido", Danger.GAS),
        ("se está incendiando el apartamento", Danger.FIRE),
        ("huele a quemado", Danger.FIRE),
        ("se está cayendo el techo", Danger.WATER),
        ("estoy atrapado en el elevador", Danger.PERSON),
        ("are carbon monoxide detectors installed", None),
        ("tiene detector de monóxido", None),
        ("we're not moving until May", None),
        ("he got a job there so he's moving", None),
        ("is there a stove, or smoking allowed", None),
        ("is moving in on a Sunday okay", None),
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
        ("I lost my sight last year, is there an elevator", {Sensitive.ACCESS}),
        ("does your place accept housing", {Sensitive.INCOME}),
        ("how much is the housing deposit", set()),
        ("could four people live in the two bedroom", {Sensitive.FAMILIES}),
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
        ("¿los vecinos son tranquilos?", {Sensitive.PEOPLE}),
        ("is it a lot of college students", {Sensitive.PEOPLE}),
        ("has anybody been shot there", {Sensitive.SAFETY}),
        ("¿los departamentos son grandes?", set()),
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
        ("is it okay for a single mom with two kids", False),
        ("estoy embarazada, ¿hay problema?", False),
        ("are there lots of children", False),
        ("is it an adults only building", False),
    ],
)
def test_who_says_who_will_live_with_them_asks_nothing_of_it(said: str, is_statement: bool) -> None:
    assert watched(said).states_family is is_statement


@pytest.mark.parametrize(
    "said",
    [
        "stop testing me",
        "please stop text in me",
        "I'm getting too many texts, can you stop that",
        "I never signed up for these texts",
        "I don't want to hear from you anymore",
        "can you switch those texts off",
        "these messages every day, I'd like them to end",
        "don't send me anything else",
        "stop sending us stuff again and again",
        "¿cómo hago para que ya no me lleguen mensajes?",
        "me están llegando muchos mensajes, ya párenle",
    ],
)
def test_wishes_to_stop_as_they_are_spoken_and_misheard(said: str) -> None:
    assert watched(said).opt_out


@pytest.mark.parametrize(
    "said",
    [
        "no me llegó el mensaje",
        "I never got the text",
        "I signed up for a tour by text",
        "don't send me anything yet",
        "can you send me anything else you have",
    ],
)
def test_who_waits_for_a_text_does_not_want_them_stopped(said: str) -> None:
    assert not watched(said).opt_out


def test_what_is_left_without_sensitive_words() -> None:
    assert watched("What kind of people live there, and what's the rent?").rest == "live there and whats the rent"
