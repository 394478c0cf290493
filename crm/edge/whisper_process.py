"""The transcriber's process: `python -m crm.edge.whisper_process MODEL THREADS`. Started only by `crm.edge.whisper`.

Writes {"ready": true} or {"error": ...} once the model is loaded; then answers each line {"file": ...} with {"text":
...} or {"error": ...}, and ends when its input ends.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, TextIO

POLITE = 10
"""Added to the process's niceness: the audio of calls comes first."""


def main() -> None:
    # Whatever a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    os.nice(POLITE)
    model, threads = sys.argv[1], int(sys.argv[2])
    try:
        from faster_whisper import WhisperModel

        loaded = WhisperModel(model, device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True)
    except Exception as error:  # noqa: BLE001 - the parent decides; a library's errors are of every kind
        _say(answers, {"error": f"The model in {model} could not be loaded ({type(error).__name__})."})
        return
    _say(answers, {"ready": True})
    for line in sys.stdin:
        _say(answers, _transcribed(loaded, str(json.loads(line)["file"])))


def _transcribed(model: Any, file: str) -> dict[str, Any]:
    try:
        # The voice detector keeps silence from the model, which would invent words for it.
        segments, _ = model.transcribe(file, vad_filter=True, beam_size=5, condition_on_previous_text=False)
        return {"text": " ".join(segment.text.strip() for segment in segments).strip()}
    except Exception as error:  # noqa: BLE001 - one bad clip must not end the process
        return {"error": f"The audio could not be transcribed ({type(error).__name__})."}


def _say(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
