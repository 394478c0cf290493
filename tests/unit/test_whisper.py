"""What is whispered about a caller."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_conf.prompts.wording import normalize
from crm.domain.whisper import whisper
from crm.edge import numbers

pytestmark = pytest.mark.unit


def test_a_known_lead() -> None:
    number = numbers.speak("+15125550123", "US")
    text = whisper(property_name="Elm Street Apartments", source="sign", is_known=True, name="Alice", number=number)
    assert text == ("Call for Elm Street Apartments. Source: sign. Known lead, Alice. Number: 5 1 2, 5 5 5, 0 1 2 3.")


def test_what_nobody_knows_is_left_out() -> None:
    text = whisper(property_name="", source="", is_known=False, name="", number="")
    assert text == "Call for the leasing office. New lead. The number is withheld."


@given(name=st.text(), place=st.text(), source=st.text())
def test_whatever_a_name_holds_a_short_sentence_can_be_spoken(name: str, place: str, source: str) -> None:
    text = whisper(property_name=place, source=source, is_known=True, name=name, number="5 5 5")
    assert text.isprintable()
    assert len(text) < 300
    assert not set(text) & set('<>\\/"$&|;{}[]\n\r\x00') - {"&"}
    assert normalize(text, "en")
