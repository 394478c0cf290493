"""When a caller begins and has finished, from made-up probabilities; each pain that users of voice agents tell of."""

from __future__ import annotations

import pytest

from ari_app.voice.endings import ending_of
from ari_app.voice.turns import WINDOW_SECONDS, Cue, Ending, Turns

pytestmark = pytest.mark.unit

SPEECH, SILENCE = 0.95, 0.03


def windows(seconds: float) -> int:
    return round(seconds / WINDOW_SECONDS)


def play(
    turns: Turns, *stretches: tuple[float, float], agent_speaks: bool = False, ending: Ending | None = None
) -> list[tuple[float, Cue]]:
    """What follows from stretches of (probability, seconds), with the time of each; guesses end as `ending`, which is
    known at once; None: never."""
    told, at = [], 0.0
    for probability, seconds in stretches:
        for _ in range(windows(seconds)):
            at += WINDOW_SECONDS
            cue = turns.step(probability, agent_speaks=agent_speaks)
            if cue is not Cue.NOTHING:
                told.append((round(at, 3), cue))
            if cue is Cue.GUESS and ending and (more := turns.guessed(turns.guess, ending)) is not Cue.NOTHING:
                told.append((round(at, 3), more))
    return told


def cues(told: list[tuple[float, Cue]]) -> list[Cue]:
    return [cue for _, cue in told]


@pytest.mark.parametrize(
    ("ending", "seconds"), [(Ending.COMPLETE, 0.32), (Ending.OPEN, 0.8), (Ending.DIGITS, 1.5), (Ending.NO_WORDS, 0.32)]
)
def test_how_a_sentence_ends_says_how_long_to_wait(ending: Ending, seconds: float) -> None:
    told = play(Turns(), (SILENCE, 0.5), (SPEECH, 1.0), (SILENCE, 3.0), ending=ending)
    assert cues(told) == [Cue.BEGAN, Cue.GUESS, Cue.ENDED]
    spoken_until = WINDOW_SECONDS * (windows(0.5) + windows(1.0))
    (_, _), (guessed, _), (ended, _) = told
    assert guessed - spoken_until == pytest.approx(0.16, abs=0.001)
    assert seconds - 0.001 <= ended - spoken_until < seconds + WINDOW_SECONDS


def test_a_pause_in_the_middle_of_a_number_does_not_end_the_turn() -> None:
    turns = Turns()
    told = play(turns, (SPEECH, 1.0), (SILENCE, 1.2), (SPEECH, 1.0), (SILENCE, 0.3), ending=Ending.DIGITS)
    assert cues(told) == [Cue.BEGAN, Cue.GUESS, Cue.GUESS]
    assert turns.is_on


def test_who_goes_on_talking_voids_the_guess() -> None:
    turns = Turns()
    play(turns, (SPEECH, 1.0), (SILENCE, 0.2))
    late = turns.guess
    play(turns, (SPEECH, 0.5), (SILENCE, 0.4))
    assert turns.guessed(late, Ending.COMPLETE) is Cue.NOTHING
    assert turns.guessed(turns.guess, Ending.COMPLETE) is Cue.ENDED


def test_a_late_guess_ends_the_turn_as_soon_as_it_is_there() -> None:
    turns = Turns()
    assert cues(play(turns, (SPEECH, 1.0), (SILENCE, 5.0))) == [Cue.BEGAN, Cue.GUESS]
    assert turns.guessed(turns.guess, Ending.DIGITS) is Cue.ENDED


def test_somebody_who_speaks_over_the_agent_is_noticed_within_160_ms() -> None:
    told = play(Turns(), (SPEECH, 1.0), agent_speaks=True)
    assert told == [(pytest.approx(0.096), Cue.BEGAN)]


def test_a_word_that_begins_unclearly_is_noticed_too() -> None:
    """ "How much ...", as a telephone carries it, and what Silero made of it."""
    turns = Turns()
    cues = [turns.step(one, agent_speaks=True) for one in (0.03, 0.02, 0.35, 0.37, 0.57, 0.77, 0.84)]
    assert cues.index(Cue.BEGAN) == 5


def test_a_click_or_noise_on_the_line_is_nobody() -> None:
    turns = Turns()
    assert not play(turns, (SILENCE, 1), (SPEECH, WINDOW_SECONDS), (SILENCE, 1), (0.2, 5.0), (SILENCE, 1))
    assert not play(turns, (0.25, 5.0), (SILENCE, 1), (SPEECH, 2 * WINDOW_SECONDS), (SILENCE, 1), agent_speaks=True)


def test_a_long_story_is_cut_at_its_clearest_pause() -> None:
    turns = Turns()
    pause = (0.4, 0.1)  # A breath, which is no silence.
    told = play(turns, (SPEECH, 6.0), pause, (SPEECH, 6.0), (SILENCE, 1.0), ending=Ending.COMPLETE)
    assert cues(told) == [Cue.BEGAN, Cue.SPLIT, Cue.GUESS, Cue.ENDED]
    assert 6.0 <= turns.split * WINDOW_SECONDS <= 6.2


def test_what_never_pauses_ends_after_a_minute() -> None:
    told = play(Turns(), (SPEECH, 60.0))
    assert told[-1] == (pytest.approx(60, abs=0.1), Cue.ENDED)
    assert cues(told).count(Cue.SPLIT) >= 6


def test_each_turn_has_its_number() -> None:
    turns = Turns()
    sentence = (SPEECH, 0.5), (SILENCE, 1.0)
    play(turns, *sentence, *sentence, *sentence, ending=Ending.COMPLETE)
    assert turns.number == 3


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("Do you have a two bedroom apartment?", Ending.COMPLETE),
        ("Yes.", Ending.COMPLETE),
        ("No, thank you.", Ending.COMPLETE),
        ("Two.", Ending.COMPLETE),
        ("Up to 1,850.", Ending.COMPLETE),
        ("I can pay 1500", Ending.COMPLETE),
        ("In May of 2027.", Ending.COMPLETE),
        ("I'm looking for", Ending.OPEN),
        ("I was wondering if, um", Ending.OPEN),
        ("We would move in in March and", Ending.OPEN),
        ("Hello?", Ending.OPEN),
        ("Hi", Ending.OPEN),
        ("My name is Ann, A N N", Ending.OPEN),
        ("It's S-M-I", Ending.OPEN),
        ("ann.smith at gmail", Ending.OPEN),
        ("ann.smith@gmail.com", Ending.COMPLETE),
        ("My number is", Ending.OPEN),
        ("It's 617", Ending.DIGITS),
        ("six one seven five five five", Ending.DIGITS),
        ("617-555", Ending.DIGITS),
        ("617-555-0142.", Ending.COMPLETE),
        ("Call me at 617 555 0142", Ending.COMPLETE),
        ("", Ending.NO_WORDS),
        ("...", Ending.NO_WORDS),
    ],
)
def test_how_english_ends(text: str, ending: Ending) -> None:
    assert ending_of(text, "en") is ending


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("¿Tienen un apartamento de dos cuartos?", Ending.COMPLETE),
        ("Sí.", Ending.COMPLETE),
        ("Quiero saber si el", Ending.OPEN),
        ("Hola", Ending.OPEN),
        ("Mi número es seis uno siete", Ending.DIGITS),
    ],
)
def test_how_spanish_ends(text: str, ending: Ending) -> None:
    assert ending_of(text, "es") is ending


@pytest.mark.parametrize(
    ("text", "expects", "ending"),
    [
        ("5", "digits", Ending.DIGITS),
        ("It's 1500", "digits", Ending.DIGITS),
        ("five one two five five five", "digits", Ending.DIGITS),
        ("512-555-0123", "digits", Ending.COMPLETE),
        ("512 555 01 23, please", "digits", Ending.COMPLETE),
        ("I don't have one.", "digits", Ending.COMPLETE),
        ("Ann Smith", "letters", Ending.OPEN),
        ("ann dot smith at example dot com", "letters", Ending.COMPLETE),
        ("ann@example.com.", "letters", Ending.COMPLETE),
        ("Yes", "letters", Ending.COMPLETE),
    ],
)
def test_what_somebody_was_asked_for_says_how_they_finish(text: str, expects: str, ending: Ending) -> None:
    assert ending_of(text, "en", expects) is ending
