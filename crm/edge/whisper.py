"""Speech to text in a separate process, which is started if there is work and ended if there is none.

The transcriber (`crm.edge.whisper_process`) needs half a gigabyte and both cores of a small machine; in the app's own
process it would keep every caller waiting. The two exchange lines of JSON over pipes.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_SECONDS = 120.0
"""Enough to load a large model from a slow disk."""
STOP_SECONDS = 3.0
LONGEST_LINE = 4_000_000
"""Bytes of one answer; an hour of speech has some 60,000."""

NEEDED = ("model.bin", "config.json", "tokenizer.json")
VOCABULARIES = ("vocabulary.txt", "vocabulary.json")


@dataclass(frozen=True, slots=True)
class HeardPhrase:
    """Some words in a row, with when they were said in the recording, in seconds."""

    text: str
    start: float
    end: float


class TranscriptError(Exception):
    """There will be no transcript. The message is one sentence about why."""


class TranscriberLost(TranscriptError):
    """The process ended while it worked: it was killed, or ran out of memory. Another attempt may succeed."""


def problem(model: Path) -> str:
    """Returns why a folder cannot be used as a model, "" if it can.

    The check comes first because the library would look for a missing tokenizer.json on the Internet.
    """
    if importlib.util.find_spec("faster_whisper") is None:
        return "faster-whisper is not installed: run `script/setup voice`"
    if not model.is_dir():
        return f"{model} is not a folder: name one with a CTranslate2 Whisper model in voice.whisper_model"
    missing = [name for name in NEEDED if not (model / name).is_file()]
    if not any((model / name).is_file() for name in VOCABULARIES):
        missing.append("vocabulary.txt or vocabulary.json")
    if missing:
        return f"{model} has no {', '.join(missing)}: copy the whole model, such as faster-whisper-base.en"
    return ""


class Transcriber:
    """The process with one model. Used by one task at a time."""

    def __init__(self, model: Path, threads: int) -> None:
        self._model, self._threads = model, threads
        self.process: asyncio.subprocess.Process | None = None

    async def transcribe(self, sound: Path, seconds: float, names: str = "") -> list[HeardPhrase]:
        """What is said in a sound file, phrase by phrase; none when nobody speaks. `names` are words that are likely
        in it, such as those of properties, which the model would not guess. Raises TranscriptError, TranscriberLost.

        If it takes longer than `seconds`, the process is ended.
        """
        if self.process is None or self.process.returncode is not None:
            await self._start()
        try:
            async with asyncio.timeout(seconds):
                answer = await self._ask({"file": str(sound), "names": names})
        except TimeoutError:
            await self.stop()
            raise TranscriptError(f"It took longer than {seconds:g} s.") from None
        if "phrases" not in answer:
            raise TranscriptError(str(answer.get("error", "The transcriber gave no reason.")))
        return [HeardPhrase(str(text), float(start), float(end)) for text, start, end in answer["phrases"]]

    async def stop(self) -> None:
        """Ends the process if it runs."""
        process, self.process = self.process, None
        if process is None or process.returncode is not None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            # It is still working on a recording.
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _start(self) -> None:
        if why := problem(self._model):
            raise TranscriptError(f"There is no usable model: {why}.")
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "crm.edge.whisper_process",
            str(self._model),
            str(self._threads),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            # Nothing is downloaded, whatever the library believes is missing.
            env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"},
            limit=LONGEST_LINE,
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                answer = await self._answer()
        except TimeoutError:
            answer = {"error": f"The model was not loaded within {START_SECONDS:g} s."}
        if not answer.get("ready"):
            await self.stop()
            raise TranscriptError(str(answer.get("error", "The model could not be loaded.")))

    async def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self.process is not None
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(question).encode() + b"\n")
            await self.process.stdin.drain()
        except OSError as error:
            await self.stop()
            raise TranscriberLost("The transcriber ended.") from error
        return await self._answer()

    async def _answer(self) -> dict[str, Any]:
        assert self.process is not None
        assert self.process.stdout is not None
        try:
            line = await self.process.stdout.readline()
            answer = json.loads(line)
        except ValueError as error:  # nothing, half a line, or one that is far too long
            await self.stop()
            raise TranscriberLost("The transcriber ended before it answered.") from error
        return answer if isinstance(answer, dict) else {}
