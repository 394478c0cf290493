"""Half a second of speech is found whatever the line, and none in what is no speech."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from asterisk_conf.prompts import speech
from crm.edge.voice_activity import speech_seconds

pytestmark = pytest.mark.unit

RATE = 8000
Sound = NDArray[np.float64]


def seconds_of(sound: Sound, folder: Path) -> float:
    path = folder / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return speech_seconds(path)


def silence(seconds: float) -> Sound:
    return np.zeros(int(seconds * RATE))


def noise(seconds: float, level_db: float) -> Sound:
    return np.random.default_rng(7).normal(0, 10 ** (level_db / 20), int(seconds * RATE))


def tone(seconds: float, *hertz: float, on: float = 1.0, off: float = 0.0) -> Sound:
    at = np.arange(int(seconds * RATE)) / RATE
    return 0.2 * sum(np.sin(2 * np.pi * one * at) for one in hertz) * (at % (on + off) < on)


def spoken(text: str, folder: Path, level_db: float = -20.0) -> Sound:
    """At a level below the common one of our prompts."""
    path = folder / "spoken.wav"
    speech.synthesize(text, "en", path)
    with wave.open(str(path)) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64) / 32768
    return sound * 10 ** ((level_db - speech.LEVEL_DB) / 20)


@pytest.mark.parametrize(
    ("level_db", "noise_db"), [(-15, -90), (-25, -90), (-38, -90), (-20, -40)], ids=["loud", "usual", "faint", "noisy"]
)
def test_one_short_sentence_is_found(tmp_path: Path, level_db: float, noise_db: float) -> None:
    sentence = spoken("Please call me back.", tmp_path, level_db)
    sound = np.concatenate([silence(0.4), sentence, silence(2)])
    assert 0.8 <= seconds_of(sound + noise(len(sound) / RATE, noise_db), tmp_path) <= 1.6


def test_speech_is_found_that_fills_the_whole_recording(tmp_path: Path) -> None:
    sentence = spoken("I would like to see the house with two bedrooms on Friday.", tmp_path)
    assert seconds_of(sentence, tmp_path) >= 2


def test_speech_is_found_beside_a_touch_tone(tmp_path: Path) -> None:
    sound = np.concatenate([tone(0.2, 941, 1477), spoken("Please call me back.", tmp_path), tone(0.2, 941, 1477)])
    assert 0.8 <= seconds_of(sound, tmp_path) <= 1.6


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(silence(0), id="nothing"),
        pytest.param(silence(8), id="silence"),
        pytest.param(noise(8, -60), id="a quiet line"),
        pytest.param(noise(8, -25), id="loud noise"),
        pytest.param(np.concatenate([silence(3), noise(5, -45)]), id="comfort noise that sets in"),
        pytest.param(np.concatenate([silence(1), tone(5, 350, 440)]), id="dial tone"),
        pytest.param(tone(6, 480, 620, on=0.5, off=0.5), id="busy tone"),
        pytest.param(tone(6, 425, on=0.25, off=0.25), id="congestion tone"),
        pytest.param(np.concatenate([silence(0.5), tone(0.25, 1000), silence(4)]), id="the beep's echo"),
        pytest.param(np.concatenate([silence(2), tone(1, 941, 1477), silence(2)]), id="a touch tone"),
        pytest.param(tone(3, 697, 1209, on=0.15, off=0.1) + noise(3, -50), id="touch tones in noise"),
        pytest.param(np.concatenate([silence(2), 0.5 * np.ones(40), silence(2)]), id="a click"),
    ],
)
def test_what_is_no_speech_is_none(tmp_path: Path, sound: Sound) -> None:
    assert seconds_of(sound, tmp_path) < 0.3
