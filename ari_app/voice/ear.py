"""Listens to one caller: cuts what they say into turns, and has each turned into words."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np

from ari_app.voice.endings import ending_of
from ari_app.voice.protocol import Said, SpeechStarted
from ari_app.voice.stt import Stt, SttFailed, Transcript
from ari_app.voice.turns import POSSIBLE, WINDOW_SECONDS, Cue, Ending, Turns
from ari_app.voice.vad import WINDOW_BYTES, Vad

log = logging.getLogger(__name__)

BEFORE_WINDOWS = 10
"""A third of a second from before the caller was noticed: a word begins more quietly than it goes on."""
GAP_SECONDS = 0.1
"""A phone that has sent nothing for this long is silent: many send no packets then."""

ECHO_LEVEL = 0.004
"""RMS, -48 dBFS. A line returns what the agent says, at -20 dBFS, by 30 dB or more quieter; people speak louder."""


@dataclass
class _Spoken:
    """A turn's audio and words so far."""

    windows: list[bytes]
    before: int
    """How many of these are from before the turn."""
    started: float
    parts: list[asyncio.Task[Transcript]] = field(default_factory=list)
    """What was transcribed of it apart, since it is long."""
    guess: asyncio.Task[Transcript] | None = None


class Ear:
    """`hear` what comes from the caller, and call `tick` now and then. `tell` gets SpeechStarted and Said, `began` and
    `ended` are called at once when the caller begins and has finished."""

    def __init__(
        self,
        vad: Vad,
        stt: Stt,
        *,
        language: str,
        names: str,
        clock: Callable[[], float],
        agent_speaks: Callable[[], bool],
        began: Callable[[int], Awaitable[None]],
        ended: Callable[[bool], None],
        tell: Callable[[SpeechStarted | Said], None],
    ) -> None:
        self._vad, self._stt = vad, stt
        self.language, self._names = language, names
        self.expects = ""
        """As in protocol.Play."""
        self._clock, self._agent_speaks = clock, agent_speaks
        self._began, self._ended, self._tell = began, ended, tell
        self.turns = Turns()
        self._pending = bytearray()
        self._recent: deque[bytes] = deque(maxlen=BEFORE_WINDOWS)
        self._turn: _Spoken | None = None
        self._heard_at = 0.0
        self._tasks: set[asyncio.Future[None]] = set()
        self.failed = asyncio.Event()
        """Set when no recognizer answers."""
        self.unfinished = 0
        """Turns that are over, and whose words are still to come."""

    @property
    def is_busy(self) -> bool:
        """Whether the caller is speaking, or has, and it is not known yet what."""
        return self.turns.is_on or self.unfinished > 0

    async def hear(self, audio: bytes) -> None:
        """Takes PCM16, 16 kHz, mono, of any length."""
        self._heard_at = self._clock()
        self._pending += audio
        while len(self._pending) >= WINDOW_BYTES:
            window = bytes(self._pending[:WINDOW_BYTES])
            del self._pending[:WINDOW_BYTES]
            await self._step(window)

    async def tick(self) -> None:
        """Takes silence for granted where nothing was sent."""
        gap = self._clock() - self._heard_at
        if gap >= GAP_SECONDS:
            await self.hear(bytes(int(gap / WINDOW_SECONDS) * WINDOW_BYTES))

    async def _step(self, window: bytes) -> None:
        speech, agent_speaks = self._vad.step(window), self._agent_speaks()
        if agent_speaks and speech >= POSSIBLE and not self.turns.is_on and _level(window) < ECHO_LEVEL:
            speech = 0.0
        guess = self.turns.guess
        cue = self.turns.step(speech, agent_speaks=agent_speaks)
        if self._turn and self._turn.guess and self.turns.guess != guess:
            # They go on talking: what was guessed is void, and nobody waits for it.
            self._turn.guess.cancel()
            self._turn.guess = None
        if self._turn is not None:
            self._turn.windows.append(window)
        else:
            self._recent.append(window)
        await self._follow(cue)

    async def _follow(self, cue: Cue) -> None:
        match cue:
            case Cue.BEGAN:
                windows = list(self._recent)
                self._recent.clear()
                started = self._clock() - self.turns.windows * WINDOW_SECONDS
                self._turn = _Spoken(windows, len(windows) - self.turns.windows, max(0.0, started))
                await self._began(self.turns.number)
                self._tell(SpeechStarted(self.turns.number, round(self._turn.started, 3)))
            case Cue.GUESS:
                assert self._turn
                self._turn.guess = self._transcribed(self._turn.windows)
                self._run(self._guess(self._turn, self.turns.guess))
            case Cue.SPLIT:
                assert self._turn
                at = self._turn.before + self.turns.split
                self._turn.parts.append(self._transcribed(self._turn.windows[:at]))
                self._turn.windows, self._turn.before = self._turn.windows[at:], 0
            case Cue.ENDED:
                turn, self._turn = self._turn, None
                assert turn
                self.unfinished += 1
                silence = self.turns.silence * WINDOW_SECONDS
                self._run(self._finish(turn, self.turns.number, self._clock() - silence))

    def _transcribed(self, windows: list[bytes]) -> asyncio.Task[Transcript]:
        return asyncio.create_task(self._stt.hear(b"".join(windows), self.language, self._names))

    async def _guess(self, turn: _Spoken, guess: int) -> None:
        words = await self._words(turn)
        await self._follow(
            self.turns.guessed(guess, ending_of(words.text, words.language, self.expects) if words else Ending.COMPLETE)
        )

    async def _finish(self, turn: _Spoken, number: int, ended: float) -> None:
        try:
            if turn.guess is None:
                turn.guess = self._transcribed(turn.windows)
            words = await self._words(turn)
        finally:
            self.unfinished -= 1
        is_said = words is not None and ending_of(words.text, words.language) is not Ending.NO_WORDS
        # Who speaks on decides about what is being said; this turn is a part of theirs.
        if not self.turns.is_on:
            self._ended(is_said)
        if words and is_said:
            self._tell(
                Said(
                    number,
                    words.text,
                    words.language,
                    words.confidence,
                    words.no_speech,
                    round(turn.started, 3),
                    round(ended, 3),
                )
            )

    async def _words(self, turn: _Spoken) -> Transcript | None:
        """The words of a turn with all its parts; None if nothing can be heard."""
        assert turn.guess
        try:
            parts = [await part for part in (*turn.parts, turn.guess)]
        except SttFailed:
            self.failed.set()
            return None
        said = [part for part in parts if part.text]
        if not said:
            return parts[-1]
        return Transcript(
            " ".join(part.text for part in said),
            min(part.confidence for part in said),
            said[-1].language,
            min(part.no_speech for part in said),
        )

    def _run(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._is_done)

    def _is_done(self, task: asyncio.Future[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            # Else the caller's words would have no answer, and what is said would stay held.
            log.error("what a caller said is lost", exc_info=error)
            self.failed.set()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _level(window: bytes) -> float:
    return float(np.sqrt(np.mean((np.frombuffer(window, "<i2") / 32768.0) ** 2)))
