"""The voice agent's dialogue: both languages say the same things, and nothing in them is unused or unlawful."""

from __future__ import annotations

from pathlib import Path

import pytest

from asterisk_conf.prompts import wording
from crm.domain import dialogue as domain
from crm.domain import intents
from crm.words import dialogue

pytestmark = pytest.mark.unit

DOMAIN = Path(domain.__file__).parent


@pytest.mark.parametrize("language", dialogue.LANGUAGES)
def test_the_dialogues_that_come_with_the_program_are_in_order(language: str) -> None:
    assert list(domain.troubles(dialogue.shipped(language), dialogue.shipped("en"))) == []


def test_every_sentence_is_said_somewhere() -> None:
    code = "".join(path.read_text() for path in DOMAIN.glob("*.py"))
    unused = [
        name
        for name in dialogue.shipped("en").sentences
        if f'"{name}"' not in code and not name.startswith("link_offer_")
    ]
    assert unused == []


@pytest.mark.parametrize("language", dialogue.LANGUAGES)
def test_every_example_is_understood_as_its_own_intent(language: str) -> None:
    known = dialogue.shipped(language)
    missed = {
        example: [wish.intent for wish in intents.wishes(known, example)]
        for rule in known.intents
        for example in rule.examples
        if rule.pattern and rule.name not in {wish.intent for wish in intents.wishes(known, example)}
    }
    # What is not understood by its words is what a scorer is for; it must not be taken for something else.
    assert len(missed) < 20, missed


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("$1,450 a month", "fourteen hundred fifty"),
        ("March 1", "March first"),
        ("10:30 AM", "ten thirty A M"),
    ],
)
def test_values_as_sentences_write_them_can_be_spelled_out(written: str, spoken: str) -> None:
    said = wording.normalize(f"It is {written}.", "en")
    assert not any(one.isdigit() for one in said)
    assert said.split()[-1] != written


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It is on 12 Elm St. in Austin. Come by.", 2),
        ("Ask J. Smith. He knows.", 2),
        ("One.", 1),
        ("Yes! Really? Sure.", 3),
    ],
)
def test_sentences_are_counted_as_people_hear_them(text: str, sentences: int) -> None:
    assert len(domain.split_sentences(text)) == sentences
