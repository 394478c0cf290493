"""Sentences agree with the numbers in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm.config import Config
from crm.context import utc_now
from crm.domain.counting import Count, counted
from crm.web.console.looks import ConsoleLooks
from crm.words.console import inbox

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 calls"), (1, "1 call"), (2, "2 calls"), (-1, "-1 calls"), (1200, "1,200 calls")]
)
def test_what_is_counted_agrees(count: int, said: str) -> None:
    assert counted(count, "call") == said
    assert "{n:,} {n:call|calls}".format(n=Count(count)) == said


def test_words_without_an_s() -> None:
    assert counted(1, "delivery", "deliveries") == "1 delivery"
    assert counted(2, "delivery", "deliveries") == "2 deliveries"


def test_the_console_s_words_agree_in_each_language() -> None:
    said = []
    for language in ("en", "es"):
        looks = ConsoleLooks(Config(Path("/nowhere")), language, utc_now)
        said += [looks.say(inbox.WORDS, "segments", n=n, units=n, encoding="GSM-7") for n in (1, 2)]
    assert said == [
        "1 segment, 1 character (GSM-7)",
        "2 segments, 2 characters (GSM-7)",
        "1 segmento, 1 carácter (GSM-7)",
        "2 segmentos, 2 caracteres (GSM-7)",
    ]
