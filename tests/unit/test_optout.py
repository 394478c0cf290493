"""What counts as a wish to stop, to start again, and for help; and what does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.optout import HELP_WORDS, START_WORDS, STOP_WORDS, Wish, read

pytestmark = pytest.mark.unit

REQUIRED = (
    "stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe",
    "STOPALL", "OPTOUT", "OPT-OUT", "REMOVE", "ARRET", "TD",
)  # fmt: skip


def wish(body: str, *, opted_out: bool = False) -> Wish | None:
    reading = read(body, opted_out=opted_out)
    return reading.wish if reading else None


@pytest.mark.parametrize("word", REQUIRED)
@pytest.mark.parametrize(
    "written", ["{}", "{}.", " {}!! ", '"{}"', "Please {}", "{} thanks", "\n({})", "{} \U0001f64f"]
)
def test_pain_11_every_required_word_in_any_case_and_punctuation(word: str, written: str) -> None:
    for cased in (word, word.upper(), word.lower(), word.title()):
        reading = read(written.format(cased))
        assert reading is not None
        assert reading.wish is Wish.STOP


SIGNS = st.text(" .,!?-_*'\"\t\n", max_size=6)


@given(st.sampled_from(sorted(STOP_WORDS)), SIGNS, SIGNS)
def test_a_keyword_stays_one_with_any_punctuation_around(word: str, before: str, after: str) -> None:
    for body in (before + word + after, before + word.upper() + after):
        reading = read(body)
        assert reading is not None
        assert reading.wish is Wish.STOP
        assert reading.is_keyword


@pytest.mark.parametrize(
    "body",
    [
        "please stop texting me",
        "Stop sending me these messages!",
        "STOP. I found a place",
        "stop, not interested",
        "Stop - wrong number",
        "No more texts please",
        "don't text me again",
        "Do not contact me anymore.",
        "don’t message this number",
        "don't send me any more texts",
        "I don't want these messages",
        "I no longer wish to receive texts from you",
        "take me off your list",
        "Please remove my number from your system",
        "remove my number",
        "I want to unsubscribe",
        "How do I opt out?",
        "opt me out of these texts",
        "I revoke my consent",
        "leave me alone",
        "cancel all texts",
        "please end these notifications",
        "why won't you stop texting me",
        "I can't unsubscribe!",
        "Stop calling me",
        "Found a place, thanks. Please quit texting me.",
        "S T O P",
        "ＳＴＯＰ",
        "Arrêt",
        "no me escriba mas",
        "Deje de enviar mensajes",
    ],
)
def test_in_a_sentence_too(body: str) -> None:
    assert wish(body) is Wish.STOP


@pytest.mark.parametrize(
    "body",
    [
        "is there a bus stop nearby?",
        "Is there a bus stop? text me",
        "is it near the bus stop text me",
        "I'd like to stop by tomorrow",
        "Can we stop by and see it? Call me",
        "the end of the month",
        "My lease will end in May, text me the price",
        "cancel my tour",
        "Please cancel the call at 3",
        "Don't call me, text me",
        "stop calling, please text me instead",
        "remove the pet fee?",
        "can you take me off the waiting list",
        "I'd like to opt out of renters insurance",
        "don't send me the lease yet",
        "please don't stop texting me",
        "I do not want to unsubscribe",
        "can I quit the lease early?",
        "do you remove snow",
        "yes",
        "helpful info, thanks",
        "I need help with my application",
        "when does it start",
        "",
        "?!",
        "\U0001f600",
    ],
)
def test_questions_of_a_prospect_are_none(body: str) -> None:
    assert wish(body) is None


@pytest.mark.parametrize("word", sorted(START_WORDS))
def test_start_words(word: str) -> None:
    assert wish(word.upper() + "!") is Wish.START


@pytest.mark.parametrize("word", sorted(HELP_WORDS))
def test_help_words(word: str) -> None:
    assert wish(word.upper() + "?") is Wish.HELP


def test_yes_returns_only_who_had_opted_out() -> None:
    assert wish("Yes!", opted_out=True) is Wish.START
    assert wish("Yes!") is None
    assert wish("yes, 3 pm works", opted_out=True) is None


def test_a_sentence_is_told_from_a_keyword_for_somebody_to_look_at() -> None:
    keyword, sentence = read("Stop!"), read("stop texting me, I signed elsewhere")
    assert keyword is not None
    assert keyword.is_keyword
    assert sentence is not None
    assert not sentence.is_keyword
    assert sentence.words == "stop texting me" or "stop texting" in sentence.words


@given(st.text(max_size=300))
def test_no_text_breaks_it(body: str) -> None:
    read(body)
    read(body, opted_out=True)


@pytest.mark.parametrize(
    "body", ["me " * 3300, "stop me " * 1200, "dont want me to " * 600, "s " * 5000, "\u0301" * 9000]
)
@pytest.mark.timeout(30)
def test_no_text_makes_it_hang(body: str) -> None:
    read(body)
