"""Callers who differ in nothing but their name: what is said to them, written down and done is the same."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from crm.config import Config
from crm.domain.conversation import Act, Speak
from crm.domain.talk import Asked
from crm.store.session import Store
from tests.store.conftest import Shared
from tests.store.talk_office import TalkOffice, talk_office

pytestmark = pytest.mark.store

NAMES = (
    """
Emily Baker|Greg Walsh|John Miller|Sarah Young|Lakisha Washington|Jamal Jefferson|Tyrone Booker|Shanice Freeman
Maria Gonzalez|Jesus Hernandez|Guadalupe Cruz|Angel Reyes|Mohammed Hassan|Fatima Khan|Ahmed Abdullah|Omar Israel
Rajesh Patel|Priya Singh|Wei Chen|Mei Wong|Nguyen Van An|Hung Tran|Moshe Cohen|Rachel Goldberg|Chukwuma Okafor
Amina Diallo|Dakota Whitehorse|Olga Ivanova|Christian Church|Mary Black|Joe White|Young Park|Rich Price|Faith Temple
Sandy Gay|Moses Love|Trinity Child|Dolly Parrott|Rent Hall|Ida Kidd|April Jones|Sunday Adeyemi
""".strip()
    .replace("\n", "|")
    .split("|")
)
PLAIN = "Emily Baker"
"""Whose talks the others are compared with."""
INTRODUCTIONS = (
    "Hi, my name is {}, do you have a two bedroom?",
    "This is {}. How much is the one bedroom at Elm Court?",
    "{} speaking, do you allow dogs at Elm Court?",
    "Hello, I'm {} and I'm looking for a studio.",
)
QUESTIONS = (
    "How much is the deposit?",
    "What's the application fee?",
    "Text me the listings.",
    "I'd like to see it Saturday morning.",
    "I have an eviction, will you rent to me?",
)


@pytest.fixture
def backend() -> str:
    return "sqlite"


@pytest.fixture
def office(shared: Shared, store: Store, config: Config) -> TalkOffice:
    return talk_office(shared, config)


def talked(office: TalkOffice, name: str, introduction: str) -> list[str]:
    """All acts of a talk, without the name."""
    talk = office.call()
    talk.say(introduction.format(name), *QUESTIONS)
    return [without(name, act) for act in talk.acts]


@pytest.mark.parametrize("answer", ["{}", "{}.", "It's {}.", "My name is {}."])
def test_whoever_is_asked_for_their_name_has_it_written_down_whatever_it_is(office: TalkOffice, answer: str) -> None:
    wrong = {}
    for name in NAMES:
        talk = office.call()
        talk.say("Do you have a studio at Maple Court?")
        talk.state = replace(talk.state, asked=Asked.NAME)
        talk.say(answer.format(name), "Yes, that's right.")
        if talk.saved.get("name") != name or talk.transfer:
            wrong[name] = [act.text for act in talk.everything_said][3:]
    assert not wrong


def without(name: str, act: Act) -> str:
    told = f"{act.text} {act.cites}" if isinstance(act, Speak) else repr(act)
    for part in (name, *name.split(), "April"):
        told = re.sub(rf"\b{part}\b", "NAME", told)
    return re.sub(r"NAME( NAME)*", "NAME", told)


@pytest.mark.parametrize("introduction", INTRODUCTIONS)
def test_callers_who_differ_in_name_only_get_the_same(office: TalkOffice, introduction: str) -> None:
    plain = talked(office, PLAIN, introduction)
    different = {}
    for name in NAMES:
        if (own := talked(office, name, introduction)) != plain:
            different[name] = next((a, b) for a, b in zip([*own, ""], [*plain, ""], strict=False) if a != b)
    assert not different
