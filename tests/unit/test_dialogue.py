"""The voice agent's dialogue: both languages say the same things, and nothing in them is unused or unlawful."""

from __future__ import annotations

from pathlib import Path

import pytest

from asterisk_conf.prompts import wording
from crm.domain import dialogue as domain
from crm.domain import intents
from crm.services.talks import minds
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
    known, scorer = dialogue.shipped(language), minds.shipped().scorer
    examples = [(rule.name, example) for rule in known.intents for example in rule.examples]
    missed = {
        example: found
        for name, example in examples
        if name not in (found := [wish.intent for wish in intents.wishes(known, example, scorer)])
    }
    # Some mean two things, such as "did my credit check come back".
    assert len(missed) < 0.04 * len(examples), missed


def test_an_offices_own_examples_are_added_to_those_that_come_with_the_program(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text('[intents.parking]\nexamples = ["may I leave my buggy there"]\n')
    changed, shipped = dialogue.load(tmp_path)["en"].by_name["parking"], dialogue.shipped("en").by_name["parking"]
    assert changed.examples == ("may I leave my buggy there", *shipped.examples)
    assert changed.pattern == shipped.pattern


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
