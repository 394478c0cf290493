"""Sounds other than speech, generated here so that no package of sounds is needed: the beep before a recording, and
music on hold."""

from __future__ import annotations

import math
import struct
import wave
from collections.abc import Iterable
from pathlib import Path

FILE = "beep.wav"
"""The beep's name in the prompts folder; it is the same in every language."""
RATE = 8000
HERTZ = 1000
SECONDS = 0.25
LEVEL = 0.25
"""Fraction of full scale; about as loud as the speech before it."""

MUSIC = "music"
"""Folder within the prompts folder with the music on hold, for the directory of a music class in Asterisk."""
MUSIC_FILE = "quiet.wav"
MUSIC_LEVEL = 0.09
"""Fraction of full scale, for each tone: quieter than speech, because people wait with the phone at their ear."""
TONE_SECONDS = 0.4
CHORDS = (
    "C3 G3 C4 E4",
    "A2 E3 A3 C4",
    "F2 C3 F3 A3",
    "G2 D3 G3 B3",
    "E3 B3 D4 G4",
    "A2 E3 G3 C4",
    "D3 A3 C4 F4",
    "G2 D3 F3 B3",
)
PATTERNS = ((0, 1, 2, 3, 2, 1), (0, 2, 1, 3, 1, 2))
"""The order in which the tones of a chord are played; the second time in another order."""


def beep(path: Path) -> None:
    """Writes the beep (PCM16, 8 kHz, mono), unless it exists."""
    if path.exists():
        return
    count = int(RATE * SECONDS)
    # Faded in and out over 10 ms, so that it doesn't click.
    fade = RATE // 100
    _write(
        path,
        (
            LEVEL * min(1.0, index / fade, (count - index) / fade) * math.sin(2 * math.pi * HERTZ * index / RATE)
            for index in range(count)
        ),
    )


def music(folder: Path) -> None:
    """Writes the music on hold (PCM16, 8 kHz, mono, half a minute that can be repeated), unless it exists."""
    path = folder / MUSIC_FILE
    if path.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    tones = [chord.split()[step] for pattern in PATTERNS for chord in CHORDS for step in pattern]
    samples = [0.0] * int(len(tones) * TONE_SECONDS * RATE)
    for number, tone in enumerate(tones):
        begin = int(number * TONE_SECONDS * RATE)
        for index, sample in enumerate(_plucked(tone)):
            # What still sounds at the end continues at the beginning.
            samples[(begin + index) % len(samples)] += sample
    _write(path, samples)


def _plucked(tone: str) -> Iterable[float]:
    """A soft string: it swells over 20 ms and fades away."""
    # Equal temperament, A4 = 440 Hz.
    semitones = "C D EF G A B".index(tone[0]) - 9 + 12 * (int(tone[1]) - 4)
    angle = 2 * math.pi * 440 * 2 ** (semitones / 12) / RATE
    for index in range(int(1.6 * RATE)):
        swell = min(1.0, index / (RATE * 0.02)) * math.exp(-index / (RATE * 0.5)) * (1 - index / (1.6 * RATE))
        yield MUSIC_LEVEL * swell * (math.sin(angle * index) + 0.3 * math.sin(2 * angle * index))


def _write(path: Path, samples: Iterable[float]) -> None:
    part = path.with_suffix(".part")
    with wave.open(str(part), "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
        out.writeframes(b"".join(struct.pack("<h", round(max(-1.0, min(1.0, sample)) * 32767)) for sample in samples))
    part.replace(path)
