"""A recognizer's process that knows some sounds: `python -m tests.voice.scripted_stt FOLDER THREADS`.

`FOLDER/<anything>.wav` is heard as what `FOLDER/<anything>.txt` says. Of several sounds in a row, each is found. While
there is a file `FOLDER/slow`, each answer takes as many seconds as it says; with `FOLDER/broken`, it does not start.
"""

from __future__ import annotations

import sys
import time
import wave
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ari_app.voice.pipes import Parent

FRAME_SECONDS = 0.01
ALIKE = 0.8
Envelope = NDArray[np.float64]


def main() -> None:
    parent, folder = Parent(), Path(sys.argv[1])
    if (folder / "broken").exists():
        sys.exit("broken")
    known = {path.with_suffix(".txt").read_text().strip(): _envelope_of(path) for path in sorted(folder.glob("*.wav"))}
    parent.answer({"ready": True})
    for question in parent.questions():
        slow = folder / "slow"
        if slow.exists():
            time.sleep(float(slow.read_text()))
        heard = _envelope(np.frombuffer(question["audio"], "<i2").astype(np.float64), 16000)
        found = sorted((at, text) for text, sound in known.items() if (at := _position(heard, sound)) is not None)
        text = " ".join(text for _, text in found)
        no_speech = 0.01 if found else 0.95
        parent.answer({"text": text, "language": question["language"], "confidence": 0.9, "no_speech": no_speech})


def _envelope_of(path: Path) -> Envelope:
    with wave.open(str(path)) as file:
        rate, frames = file.getframerate(), file.readframes(file.getnframes())
    envelope = _envelope(np.frombuffer(frames, "<i2").astype(np.float64), rate)
    loud = np.flatnonzero(envelope > envelope.max() / 20)
    return envelope[loud[0] : loud[-1] + 1]


def _envelope(sound: Envelope, rate: int) -> Envelope:
    size = int(rate * FRAME_SECONDS)
    frames = sound[: len(sound) // size * size].reshape(-1, size)
    return np.asarray(np.sqrt(np.mean(frames**2, axis=1)))


def _position(heard: Envelope, sound: Envelope) -> int | None:
    """Where in what was heard a sound is; None if nowhere."""
    if len(heard) < len(sound):
        heard = np.pad(heard, (0, len(sound) - len(heard)))
    places = sliding_window_view(heard, len(sound))
    centered = places - places.mean(axis=1, keepdims=True)
    own = sound - sound.mean()
    scale = np.linalg.norm(centered, axis=1) * np.linalg.norm(own) + 1e-9
    alike = centered @ own / scale
    best = int(alike.argmax())
    return best if alike[best] >= ALIKE else None


if __name__ == "__main__":
    main()
