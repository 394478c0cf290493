"""When the caller begins to speak, and when they have finished: turn-taking, from what a voice detector says. Pure.

A pause of GUESS_SECONDS has the words so far transcribed. How the guess ends says for how long to wait: a whole
sentence is over after a third of a second, one that trails off or is being spelled after most of a second, digits
after one and a half. Whoever goes on talking has not finished, and the guess is void.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

WINDOW_SECONDS = 0.032
"""What the voice detector looks at at a time: 512 samples."""
RECENT_WINDOWS = 6
START = 1.3
"""Sum of the probabilities of the recent windows from which somebody is speaking: on the phone, a word begins with some
windows that a detector is not sure about. Found on 30 questions of three voices, quiet and with noise at 20 and 10 dB:
START is reached 80 ms (median) after the first sound, 110 ms at most; noise, tones, clicks and knocks never do."""
START_WINDOWS = 2
"""So many of them have to be POSSIBLE, so that no click is a word."""
BARGE = 1.6
BARGE_WINDOWS = 3
"""The same while the agent is speaking: after 90 ms, 180 ms at most."""
POSSIBLE = 0.25
STOP = 0.35
"""Below this probability, a window within a turn is silence."""
GUESS_SECONDS = 0.15
LONGEST_SECONDS = 60.0
"""Nobody speaks for this long; something on the line does."""
SPLIT_SECONDS = 9.5
"""The recognizer takes ten at once."""
SPLIT_FROM_SECONDS = 5.0
"""A part ends at the clearest pause after this time."""


class Ending(Enum):
    """How what was said so far ends."""

    NO_WORDS = "no_words"
    COMPLETE = "complete"
    OPEN = "open"
    """More is to come: it trails off, or is being spelled."""
    DIGITS = "digits"
    """A number is being dictated."""

    @property
    def seconds(self) -> float:
        """After how much silence nothing more is expected."""
        return _SECONDS[self]


_SECONDS = {Ending.NO_WORDS: 0.32, Ending.COMPLETE: 0.32, Ending.OPEN: 0.8, Ending.DIGITS: 1.5}


class Cue(Enum):
    """What follows from a window."""

    NOTHING = "nothing"
    BEGAN = "began"
    """The caller has begun to speak, at most RECENT_WINDOWS ago."""
    GUESS = "guess"
    """What they have said so far is to be transcribed; `Turns.guess` numbers it."""
    SPLIT = "split"
    """The first `Turns.split` windows are a part of their own, and to be transcribed."""
    ENDED = "ended"
    """They have finished."""


@dataclass
class Turns:
    """The caller's turns. Give `step` every window in order, and `guessed` each transcribed guess."""

    number: int = 0
    """The turn that is going on, or the last one."""
    is_on: bool = False
    guess: int = 0
    """Number of the guess that counts: a transcript with another number is void."""
    split: int = 0
    _recent: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT_WINDOWS))
    _silence: int = 0
    _is_guessing: bool = False
    _ending: Ending | None = None
    _windows: int = 0
    """Of this part of the turn."""
    _before: int = 0
    """Windows of its earlier parts."""
    _pause: tuple[float, int] = (1.0, 0)
    """The lowest probability at which this part could be split, and its position."""

    @property
    def windows(self) -> int:
        """How many windows this part of the turn has."""
        return self._windows

    @property
    def silence(self) -> int:
        """How many windows of silence it ends with."""
        return self._silence

    def step(self, probability: float, *, agent_speaks: bool) -> Cue:
        """Takes one window into account."""
        if not self.is_on:
            self._recent.append(probability)
            total, count = (BARGE, BARGE_WINDOWS) if agent_speaks else (START, START_WINDOWS)
            if sum(self._recent) < total or sum(one >= POSSIBLE for one in self._recent) < count:
                return Cue.NOTHING
            self._begin()
            return Cue.BEGAN
        self._windows += 1
        if probability < STOP:
            self._silence += 1
        else:
            self._silence = 0
            self._void()
        if self._windows * WINDOW_SECONDS >= SPLIT_FROM_SECONDS and probability <= self._pause[0]:
            self._pause = probability, self._windows
        return self._next()

    def _next(self) -> Cue:
        silence = self._silence * WINDOW_SECONDS
        if self._is_over(silence) or (self._before + self._windows) * WINDOW_SECONDS >= LONGEST_SECONDS:
            return self._end()
        if silence >= GUESS_SECONDS and not self._is_guessing:
            self._is_guessing = True
            return Cue.GUESS
        if self._windows * WINDOW_SECONDS >= SPLIT_SECONDS and not self._is_guessing:
            self.split = self._pause[1] or self._windows
            self._before += self.split
            self._windows -= self.split
            self._pause = (1.0, 0)
            return Cue.SPLIT
        return Cue.NOTHING

    def guessed(self, guess: int, ending: Ending) -> Cue:
        """Takes into account how a guess ends, unless it is void."""
        if not self.is_on or guess != self.guess or not self._is_guessing:
            return Cue.NOTHING
        self._ending = ending
        return self._end() if self._is_over(self._silence * WINDOW_SECONDS) else Cue.NOTHING

    def _is_over(self, silence: float) -> bool:
        return self._ending is not None and silence >= self._ending.seconds

    def _void(self) -> None:
        if self._is_guessing:
            self.guess += 1
        self._is_guessing, self._ending = False, None

    def _begin(self) -> None:
        self.number += 1
        self.is_on = True
        self.guess += 1
        self._is_guessing, self._ending = False, None
        first = next(at for at, one in enumerate(self._recent) if one >= POSSIBLE)
        self._silence, self._windows, self._before, self._pause = 0, len(self._recent) - first, 0, (1.0, 0)
        self._recent.clear()

    def _end(self) -> Cue:
        self.is_on = False
        return Cue.ENDED
