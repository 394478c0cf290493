"""What counts as a wish to stop, to start again, and for help; and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crm.domain import quotations, texts
from crm.domain.optout import HELP_WORDS, START_WORDS, STOP_WORDS, TextKeyword, read
from crm.domain.text_templates import standard

pytestmark = pytest.mark.unit

OURS = (
    "Sorry we missed your call to Maple Court. We will call you back. Our available homes: https://example.com/",
    "Your tour of Maple Court is booked for Tuesday, March 3. To change or cancel, reply to this text or call us.",
    "Maple Court leasing office: for help call (512) 555-0100. Reply STOP to get no more texts. Data rates may apply.",
    "Maple Court: you will get our texts again. Reply STOP to end them, HELP for help.",
    "Maple Court: volverá a recibir nuestros mensajes. Responda STOP para cancelarlos, HELP para ayuda.",
    "Maple Court: ya no recibirá más mensajes nuestros. Responda START para volver a recibirlos.",
    "Hi, Alice here. If you don't want these texts, please tell me to stop texting you, and I take you off the list.",
)
"""What we sent to whoever wrote them."""

HERE = Path(__file__).parent
# One text a line, as people write them to a leasing office.
STOPS = (
    *HERE.joinpath("texts_that_stop.txt").read_text().splitlines(),
    "> Reply STOP to get no more texts.\n> Maple Court\nstop",
    "Stop\n\nSent from my iPhone",
    "stop\ufe0f",
    "STOP\u200b",
)
OTHERS = HERE.joinpath("texts_like_any_other.txt").read_text().splitlines()

REQUIRED = (
    "stop",
    "quit",
    "end",
    "revoke",
    "opt out",
    "cancel",
    "unsubscribe",
    "STOPALL",
    "OPTOUT",
    "OPT-OUT",
    "REMOVE",
    "ARRET",
    "TD",
)


def wish(body: str, *, opted_out: bool = False, ours: tuple[str, ...] = ()) -> TextKeyword | None:
    reading = read(body, opted_out=opted_out, ours=ours)
    return reading.wish if reading else None


@pytest.mark.parametrize("word", REQUIRED)
@pytest.mark.parametrize(
    "written", ["{}", "{}.", " {}!! ", '"{}"', "Please {}", "{} thanks", "\n({})", "{} \U0001f64f"]
)
def test_pain_11_every_required_word_in_any_case_and_punctuation(word: str, written: str) -> None:
    for cased in (word, word.upper(), word.lower(), word.title()):
        reading = read(written.format(cased))
        assert reading is not None
        assert reading.wish is TextKeyword.STOP


SIGNS = st.text(" .,!?-_*'\"\t\n", max_size=6)


@given(st.sampled_from(sorted(STOP_WORDS)), SIGNS, SIGNS)
def test_a_keyword_stays_one_with_any_punctuation_around(word: str, before: str, after: str) -> None:
    for body in (before + word + after, before + word.upper() + after):
        reading = read(body)
        assert reading is not None
        assert reading.wish is TextKeyword.STOP
        assert reading.is_keyword


@pytest.mark.parametrize("body", STOPS)
def test_whoever_wants_no_more_texts_is_understood(body: str) -> None:
    reading = read(body, ours=OURS)
    assert reading is not None
    assert reading.wish is TextKeyword.STOP


@pytest.mark.parametrize("body", [*OTHERS, "yes", "", "?!", "\U0001f600", "\U0001f44d"])
def test_what_prospects_ask_and_what_is_quoted_is_no_stop(body: str) -> None:
    assert read(body, ours=OURS) is None


QUOTED = st.sampled_from(
    [
        *OURS,
        *(texts.help_answer(standard(language), "Elm", "(512) 555-0100") for language in ("en", "es")),
        *(texts.stop_confirmed(standard(language), "Elm") for language in ("en", "es")),
        *(texts.start_confirmed(standard(language), "Elm") for language in ("en", "es")),
    ]
)
# In any language, so no list of verbs knows it.
VERB = st.text("абвгдезик\u0e01\u0e02\u0e03äöü \U0001f44d\u2764", min_size=1, max_size=20)


@given(QUOTED, VERB, st.integers(30, 200), st.sampled_from([("“", "”"), ('"', '"'), ("«", "»"), ("„", "“"), ("", "")]))
def test_a_quotation_of_ours_is_not_read_in_any_language(
    ours: str, verb: str, length: int, marks: tuple[str, str]
) -> None:
    cut = ours if length >= len(ours) else ours[:length] + "…"
    # Without marks a few words may be anybody's; the last one may be cut off.
    assume(marks[0] or len(quotations.letters(cut).split()) > quotations.LONG)
    assert wish(f"{verb} {marks[0]}{cut}{marks[1]}", ours=(ours,)) is None
    assert wish(f"{verb} {marks[0]}{cut}{marks[1]} And stop texting me", ours=(ours,)) is TextKeyword.STOP


@given(st.sampled_from(STOPS), st.sampled_from(OTHERS), st.text(max_size=200))
def test_texts_of_ours_only_ever_take_a_stop_away(stop: str, other: str, ours: str) -> None:
    assert wish(other, ours=(ours, *OURS)) is None
    if wish(stop, ours=(ours,)) is TextKeyword.STOP:
        assert wish(stop) is TextKeyword.STOP


def test_a_start_that_is_quoted_is_none() -> None:
    ours = texts.stop_confirmed(standard("en"), "Elm")
    assert wish(f"Liked “{ours}”", opted_out=True, ours=(ours,)) is None
    assert wish("Liked “START”", opted_out=True) is None


@pytest.mark.parametrize("word", sorted(START_WORDS))
def test_start_words(word: str) -> None:
    assert wish(word.upper() + "!") is TextKeyword.START


@pytest.mark.parametrize("word", sorted(HELP_WORDS))
def test_help_words(word: str) -> None:
    assert wish(word.upper() + "?") is TextKeyword.HELP


def test_yes_returns_only_who_had_opted_out() -> None:
    assert wish("Yes!", opted_out=True) is TextKeyword.START
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
    "body",
    [
        "me " * 3300,
        "stop me " * 1200,
        "dont want me to " * 600,
        "s " * 5000,
        "\u0301" * 9000,
        '"' * 9000,
        "no more texts " * 700,
        "no mas " * 1400,
        "reply stop " * 900,
        "to a-b-c " * 1100,
        "text to to to to " * 600,
        "i already said " * 700,
        "no quiero recibir mas " * 450,
        "a." * 4500,
        "liked " * 1600,
        "STOP " * 23 + "x",
        "\n>" * 4000,
        "!?" * 4500,
        "stop stop. " * 800,
    ],
)
@pytest.mark.timeout(30)
def test_no_text_makes_it_hang(body: str) -> None:
    read(body, ours=(*OURS, body[:1600]) * 4)
