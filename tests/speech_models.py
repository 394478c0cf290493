"""Real speech models for tests, where `script/setup voice-demo` has put them; nothing else needs them."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from asterisk_conf.package_sets import cache_folder

WHISPER_BASE = cache_folder() / "voice-demo" / "whisper-base"
"""Multilingual."""


def as_on_the_telephone(path: Path) -> None:
    """Makes of a WAV file (PCM16, mono, 8 kHz) what comes through a telephone: 300 to 3400 Hz, mu-law, and a little
    noise on the line, also for a moment before the voice and after it."""
    with wave.open(str(path)) as file:
        rate, frames = file.getframerate(), file.readframes(file.getnframes())
    sound = np.frombuffer(frames, "<i2").astype(float) / 32768
    spectrum = np.fft.rfft(sound)
    hertz = np.fft.rfftfreq(len(sound), 1 / rate)
    spectrum[(hertz < 300) | (hertz > 3400)] = 0
    sound = np.fft.irfft(spectrum, len(sound))
    level = float(np.sqrt(np.mean(sound**2)))
    chance = np.random.default_rng(1)
    sound = np.concatenate([np.zeros(rate), sound, np.zeros(2 * rate)])
    sound += chance.normal(0, level * 10 ** (-45 / 20), len(sound))
    loud = np.sign(sound) * np.log1p(255 * np.abs(np.clip(sound, -1, 1))) / np.log1p(255)
    loud = np.round(loud * 127) / 127
    heard = np.sign(loud) * ((1 + 255) ** np.abs(loud) - 1) / 255
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, rate, 0, "NONE", ""))
        out.writeframes((heard * 32767).astype("<i2").tobytes())
