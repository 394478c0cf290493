"""Speech to text for talks: what a caller said, within a few hundred milliseconds."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ari_app.voice.pipes import PipedProcess, WorkerLost

NO_SPEECH = 0.6
"""From this probability on, what was transcribed is silence or noise."""
START_SECONDS = 60.0
HEAR_SECONDS = 4.0
"""A recognizer that takes longer is of no use to a talk."""
USUAL_SECONDS = 0.4
SLOW_SECONDS = 0.8
"""If the better model's answer is to be expected later than this, the quick one is asked."""
LATE_SECONDS = 1.5
"""If the better model has not answered by then, the quick one is asked as well."""

TIMES = 2
"""How often all recognizers are asked. One that died over these words, or just before, is up again the second time."""


class SttFailed(Exception):
    """Nothing can be heard: no recognizer answers."""


@dataclass(frozen=True, slots=True)
class Transcript:
    text: str
    """"" if nothing was said."""
    confidence: float
    """0 to 1."""
    language: str
    no_speech: float
    """0 to 1."""


class Stt(Protocol):
    @property
    def delay(self) -> float:
        """How many seconds the next answer takes to come, as far as is known; infinite while none can come."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def hear(self, audio: bytes, language: str, names: str) -> Transcript:
        """What is said in PCM16, 16 kHz, mono, of at most ten seconds. `names` are words that are likely in it.

        Raises SttFailed.
        """


class WhisperStt:
    """One process with the model, and one with a smaller one for when it is late or dead."""

    def __init__(self, model: str, quick: str, threads: int, module: str = "ari_app.voice.stt_process") -> None:
        offline = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
        self.workers = [
            PipedProcess(module, [folder, str(threads)], start_seconds=START_SECONDS, environment=offline)
            for folder in (model, quick)
            if folder
        ]
        self._quick_is_english = quick.rstrip("/").endswith(".en")

    @property
    def delay(self) -> float:
        up = [at for at, worker in enumerate(self.workers) if worker.is_up]
        return min((self._expected(at) for at in up), default=math.inf)

    async def start(self) -> None:
        for worker in self.workers:
            worker.keep()

    async def stop(self) -> None:
        await asyncio.gather(*(worker.stop() for worker in self.workers))

    async def hear(self, audio: bytes, language: str, names: str) -> Transcript:
        question = {"audio": audio, "language": language, "names": names}
        try:
            async with asyncio.timeout(HEAR_SECONDS):
                for _ in range(TIMES):
                    if heard := await self._heard(question, language):
                        return heard
        except TimeoutError:
            raise SttFailed("The recognizers are too slow.") from None
        raise SttFailed("No recognizer answers.")

    async def _heard(self, question: dict[str, Any], language: str) -> Transcript | None:
        """What the first one that answers has heard; another one is asked when one is lost, or late."""
        order = list(self._order(language))
        asked: set[asyncio.Task[Transcript | None]] = set()
        try:
            while order or asked:
                if order:
                    asked.add(asyncio.create_task(self._heard_by(order.pop(0), question)))
                patience = LATE_SECONDS if order and self._quick_knows(language) else None
                done, asked = await asyncio.wait(asked, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    if heard := one.result():
                        return heard
        finally:
            for one in asked:
                one.cancel()
        return None

    async def _heard_by(self, at: int, question: dict[str, Any]) -> Transcript | None:
        try:
            answer = await self.workers[at].ask(question, HEAR_SECONDS)
        except WorkerLost:
            return None
        if "text" not in answer:
            return None
        is_speech = answer["no_speech"] <= NO_SPEECH
        text = answer["text"] if is_speech else ""
        return Transcript(text, answer["confidence"], answer["language"], answer["no_speech"])

    def _quick_knows(self, language: str) -> bool:
        return language == "en" or not self._quick_is_english

    def _expected(self, at: int) -> float:
        worker = self.workers[at]
        return (worker.usual_seconds or USUAL_SECONDS) * (1 + worker.waiting)

    def _order(self, language: str) -> Sequence[int]:
        """The better model first, unless it is down, or late and the other one would be quicker."""
        if len(self.workers) == 1:
            return [0]
        is_late = self._expected(0) > SLOW_SECONDS and self._expected(1) < self._expected(0)
        return [1, 0] if not self.workers[0].is_up or (is_late and self._quick_knows(language)) else [0, 1]
