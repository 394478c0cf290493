"""What a person sees of a setup, and what it ends with."""

from __future__ import annotations

import shutil
import sys
import time


class SetupError(Exception):
    """The setup cannot continue. The text is one sentence for the person at the terminal, and says what to do."""


class DiskFull(SetupError):
    """The disk is full."""


class Progress:
    """What a person sees: on a terminal, one line that changes in place; in a log, a line now and then."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._next_line = 0.0
        self._last = ""

    def show(self, text: str) -> None:
        """Shows what is going on; the next text replaces it."""
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{text}"[: width + 4], end="", file=sys.stderr, flush=True)
        elif text != self._last and time.monotonic() >= self._next_line:
            self._last = text
            self._next_line = time.monotonic() + 5
            print(text, file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """Shows what is done; the text stays."""
        print(f"\r\033[K{text}" if self._live else text, file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
