"""What the agent says, in order, and what becomes of it when the caller speaks. Pure: no audio is sent from here.

A sentence that may be interrupted stops when the caller begins to speak, and waits. If words follow, the caller has
heard what they heard, and it is over; after a cough, it is resumed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ari_app.voice.protocol import Play, Played

MOST = 20
"""Sentences that wait. More are refused: a caller would never hear them all."""
BACK_SECONDS = 0.4
"""A sentence is resumed a little before the point where it stopped."""
BYTES_PER_SECOND = 32000


@dataclass(eq=False)
class Rendering:
    """The audio of a sentence, which may still be growing."""

    audio: bytearray = field(default_factory=bytearray)
    """PCM16, 16 kHz, mono."""
    is_whole: bool = False
    watchers: list[Callable[[], None]] = field(default_factory=list)
    """Called whenever there is more."""


@dataclass(eq=False)
class Sentence:
    play: Play
    rendering: Rendering
    sent: int = 0
    """Bytes that Asterisk has."""
    started: float | None = None
    stopped: float | None = None
    """When the caller began to speak over it, which may have been a cough."""

    @property
    def is_sent(self) -> bool:
        return self.rendering.is_whole and self.sent >= len(self.rendering.audio)


class Playlist:
    def __init__(self) -> None:
        self._waiting: deque[Sentence] = deque()
        self.is_held = False
        """Whether the caller is speaking, and may turn out to have said something."""
        self._over = 0
        """The latest turn that ended with words."""
        self._turn = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def current(self) -> Sentence | None:
        """What is being said, or is to be said next; None: nothing may be said now."""
        if not self._waiting or (self.is_held and self._waiting[0].play.interruptible):
            return None
        return self._waiting[0]

    @property
    def first(self) -> Sentence | None:
        """What is being said, or was until the caller spoke."""
        return self._waiting[0] if self._waiting else None

    def add(self, sentence: Sentence, at: float) -> list[Played]:
        """Adds a sentence; returns what is over by that: itself, if it answers a turn that another one has followed, or
        if too many wait."""
        play = sentence.play
        if (play.interruptible and play.turn < self._over) or len(self._waiting) >= MOST:
            return [_over(sentence, at, 0)]
        self._waiting.append(sentence)
        return []

    def began(self, turn: int, heard: int, at: float) -> bool:
        """The caller has begun to speak, `heard` bytes into the current sentence. Returns whether it has to stop."""
        current = self._waiting[0] if self._waiting else None
        self._turn, self.is_held = turn, True
        if current is None or not current.play.interruptible:
            return False
        was_heard = current.sent > 0
        current.sent, current.stopped = max(0, min(heard, current.sent)), at
        return was_heard

    def ended(self, at: float, *, with_words: bool) -> list[Played]:
        """The caller has finished; returns what is over by that. Otherwise, it is resumed."""
        self.is_held = False
        if with_words:
            self._over = self._turn
            return [_over(one, at, one.sent) for one in self._drop(lambda one: one.play.interruptible)]
        if self._waiting and self._waiting[0].sent > 0:
            first = self._waiting[0]
            if first.play.interruptible:
                first.sent, first.stopped = max(0, first.sent - int(BACK_SECONDS * BYTES_PER_SECOND)), None
        return []

    def stopped(self, at: float, heard: int) -> list[Played]:
        """Everything is over at once."""
        if self._waiting:
            self._waiting[0].sent = min(heard, self._waiting[0].sent)
        return [_over(one, at, one.sent) for one in self._drop(lambda _: True)]

    def finished(self, at: float) -> Played:
        """The current sentence was heard to its end."""
        return _over(self._waiting.popleft(), at, None)

    def _drop(self, wanted: Callable[[Sentence], bool]) -> Iterator[Sentence]:
        waiting, self._waiting = list(self._waiting), deque()
        for one in waiting:
            if wanted(one):
                yield one
            else:
                self._waiting.append(one)


def _over(sentence: Sentence, at: float, heard: int | None) -> Played:
    """`heard` bytes of it; None: all of it."""
    audio = sentence.rendering.audio
    share = 1.0 if heard is None else min(1.0, heard / max(len(audio), 1))
    ended = at if sentence.stopped is None else sentence.stopped
    started = ended if sentence.started is None else sentence.started
    return Played(sentence.play.id, heard is not None, round(started, 3), round(ended, 3), round(share, 2))
