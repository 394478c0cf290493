"""The transcriber's process: `python -m crm.edge.whisper_process MODEL THREADS`. Started only by `crm.edge.whisper`.

Says {"ready": true} or {"error": ...} once the model is loaded; then answers each line {"file": ..., "names": ...} with
{"phrases": [[text, start, end], ...]}, times in seconds, or {"error": ...}, and ends with its input.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, TextIO

TELEPHONE_THRESHOLD = 0.2
"""At the library's 0.5, silero takes speech in the telephone's band for silence: a third of the words were lost."""
WINDOW_SECONDS = 10
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
        question = json.loads(line)
        _say(answers, _transcribed(loaded, str(question["file"]), str(question.get("names", ""))))


def _transcribed(model: Any, file: str, names: str) -> dict[str, Any]:
    try:
        segments, _ = model.transcribe(
            file,
            # The voice detector keeps silence away from the model, which would make words of it.
            vad_filter=True,
            vad_parameters={"threshold": TELEPHONE_THRESHOLD},
            chunk_length=WINDOW_SECONDS,
            # Before each window, other than a prompt, which is forgotten after the first.
            hotwords=names or None,
            beam_size=5,
            condition_on_previous_text=False,
        )
        found = [[segment.text.strip(), round(segment.start, 2), round(segment.end, 2)] for segment in segments]
        return {"phrases": [one for one in found if one[0]]}
    except Exception as error:  # noqa: BLE001 - one bad clip must not end the process
        return {"error": f"The audio could not be transcribed ({type(error).__name__})."}


def _say(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
