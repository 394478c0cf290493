"""Speaks a playlist into a call at the pace at which Asterisk plays it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from ari_app.voice.media import Media
from ari_app.voice.playlist import BYTES_PER_SECOND, Playlist, Sentence
from ari_app.voice.protocol import Play, Played
from ari_app.voice.tts import Tts

AHEAD_SECONDS = 1.0
"""How much Asterisk gets ahead of time: what this process may be busy for without the caller hearing it."""
PIECE_BYTES = BYTES_PER_SECOND // 2


class Mouth:
    """`run` it; what is over is told to `tell`. `clock` gives seconds since the talk began."""

    def __init__(self, media: Media, tts: Tts, tell: Callable[[Played], None], clock: Callable[[], float]) -> None:
        self._media, self._tts, self._tell, self._clock = media, tts, tell, clock
        self._list = Playlist()
        self._changed = asyncio.Event()
        self._until = 0.0
        """When Asterisk will have played all that it has."""
        self.failed = asyncio.Event()
        """Set when nothing can speak."""

    @property
    def is_speaking(self) -> bool:
        """Whether the caller hears something now, or will in a moment."""
        return self._list.current is not None or self._until > self._clock()

    @property
    def is_done(self) -> bool:
        """Whether nothing is being said, and nothing waits to be."""
        return len(self._list) == 0

    def say(self, play: Play) -> None:
        rendering = self._tts.say(play.text, play.language)
        if not rendering.is_whole:
            rendering.watchers.append(self._changed.set)
        self._over(self._list.add(Sentence(play, rendering), self._clock()))

    async def began(self, turn: int) -> None:
        """The caller has begun to speak. Raises MediaClosed."""
        if self._list.began(turn, self._heard(), self._clock()):
            await self._hush()

    def ended(self, *, with_words: bool) -> None:
        """The caller has finished."""
        self._over(self._list.ended(self._clock(), with_words=with_words))

    async def stop(self) -> None:
        """Raises MediaClosed."""
        self._over(self._list.stopped(self._clock(), self._heard()))
        await self._hush()

    async def run(self) -> None:
        """Until cancelled. Raises MediaClosed."""
        while True:
            self._changed.clear()
            sentence = self._list.current
            if sentence is None:
                await self._changed.wait()
            elif sentence.sent < len(sentence.rendering.audio):
                await self._send(sentence)
            elif not sentence.rendering.is_whole:
                await self._changed.wait()
            elif (left := self._until - self._clock()) > 0:
                await self._wait(left)
            else:
                if not sentence.rendering.audio:
                    self.failed.set()
                self._over([self._list.finished(self._clock())])

    async def _send(self, sentence: Sentence) -> None:
        ahead = self._until - self._clock()
        if ahead > AHEAD_SECONDS:
            await self._wait(ahead - AHEAD_SECONDS / 2)
            return
        if not self._media.may_send.is_set():
            await self._wait(0.1)
            return
        piece = bytes(sentence.rendering.audio[sentence.sent : sentence.sent + PIECE_BYTES])
        begins = max(self._until, self._clock())
        if sentence.started is None:
            sentence.started = begins
        # Before it is sent: whoever interrupts meanwhile has to know.
        sentence.sent += len(piece)
        self._until = begins + len(piece) / BYTES_PER_SECOND
        await self._media.send(piece)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _hush(self) -> None:
        self._until = 0.0
        self._changed.set()
        await self._media.flush()

    def _heard(self) -> int:
        """How many bytes of the current sentence the caller has heard."""
        current = self._list.first
        if current is None:
            return 0
        left = max(0.0, self._until - self._clock())
        return max(0, current.sent - int(left * BYTES_PER_SECOND) // 2 * 2)

    def _over(self, played: Iterable[Played]) -> None:
        for one in played:
            self._tell(one)
        self._changed.set()
