"""WAV files as Asterisk records them (PCM16, 8 kHz, mono)."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

RATE = 8000


def write_words(path: Path, seconds: float) -> None:
    """What rises and falls like words, for as long as that."""
    at = np.arange(int(seconds * RATE)) / RATE
    sound = 0.1 * np.random.default_rng(1).normal(size=len(at)) * np.sin(2 * np.pi * at) ** 2
    _write(path, (sound * 32767).astype("<i2").tobytes())


def write_silence(path: Path, seconds: float) -> None:
    _write(path, bytes(2 * int(seconds * RATE)))


def _write(path: Path, frames: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(frames)
