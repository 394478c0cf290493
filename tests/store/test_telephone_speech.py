"""Voicemail as a telephone carries it, through the real transcriber with a real model.

The model comes with `script/setup voice-demo`; where it is not there, tests/conftest.py leaves this file out.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from asterisk_conf.prompts import speech
from crm.domain.heard import NamedProperty, Phrase, understood
from crm.edge.whisper import Transcriber
from tests.speech_models import WHISPER_BASE, as_on_the_telephone

pytestmark = pytest.mark.store

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
NAMES = "Elm Street Apartments, Oak Court, Maple Leasing, Alice, Bob"
PROPERTIES = [NamedProperty("elm", ("Elm Street Apartments",)), NamedProperty("oak", ("Oak Court",))]


async def test_what_a_voicemail_says_is_understood_from_its_sound(tmp_path: Path) -> None:
    said = (
        "Hello, my name is Robert Miller. I am looking for a two bedroom apartment at Elm Street Apartments. I would"
        " like to move in on May first. My budget is fifteen hundred dollars, and I have a dog. Please call me back."
    )
    sound = tmp_path / "message.wav"
    speech.synthesize(said, "en", sound)
    as_on_the_telephone(sound)
    transcriber = Transcriber(WHISPER_BASE, threads=2)
    try:
        heard = await transcriber.transcribe(sound, 300, NAMES)
    finally:
        await transcriber.stop()
    text = " ".join(phrase.text for phrase in heard)
    # With the detector as the library has it, half of the words are gone.
    words = set(re.findall(r"[a-z]+", text.lower()))
    wanted = set(re.findall(r"[a-z]+", said.lower())) - {"two", "first", "fifteen", "hundred", "dollars", "i", "a"}
    assert len(wanted - words) <= 2, text
    found = understood([Phrase(one.text, one.start, one.end) for one in heard], PROPERTIES, date(2026, 3, 2))
    assert {one.field.value: one.value for one in found} == {
        "name": "Robert Miller",
        "property": "elm",
        "bedrooms": "2",
        "move_in": "2026-05-01",
        "budget": "1500",
        "pets": "dog",
    }
    seconds = [one.second for one in sorted(found, key=lambda one: one.second)]
    assert seconds[0] < 5 < seconds[-1] < 25
