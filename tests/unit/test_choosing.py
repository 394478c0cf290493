"""Which property a caller means."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.choosing import (
    LIST_LENGTH,
    Answers,
    KeyedAnswer,
    KeyPrompt,
    Names,
    PropertyChoice,
    PropertyName,
    Question,
    Say,
    choose,
)

pytestmark = pytest.mark.unit

ELM, OAK, PINE = (PropertyName(name.lower(), name) for name in ("Elm", "Oak", "Pine"))
FEW = Names([PINE, ELM, OAK])
TREES = ("Alder", "Ash", "Beech", "Birch", "Cedar", "Cherry", "Elm", "Fir", "Hazel", "Linden", "Maple", "Oak")
MANY = Names(PropertyName(name.lower(), f"{name} Court") for name in TREES)
MOST_QUESTIONS = 5
"""The same property again, area, letters twice, and the list."""


def keyed(*answers: tuple[Question, str]) -> Answers:
    return tuple(KeyedAnswer(question, keys) for question, keys in answers)


def asked(choice: PropertyChoice) -> KeyPrompt:
    assert choice.ask, choice.why
    return choice.ask


def test_a_short_list_has_a_key_for_each_and_zero_for_none() -> None:
    ask = asked(choose(FEW, None, ()))
    assert ask.question is Question.PROPERTY
    assert ask.says == (
        Say("property_choice", "Elm", "1"),
        Say("property_choice", "Oak", "2"),
        Say("property_choice", "Pine", "3"),
        Say("none_of_these"),
    )
    assert ask.keys == ("1", "2", "3", "0")
    assert choose(FEW, None, keyed((Question.PROPERTY, "2"))).slug == "oak"


@pytest.mark.parametrize("keys", ["", "0", "4", "9", "*", "12", "²"])
def test_who_names_none_is_unsure(keys: str) -> None:
    choice = choose(FEW, None, keyed((Question.PROPERTY, keys)))
    assert (choice.slug, choice.ask) == (None, None)


def test_one_property_is_not_asked_about_and_none_is_unsure() -> None:
    assert choose(Names([ELM]), None, ()).slug == "elm"
    assert (choose(Names([]), None, ()).slug, choose(Names([]), None, ()).ask) == (None, None)


def test_the_latest_interest_comes_first() -> None:
    ask = asked(choose(FEW, "oak", ()))
    assert (ask.question, ask.says[0], ask.keys) == (Question.SAME, Say("same_property", "Oak"), ("1", "2"))
    assert choose(FEW, "oak", keyed((Question.SAME, "1"))).slug == "oak"


@pytest.mark.parametrize("keys", ["2", ""])
def test_another_than_the_latest_is_chosen_from_the_list(keys: str) -> None:
    assert asked(choose(FEW, "oak", keyed((Question.SAME, keys)))).question is Question.PROPERTY


def test_an_interest_in_a_property_of_another_portfolio_is_not_offered() -> None:
    assert asked(choose(FEW, "lakeside", ())).question is Question.PROPERTY


def test_more_than_eight_begin_with_areas() -> None:
    areas = ("South", "North")
    places = Names(PropertyName(one.slug, one.name, areas[n % 2]) for n, one in enumerate(MANY.listed))
    ask = asked(choose(places, None, ()))
    assert ask.question is Question.AREA
    assert ask.says == (Say("area_choice", "North", "1"), Say("area_choice", "South", "2"), Say("none_of_these"))
    of_north = asked(choose(places, None, keyed((Question.AREA, "1"))))
    assert [say.name for say in of_north.says[:-1]] == [f"{name} Court" for name in TREES[1::2]]
    assert choose(places, None, keyed((Question.AREA, "1"), (Question.PROPERTY, "6"))).slug == "oak"
    assert choose(places, None, keyed((Question.AREA, "0"))).ask is None


@pytest.mark.parametrize("areas", [("", "North"), tuple("ABCDEFGHIJKL"), ("North",)])
def test_areas_that_do_not_help_are_left_out(areas: tuple[str, ...]) -> None:
    places = Names(PropertyName(one.slug, one.name, areas[n % len(areas)]) for n, one in enumerate(MANY.listed))
    assert asked(choose(places, None, ())).question is Question.LETTERS


def test_letters_on_the_keypad_make_the_list_short() -> None:
    ask = asked(choose(MANY, None, ()))
    assert (ask.question, ask.says) == (Question.LETTERS, (Say("letters"),))
    assert ask.takes("2")
    assert ask.takes("253")
    assert not ask.takes("")
    found_two = asked(choose(MANY, None, keyed((Question.LETTERS, "23"))))
    assert [say.name for say in found_two.says] == ["Beech Court", "Cedar Court", ""]
    found = choose(MANY, None, keyed((Question.LETTERS, "23"), (Question.PROPERTY, "2")))
    assert found.slug == "cedar"


def test_letters_that_fit_too_many_are_asked_for_once_more_and_then_the_first_eight_are_told() -> None:
    more = asked(choose(MANY, None, keyed((Question.LETTERS, "26"))))
    assert more.says == (Say("more_letters"), Say("letters")), "they all are courts"
    told = asked(choose(MANY, None, keyed((Question.LETTERS, "26"), (Question.LETTERS, "268"))))
    assert [say.name for say in told.says] == [*(f"{name} Court" for name in TREES[:LIST_LENGTH]), ""]


def test_letters_that_fit_none_are_asked_for_once_more_and_then_the_caller_is_unsure() -> None:
    again = asked(choose(MANY, None, keyed((Question.LETTERS, "999"))))
    assert again.says == (Say("no_such_letters"), Say("letters"))
    for second in ("999", ""):
        choice = choose(MANY, None, keyed((Question.LETTERS, "999"), (Question.LETTERS, second)))
        assert (choice.slug, choice.ask) == (None, None)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("Elm Street", "356"),
        ("Elm Street", "787"),
        ("Élan", "352"),
        ("The 12 Oaks", "12"),
        ("O'Hara", "64"),
        ("St. Mary", "786"),
        ("Elm Street", "3567"),
    ],
)
def test_any_word_of_a_name_can_be_keyed(name: str, keys: str) -> None:
    assert [one.name for one in Names([PropertyName("a", name), PINE]).beginning_with(keys)] == [name]


@pytest.mark.parametrize(("name", "keys"), [("Elm Street", "563"), ("Elm Street", ""), ("Elm", "*"), ("★", "2")])
def test_what_begins_otherwise_is_not_found(name: str, keys: str) -> None:
    assert not Names([PropertyName("a", name)]).beginning_with(keys)


NAMES = st.lists(
    st.builds(PropertyName, st.text("abc-", min_size=1, max_size=4), st.text(max_size=12), st.text("xyz ", max_size=2)),
    max_size=30,
    unique_by=lambda one: one.slug,
)
KEYS = st.one_of(st.text("0123456789*#", max_size=7), st.text(max_size=3))


@given(names=NAMES, latest=st.none() | st.text("abc-", max_size=4), said=st.lists(KEYS, min_size=MOST_QUESTIONS))
def test_whatever_is_keyed_the_questions_end_and_only_a_listed_property_is_chosen(
    names: list[PropertyName], latest: str | None, said: list[str]
) -> None:
    known = Names(names)
    answers: Answers = ()
    questions: list[Question] = []
    for keys in said:
        choice = choose(known, latest, answers)
        if choice.ask is None:
            break
        questions.append(choice.ask.question)
        assert choice.slug is None
        assert choice.ask.says
        assert questions.count(choice.ask.question) <= (2 if choice.ask.question is Question.LETTERS else 1)
        answers = (*answers, KeyedAnswer(choice.ask.question, keys))
    choice = choose(known, latest, answers)
    assert choice.ask is None
    assert len(questions) <= MOST_QUESTIONS
    assert choice.slug is None or choice.slug in {one.slug for one in names}
    assert choice.why


@given(
    names=NAMES,
    latest=st.none() | st.text("abc-", max_size=4),
    answers=st.lists(st.builds(KeyedAnswer, st.sampled_from(Question), KEYS), max_size=8),
)
def test_answers_to_questions_that_nobody_asked_do_no_harm(
    names: list[PropertyName], latest: str | None, answers: list[KeyedAnswer]
) -> None:
    choice = choose(Names(names), latest, tuple(answers))
    assert choice.slug is None or choice.slug in {one.slug for one in names}
    assert choice.ask is None or all(choice.ask.takes(key) for key in choice.ask.keys)


@given(names=NAMES.filter(lambda names: len(names) > 1), data=st.data())
def test_every_property_of_a_short_list_can_be_reached(names: list[PropertyName], data: st.DataObject) -> None:
    names = names[:LIST_LENGTH]
    wanted = data.draw(st.sampled_from(sorted(names, key=lambda one: one.slug)))
    ask = asked(choose(Names(names), None, ()))
    in_order = sorted(names, key=lambda one: (one.name.casefold(), one.slug))
    key = ask.keys[in_order.index(wanted)]
    assert choose(Names(names), None, keyed((Question.PROPERTY, key))).slug == wanted.slug


def test_what_was_chosen_stays_so_when_the_list_changes_during_the_call() -> None:
    given = (asked(choose(FEW, None, ())).answer("2"),)
    assert given == (KeyedAnswer(Question.PROPERTY, "2", "oak"),)
    ash = PropertyName("ash", "Ash")
    assert choose(Names([ash, *FEW.listed]), None, given).slug == "oak"
    longer = Names([*MANY.listed, *FEW.listed])
    assert choose(longer, None, given).slug == "oak", "the list has become too long to be read"
    assert choose(FEW, "pine", given).slug == "oak", "meanwhile their interest in another one is known"
    again = asked(choose(Names([ash, ELM, PINE]), None, given))
    assert again.question is Question.PROPERTY, "it is gone, so the caller chooses anew"
    assert choose(Names([ash, ELM, PINE]), None, (*given, again.answer("2"))).slug == "elm"


def test_an_area_and_the_latest_interest_mean_what_they_meant_when_the_key_was_pressed() -> None:
    areas = ("North, by the lake", "East")
    names = [replace(one, area=areas[number % 2]) for number, one in enumerate(MANY.listed)]
    given = (asked(choose(Names(names), None, ())).answer("2"),)
    assert given == (KeyedAnswer(Question.AREA, "2", "North, by the lake"),)
    named = {say.name for say in asked(choose(Names([*names, PropertyName("x", "X", "Center")]), None, given)).says}
    assert named == {one.name for one in names if one.area != "East"} | {""}
    renamed = Names(replace(one, area=f"{one.area}s") for one in names)
    assert asked(choose(renamed, None, given)).question is Question.AREA

    same = (asked(choose(FEW, "oak", ())).answer("1"),)
    assert choose(FEW, "elm", same).slug == "oak"
    assert choose(FEW, None, same).slug == "oak"
    assert asked(choose(Names([ELM, PINE]), None, same)).question is Question.PROPERTY


def test_keys_without_a_meaning_count_by_their_place() -> None:
    ask = asked(choose(FEW, None, ()))
    assert [ask.answer(keys) for keys in ("0", "")] == list(keyed((Question.PROPERTY, "0"), (Question.PROPERTY, "")))
    assert choose(FEW, None, keyed((Question.PROPERTY, "3"))).slug == "pine"
