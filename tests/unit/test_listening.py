"""Which sounds are found in a recording, however it stuttered; nothing that was not played is found."""

from __future__ import annotations

import numpy as np
import pytest

from ari_app.demo import listening
from ari_app.demo.listening import RATE, Heard, Sound

FRAME = RATE // 50
"""What one packet carries: 20 ms."""


def speech(seed: int, seconds: float) -> Sound:
    """Noise as loud and as low as speech, with a pause after every second word."""
    rng = np.random.default_rng(seed)
    words = []
    while sum(len(word) for word in words) < seconds * RATE:
        length = int(rng.uniform(0.2, 0.5) * RATE)
        noise = np.convolve(rng.normal(size=length), np.ones(6) / 6, "same")
        words.append(0.1 * noise / np.max(np.abs(noise)) + 0.0005)
        words.append(np.zeros(int(rng.integers(0, 2) * 0.15 * RATE)))
    return np.concatenate(words)[: int(seconds * RATE)]


def stuttering(sound: Sound, frames: int) -> Sound:
    """As a phone records it that gets its packets late: silence of 20 ms and more between one and another."""
    rng = np.random.default_rng(frames)
    parts: list[Sound] = []
    for at in range(0, len(sound), FRAME):
        if rng.uniform() < 0.2:
            parts.append(np.zeros(int(rng.integers(1, frames + 1)) * FRAME))
        parts.append(sound[at : at + FRAME])
    return np.concatenate(parts)


GREETING, MENU, THANKS = speech(1, 6.0), speech(2, 8.0), speech(3, 2.0)
FILES = {"greeting": GREETING, "menu": MENU, "thanks": THANKS}
SILENCE = np.zeros(RATE)


def names(found: list[Heard]) -> list[tuple[str, bool]]:
    return [(heard.name, heard.whole) for heard in found]


def test_what_is_played_is_found_in_order_and_at_its_time() -> None:
    found = listening.find(np.concatenate((SILENCE, GREETING, SILENCE, THANKS, SILENCE)), FILES)
    assert names(found) == [("greeting", True), ("thanks", True)]
    assert [heard.at for heard in found] == pytest.approx([1.0, 8.0], abs=0.01)
    assert [heard.seconds for heard in found] == pytest.approx([6.0, 2.0])


@pytest.mark.parametrize("frames", [1, 3, 15, 60])
def test_a_sound_that_stutters_is_found_whole_and_no_other(frames: int) -> None:
    played = np.concatenate((SILENCE, GREETING, SILENCE, THANKS))
    found = listening.find(stuttering(played, frames), FILES)
    assert names(found) == [("greeting", True), ("thanks", True)]


def test_a_sound_that_is_stopped_is_found_in_part() -> None:
    [heard] = listening.find(np.concatenate((SILENCE, MENU[: 4 * RATE], SILENCE)), FILES)
    assert heard.name == "menu"
    assert 0.4 < heard.share < 0.6
    assert not heard.nearly_whole


def test_a_sound_that_is_played_twice_is_found_twice() -> None:
    assert names(listening.find(np.concatenate((THANKS, THANKS)), FILES)) == [("thanks", True)] * 2


@pytest.mark.parametrize("seconds", [0.02, 0.3, 0.6])
def test_a_sound_of_which_a_stretch_is_missing_is_found_whole(seconds: float) -> None:
    played = np.concatenate((GREETING[: 3 * RATE], GREETING[int((3 + seconds) * RATE) :]))
    assert names(listening.find(np.concatenate((SILENCE, played, SILENCE)), FILES)) == [("greeting", True)]


def test_a_sound_that_is_played_again_is_found_also_where_it_was_spoilt_the_first_time() -> None:
    spoilt = np.concatenate((MENU[: int(0.3 * RATE)], MENU[int(0.6 * RATE) :]))
    assert names(listening.find(np.concatenate((spoilt, SILENCE, MENU)), FILES)) == [("menu", True)] * 2


def test_a_sound_whose_beginning_is_spoilt_is_found() -> None:
    spoilt = np.concatenate((speech(9, 0.6), MENU[int(0.6 * RATE) :]))
    assert "menu" in [heard.name for heard in listening.find(np.concatenate((SILENCE, spoilt)), FILES)]


@pytest.mark.parametrize("recording", [np.zeros(0), SILENCE, speech(9, 0.3), speech(9, 10.0)])
def test_in_anything_else_nothing_is_found(recording: Sound) -> None:
    assert listening.find(recording, FILES) == []


def test_a_recording_that_has_just_its_last_words_has_the_end_of_a_sound() -> None:
    assert listening.has_end(stuttering(GREETING[-2 * RATE :], 3), GREETING)
    assert not listening.has_end(GREETING[: 2 * RATE], GREETING)
