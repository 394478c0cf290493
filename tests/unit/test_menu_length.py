"""How long callers listen until they know their key, measured in the sound itself."""

from __future__ import annotations

import wave
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from asterisk_conf.prompts import speech
from crm.domain.choosing import KeyedAnswer, Question, Say
from crm.domain.menu import MenuDialogue
from crm.domain.routing import (
    RESIDENTS,
    CallerFacts,
    CallerKind,
    DeskKind,
    DeskRoute,
    PropertyFacts,
    RoutingInputs,
    Rules,
    decide,
)

pytestmark = pytest.mark.unit

LANGUAGES = ("en", "es")
LONGEST_MENU = 15.0
OFFICE = RoutingInputs(
    now=datetime(2026, 3, 2, 16, tzinfo=UTC),
    line_known=True,
    property=PropertyFacts("maple", "Maple Court", has_tours=True),
    caller=CallerFacts(number="+15125550199"),
    desks={kind: DeskRoute(("alice",)) for kind in DeskKind},
    rules=Rules(languages=LANGUAGES),
)


@pytest.fixture(scope="module")
def seconds(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], float]:
    """The length of each prompt, by language and name."""
    folder = tmp_path_factory.mktemp("prompts")
    found = {}
    for language in LANGUAGES:
        for name, text in speech.sentences(language).items():
            if name == "welcome" or name.startswith(("menu", "who_", "urgent_")):
                path = folder / f"{language}-{name}.wav"
                speech.synthesize(text, language, path)
                with wave.open(str(path)) as sound:
                    found[language, name] = sound.getnframes() / sound.getframerate()
    return found


def heard(inputs: RoutingInputs) -> tuple[Say, ...]:
    plan = decide(inputs)
    assert plan.ask
    dialogue = MenuDialogue(2, greets=not inputs.answers)
    dialogue.put(plan.ask)
    return dialogue.says()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_whole_menu_of_an_office_with_tours_and_desks_takes_less_than_15_seconds(
    seconds: dict[tuple[str, str], float], language: str
) -> None:
    says = heard(replace(OFFICE, language=language))
    assert [say.prompt for say in says] == ["welcome", "menu_language", "menu", "menu_tour", "menu_residents"]
    assert says[1].language not in ("", language)
    assert sum(seconds[say.language or language, say.prompt] for say in says) < LONGEST_MENU


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_behind_the_key_for_anything_else_takes_less_than_15_seconds(
    seconds: dict[tuple[str, str], float], language: str
) -> None:
    says = heard(replace(OFFICE, language=language, answers=(KeyedAnswer(Question.MENU, RESIDENTS),)))
    assert [say.prompt for say in says] == ["who_resident", "who_owner", "who_vendor", "menu_concern"]
    assert sum(seconds[language, say.prompt] for say in says) < LONGEST_MENU


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_resident_knows_the_key_for_emergencies_within_15_seconds(
    seconds: dict[tuple[str, str], float], language: str
) -> None:
    resident = replace(OFFICE, language=language, caller=CallerFacts(kind=CallerKind.RESIDENT))
    says = heard(resident)
    assert [say.prompt for say in says][:3] == ["welcome", "menu_language", "urgent_maintenance"]
    assert sum(seconds[say.language or language, say.prompt] for say in says[:3]) < LONGEST_MENU


def test_on_a_spanish_line_english_is_offered_without_any_setting(seconds: dict[tuple[str, str], float]) -> None:
    says = heard(replace(OFFICE, language="es", rules=Rules()))
    assert says[1] == Say("menu_language", language="en")
    # It is heard before anything that only some understand.
    assert seconds["es", "welcome"] + seconds["en", "menu_language"] < 6


def test_the_language_is_offered_before_which_property_was_reached() -> None:
    dialogue = MenuDialogue(2)
    ask = decide(OFFICE).ask
    assert ask
    dialogue.put(ask, (Say("reached", "Maple Court"),))
    assert [say.prompt for say in dialogue.says()][:4] == ["welcome", "menu_language", "reached", "menu"]
