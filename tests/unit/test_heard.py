"""What is understood from what callers say."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.heard import CardField, NamedProperty, Phrase, in_words, understood

pytestmark = pytest.mark.unit

TODAY = date(2026, 3, 2)
PROPERTIES = [
    NamedProperty("elm", ("Elm Street Apartments", "elm")),
    NamedProperty("oak-court", ("Oak Court", "oak court")),
]


def fields(text: str, today: date = TODAY) -> dict[str, str]:
    found = understood([Phrase(text, 0, 10)], PROPERTIES, today)
    return {one.field.value: one.value for one in found}


def test_a_whole_message() -> None:
    text = (
        "Hi, this is Ann Carter. I'm looking for a two bedroom apartment at Elm Street Apartments, moving in on"
        " May first, for under $1,500. I have a small dog. My number is 512-555-0147."
    )
    assert fields(text) == {
        "name": "Ann Carter",
        "number": "5125550147",
        "property": "elm",
        "bedrooms": "2",
        "move_in": "2026-05-01",
        "budget": "1500",
        "pets": "dog",
    }


def test_a_whole_message_in_spanish() -> None:
    text = (
        "Hola, me llamo María López. Busco un apartamento de dos recámaras en Oak Court para el primero de mayo,"
        " hasta 1500 dólares. Tengo un perro y dos gatos."
    )
    assert fields(text) == {
        "name": "María López",
        "property": "oak-court",
        "bedrooms": "2",
        "move_in": "2026-05-01",
        "budget": "1500",
        "pets": "dog, 2 cats",
    }


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        ("call 5 1 2, 5 5 5, 0 1 4 7", "5125550147"),
        ("five one two, five double five, oh one four seven", "5125550147"),
        ("cinco uno dos cinco cinco cinco cero uno cuatro siete", "5125550147"),
        ("1-512-555-0147", "15125550147"),
        ("555-0147", "5550147"),
    ],
)
def test_a_number_in_any_way_of_saying_it(said: str, digits: str) -> None:
    assert fields(f"My number is {said}.")["number"] == digits


@pytest.mark.parametrize("said", ["I have 2 dogs and 3 kids, apartment 12.", "in 2026, the 1500", "50 100 200 400 5"])
def test_other_figures_are_no_number_to_call(said: str) -> None:
    assert "number" not in fields(said)


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("the fifteenth of July", "2026-07-15"),
        ("on June twenty-third", "2026-06-23"),
        ("May 3rd", "2026-05-03"),
        ("sometime in January", "2027-01-01"),
        ("in March", "2026-03-01"),
        ("next month", "2026-04-01"),
        ("in two weeks", "2026-03-16"),
        ("as soon as possible", "2026-03-02"),
        ("el 15 de abril", "2026-04-15"),
    ],
)
def test_when_they_want_to_move_in(said: str, day: str) -> None:
    assert fields(f"I want to move in {said}.")["move_in"] == day


@pytest.mark.parametrize(
    "said",
    ["Can I take a tour on May third?", "May I ask about the pool?", "Call me back on March 5th.", "February 30"],
)
def test_other_days_are_no_day_to_move_in(said: str) -> None:
    assert "move_in" not in fields(said)


@pytest.mark.parametrize(
    ("said", "dollars"),
    [
        ("My budget is fifteen hundred.", "1500"),
        ("up to twenty two hundred dollars", "2200"),
        ("two thousand at most", "2000"),
        ("I can afford 1350 a month", "1350"),
        ("something below $1,800.00", "1800"),
    ],
)
def test_what_they_can_pay(said: str, dollars: str) -> None:
    assert fields(said)["budget"] == dollars


@pytest.mark.parametrize("said", ["nine hundred square feet", "a $50 fee", "in a hundred years", "$90,000 a year"])
def test_other_amounts_are_no_budget(said: str) -> None:
    assert "budget" not in fields(said)


def test_an_assistance_animal_is_no_pet() -> None:
    assert "pets" not in fields("I have a service dog, and an emotional support cat.")
    assert fields("No pets, it's just me.")["pets"] == "none"


@pytest.mark.parametrize("said", ["I'm looking for a home.", "This is about the sign.", "It's May."])
def test_what_is_no_name(said: str) -> None:
    assert "name" not in fields(said)


def test_people_correct_themselves() -> None:
    found = fields("I need one bedroom, sorry, two bedrooms. In May, no, in June. This is Ann. Oh, this is Bob's mail.")
    assert (found["bedrooms"], found["move_in"], found["name"]) == ("2", "2026-06-01", "Ann")


def test_a_name_that_was_misheard_a_little_is_found() -> None:
    assert fields("I saw the sign at Elmstreet.")["property"] == "elm"
    assert fields("I saw the sign at Oak Courts.")["property"] == "oak-court"
    assert "property" not in fields("I live on Oakland Avenue.")


def test_words_come_with_their_second() -> None:
    found = understood([Phrase("Hello there.", 0.5, 1.5), Phrase("I have a cat.", 4.0, 6.0)], [], TODAY)
    [(field, words, second)] = [(one.field, one.words, one.second) for one in found]
    assert (field, words) == (CardField.PETS, "a cat")
    assert 4 <= second <= 6


def test_it_is_said_in_a_line() -> None:
    found = understood([Phrase("Ann here. I'm Ann. A studio from May 1st, two cats.", 0, 5)], [], TODAY)
    assert in_words(found) == "Ann, a studio, from 2026-05-01, 2 cats"
    assert in_words([]) == ""


@given(st.text(max_size=400), st.dates(date(2020, 1, 1), date(2100, 1, 1)))
def test_whatever_is_heard_something_sound_comes_out(text: str, today: date) -> None:
    for one in understood([Phrase(text, 0.0, 9.0)], PROPERTIES, today):
        assert one.value
        assert one.words in text.strip()
        if one.field is CardField.MOVE_IN:
            assert date.fromisoformat(one.value) >= today.replace(day=1)


def test_a_day_that_no_month_has_was_misheard() -> None:
    found = understood([Phrase("I'd move in on the 50th of next month", 0, 3)], (), date(2026, 3, 2))
    assert [one.value for one in found if one.field is CardField.MOVE_IN] == ["2026-04-15"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("I'm Mexican, would that be a problem?", None),
        ("I'm Deaf, can I text instead?", None),
        ("Soy Mexicana, me rentan?", None),
        ("It's Section 8, is that okay?", None),
        ("This is Social Security income.", None),
        ("I'm Puerto Rican, is that okay?", None),
        ("It's Saturday that I'd like to come", None),
        ("It's April First.", None),
        ("I'm Sandy Gay and I want a studio", "Sandy Gay"),
        ("This is April Jones.", "April Jones"),
        ("My name is Nguyen Van An.", "Nguyen Van An"),
        ("Christian Church speaking, do you have a studio?", "Christian Church"),
    ],
)
def test_what_people_say_they_are_is_not_their_name_and_a_name_may_be_any_word(text: str, name: str | None) -> None:
    assert fields(text).get("name") == name
