"""A voice's process that hums: `python -m tests.voice.scripted_tts VOICE`, in place of Piper's.

A sentence takes as long as it has letters: 50 ms each, in two pieces. It never gets to the end of one with "stall" in
it. With a file `broken` beside VOICE, it does not start.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from ari_app.voice.pipes import Parent

RATE = 16000
HERTZ = 300.0
"""Of no prompt of ours."""
LETTER_SECONDS = 0.05


def main() -> None:
    parent = Parent()
    if Path(sys.argv[1]).with_name("broken").exists():
        sys.exit("broken")
    parent.answer({"ready": True})
    for question in parent.questions():
        hum = np.sin(2 * np.pi * HERTZ * np.arange(int(len(question["text"]) * LETTER_SECONDS * RATE)) / RATE)
        audio = (hum * 3000).astype("<i2").tobytes()
        half = len(audio) // 4 * 2
        parent.answer({"audio": audio[:half], "last": False})
        if "stall" in question["text"]:
            time.sleep(3600)
        parent.answer({"audio": audio[half:], "last": True})


if __name__ == "__main__":
    main()
