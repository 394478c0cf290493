"""The one sound that is no speech: the beep before a recording, made here so that no package of sounds is needed."""

from __future__ import annotations

import math
import struct
import wave
from pathlib import Path

FILE = "beep.wav"
"""Its name in the prompts folder; it is the same in every language."""
RATE = 8000
HERTZ = 1000
SECONDS = 0.25
LEVEL = 0.25
"""Of full scale; about as loud as the speech before it."""


def beep(path: Path) -> None:
    """Writes the beep (PCM16, 8 kHz, mono) unless it is there."""
    if path.exists():
        return
    count = int(RATE * SECONDS)
    # Faded in and out over 10 ms, so that it doesn't click.
    fade = RATE // 100
    samples = [
        LEVEL * min(1.0, index / fade, (count - index) / fade) * math.sin(2 * math.pi * HERTZ * index / RATE)
        for index in range(count)
    ]
    part = path.with_suffix(".part")
    with wave.open(str(part), "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
        out.writeframes(b"".join(struct.pack("<h", round(sample * 32767)) for sample in samples))
    part.replace(path)
