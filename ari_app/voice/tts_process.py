"""Piper's process: `python -m ari_app.voice.tts_process VOICE.onnx`. Started only by `ari_app.voice.tts`.

Piper is under the GPL: nothing of it is loaded anywhere else.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from ari_app.voice.pipes import Parent

RATE = 16000
LEVEL = 0.1
"""RMS of every sentence, -20 dBFS: no louder than the other prompts."""
PAUSE_SECONDS = 0.12
"""Between sentences."""


def main() -> None:
    parent = Parent()
    try:
        from piper import PiperVoice

        voice = PiperVoice.load(sys.argv[1])
        for _ in _spoken(voice, "Ready."):
            pass
    except Exception as error:  # noqa: BLE001 - the parent decides; a library's errors are of every kind
        parent.answer({"error": f"the voice {sys.argv[1]} could not be loaded ({type(error).__name__})"})
        return
    parent.answer({"ready": True})
    for question in parent.questions():
        try:
            for piece in _spoken(voice, question["text"]):
                parent.answer({"audio": piece, "last": False})
            parent.answer({"audio": b"", "last": True})
        except Exception as error:  # noqa: BLE001 - one sentence must not end the process
            parent.answer({"error": type(error).__name__, "last": True})


def _spoken(voice: Any, text: str) -> Iterator[bytes]:
    """PCM16, 16 kHz, mono, sentence by sentence."""
    import numpy as np

    from ari_app.voice.resampling import resampled

    gain = 0.0
    for chunk in voice.synthesize(text):
        sound = np.asarray(chunk.audio_float_array, dtype=np.float64)
        rms = float(np.sqrt(np.mean(sound**2))) if len(sound) else 0.0
        gain = gain or LEVEL / max(rms, 1e-4)
        made = resampled(sound, chunk.sample_rate, RATE) * gain
        made = np.concatenate([made, np.zeros(int(PAUSE_SECONDS * RATE))])
        yield bytes((np.clip(made, -1, 1) * 32767).astype("<i2").tobytes())


if __name__ == "__main__":
    main()
