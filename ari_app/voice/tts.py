"""Text to speech for talks. What was said once is kept, and can be said at once.

A recording of the office's own wins: `prompts/recorded/voice/<language>/<words-of-the-sentence>.wav`. Then comes what
was rendered before, then the voice that the settings name, then flite and espeak-ng, which always work.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import re
import tempfile
import time
import wave
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np

from ari_app.voice.pipes import PipedProcess, WorkerLost
from ari_app.voice.playlist import Rendering
from ari_app.voice.resampling import resampled
from asterisk_conf.prompts import speech

log = logging.getLogger(__name__)

RATE = 16000
RECIPE = "2"
"""Part of every name in the cache. Increase it when the processing changes what callers hear."""
REMEMBERED = 200
"""Sentences in memory, each some 100 kB."""
AT_A_TIME = 8
"""Sentences that are being rendered."""
PIECE_SECONDS = 8.0
"""A voice that takes longer for one piece is dead."""
START_SECONDS = 30.0
KEPT_SECONDS = 30 * 86400.0
"""A sentence that has not been said for this long is removed from the disk."""
LONGEST_NAME = 120
HEAD_LEVEL = 150
"""Of 32768."""
HEAD_SECONDS = 0.02


class TtsFailed(Exception):
    """A sentence cannot be spoken."""


class Engine(Protocol):
    name: str
    """Of engine and voice, for the cache."""

    def render(self, text: str, language: str) -> AsyncIterator[bytes]:
        """The audio of a text in pieces: PCM16, 16 kHz, mono. Raises TtsFailed."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def up(self) -> None:
        """Waits until it can speak, as far as it ever will."""


class Piper:
    """A Piper voice. It is under the GPL, so it has a process of its own."""

    def __init__(self, voice: Path, packages: Path | None = None, module: str = "ari_app.voice.tts_process") -> None:
        self.name = f"piper/{voice.name}"
        path = os.pathsep.join(filter(None, [str(packages or ""), os.environ.get("PYTHONPATH", "")]))
        self.worker = PipedProcess(module, [str(voice)], start_seconds=START_SECONDS, environment={"PYTHONPATH": path})

    async def start(self) -> None:
        self.worker.keep()

    async def stop(self) -> None:
        await self.worker.stop()

    async def up(self) -> None:
        with contextlib.suppress(WorkerLost):
            await self.worker.up()

    async def render(self, text: str, language: str) -> AsyncIterator[bytes]:
        if not self.worker.is_up:
            raise TtsFailed("Piper is not running.")
        try:
            async for answer in self.worker.stream({"text": speech.normalize(text, language)}, PIECE_SECONDS):
                if "error" in answer:
                    raise TtsFailed(f"Piper could not speak ({answer['error']}).")
                yield answer["audio"]
        except WorkerLost as lost:
            raise TtsFailed(str(lost)) from lost


class Prompts:
    """The programs that speak Leaseline's own prompts: flite, espeak-ng. They take 0.1 s, and sound like it."""

    name = "prompts"

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    async def up(self) -> None:
        pass

    async def render(self, text: str, language: str) -> AsyncIterator[bytes]:
        try:
            yield await asyncio.to_thread(_by_program, text, language)
        except speech.SpeechError as error:
            raise TtsFailed(str(error)) from error


def _by_program(text: str, language: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="leaseline-voice-") as folder:
        path = Path(folder) / "said.wav"
        speech.synthesize(text, language, path)
        return read_wav(path)


class Tts:
    """Every engine, and the cache. `folder` is the cache's, `recorded` has a folder of recordings for each language."""

    def __init__(self, engines: Mapping[str, Engine], folder: Path, recorded: Path) -> None:
        """`engines` by language; Prompts is the last resort of each."""
        self._engines = dict(engines)
        self._prompts = Prompts()
        self._folder = folder
        self._recorded = recorded
        self._kept: OrderedDict[tuple[str, str], Rendering] = OrderedDict()
        self._slots = asyncio.Semaphore(AT_A_TIME)
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        await asyncio.to_thread(self._prune)
        for engine in set(self._engines.values()):
            await engine.start()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for engine in set(self._engines.values()):
            await engine.stop()

    def say(self, text: str, language: str) -> Rendering:
        """The audio of a sentence, which grows if it is new. If nothing can speak it, it is whole and empty."""
        key = text, language
        if (kept := self._kept.get(key)) and not (kept.is_whole and not kept.audio):
            self._kept.move_to_end(key)
            return kept
        rendering = self._kept[key] = Rendering()
        while len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)
        task = asyncio.create_task(self._fill(rendering, text, language))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return rendering

    async def warm(self, text: str, language: str) -> bool:
        """Renders a sentence ahead, in the voice that the settings name. Returns whether it can be said."""
        if engine := self._engines.get(language):
            await engine.up()
        rendering, done = self.say(text, language), asyncio.Event()
        if not rendering.is_whole:
            rendering.watchers.append(done.set)
        while not rendering.is_whole:
            await done.wait()
            done.clear()
        return bool(rendering.audio)

    async def forget(self, text: str, language: str) -> None:
        """Removes what was rendered of a sentence that will not be said again."""
        self._kept.pop((text, language), None)
        for engine in filter(None, (self._engines.get(language), self._prompts)):
            path = self._path(engine.name, text, language)
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _fill(self, rendering: Rendering, text: str, language: str) -> None:
        try:
            async with self._slots:
                if recorded := await asyncio.to_thread(self._recording, text, language):
                    _grow(rendering, recorded)
                    return
                for engine in filter(None, (self._engines.get(language), self._prompts)):
                    if await self._spoken(engine, rendering, text, language):
                        return
                    # The next attempt is to be in the voice that the settings name.
                    self._kept.pop((text, language), None)
        finally:
            rendering.is_whole = True
            _grow(rendering, b"")
            rendering.watchers.clear()

    async def _spoken(self, engine: Engine, rendering: Rendering, text: str, language: str) -> bool:
        """Adds what an engine says, or said before. Returns whether there is anything to hear."""
        path = self._path(engine.name, text, language)
        if kept := await asyncio.to_thread(_read, path):
            _grow(rendering, kept)
            return True
        try:
            async for piece in engine.render(text, language):
                _grow(rendering, piece if rendering.audio else without_head(piece))
        except TtsFailed as failed:
            # Half of a sentence may have been heard; the next voice says all of it, because half is no use.
            log.warning("a sentence could not be spoken: %s", failed)
            return False
        await asyncio.to_thread(self._keep, path, bytes(rendering.audio))
        return bool(rendering.audio)

    def _recording(self, text: str, language: str) -> bytes:
        recording = self._recorded / language / f"{slug(text)}.wav"
        if not recording.is_file():
            return b""
        try:
            return _converted(recording)
        except (speech.SpeechError, OSError, wave.Error, EOFError) as error:
            log.warning("a recording cannot be used: %s", error)
            return b""

    def _path(self, engine: str, text: str, language: str) -> Path:
        name = hashlib.sha256("\0".join((RECIPE, engine, language, text)).encode()).hexdigest()[:32]
        return self._folder / f"{name}.pcm"

    def _keep(self, path: Path, audio: bytes) -> None:
        new = path.with_name(f"{path.name}.{os.getpid()}.new")
        try:
            new.write_bytes(audio)
            new.replace(path)  # Never half of one.
        except OSError as error:
            log.warning("a sentence could not be kept: %s", error.strerror)
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)

    def _prune(self) -> None:
        oldest = time.time() - KEPT_SECONDS
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                if path.stat().st_mtime < oldest or path.suffix == ".new":
                    path.unlink(missing_ok=True)


def slug(text: str) -> str:
    """A sentence as the name of a file: its words, in small letters."""
    return "-".join(re.findall(r"[^\W_]+", text.lower()))[:LONGEST_NAME]


def _grow(rendering: Rendering, audio: bytes) -> None:
    rendering.audio += audio
    for watcher in rendering.watchers:
        watcher()


def _read(path: Path) -> bytes:
    try:
        audio = path.read_bytes()
        os.utime(path)  # It is removed when it has not been said for long.
    except OSError:
        return b""
    return audio


def _converted(path: Path) -> bytes:
    with tempfile.TemporaryDirectory(prefix="leaseline-voice-") as folder:
        converted = Path(folder) / "said.wav"
        speech.take_over(path, converted)
        return read_wav(converted)


def without_head(audio: bytes) -> bytes:
    """Audio without the silence that it begins with, during which the caller would wait for an answer."""
    loud = np.flatnonzero(np.abs(np.frombuffer(audio, "<i2")) > HEAD_LEVEL)
    return audio[2 * max(0, int(loud[0]) - int(HEAD_SECONDS * RATE)) :] if len(loud) else b""


def read_wav(path: Path) -> bytes:
    """A WAV file (PCM16, mono, 8 or 16 kHz) as PCM16, 16 kHz."""
    with wave.open(str(path)) as file:
        rate, audio = file.getframerate(), bytes(file.readframes(file.getnframes()))
    if rate == RATE:
        return audio
    made = resampled(np.frombuffer(audio, "<i2").astype(np.float64), rate, RATE)
    return bytes(np.clip(made, -32768, 32767).astype("<i2").tobytes())
