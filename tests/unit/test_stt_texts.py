"""What a recognizer that has fallen into a loop said is said once."""

from __future__ import annotations

import pytest

from ari_app.voice.stt_process import without_repeats

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Yes. Yes. Yes. Yes.", "Yes."),
        ("Thank you. Thank you.", "Thank you."),
        ("I want to I want to I want to I want to rent", "I want to rent"),
        ("no no no no no", "no"),
        ("It is very very big.", "It is very very big."),
        ("five five five five one two", "five five five five one two"),
        ("5 5 5 5", "5 5 5 5"),
        ("Can I bring my dog? Can I bring my dog?", "Can I bring my dog?"),
        ("", ""),
    ],
)
def test_repeats_are_collapsed(text: str, kept: str) -> None:
    assert without_repeats(text) == kept
