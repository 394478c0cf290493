"""Reading the app's log (ari_app/log.py): one call's lines, or all, also those still to come."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

LOOK_SECONDS = 0.25
"""How often the file is looked at while it is followed."""

_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (?P<level>[A-Z]+) (?P<call>\S+) ")
"""How a line begins; the lines of a traceback follow that of their error."""
_SERIOUS = ("WARNING", "ERROR", "CRITICAL")


class Chosen:
    """Which lines are wanted: those of one call if one is named, and with `problems` only warnings and errors."""

    def __init__(self, call: str = "", *, problems: bool = False) -> None:
        self._call = call
        self._problems = problems
        self._is_wanted = not call and not problems

    def __call__(self, line: str) -> bool:
        if found := _LINE.match(line):
            is_theirs = not self._call or found["call"] == self._call
            self._is_wanted = is_theirs and (not self._problems or found["level"] in _SERIOUS)
        return self._is_wanted


class Log:
    """A log that is read to its end, and then followed, without missing what is written in between."""

    def __init__(self, path: Path, chosen: Chosen) -> None:
        """Raises OSError if there is no log."""
        self._path = path
        self._chosen = chosen
        self._file = path.open(encoding="utf-8", errors="replace")

    def close(self) -> None:
        self._file.close()

    def last(self, count: int) -> list[str]:
        """The latest `count` chosen lines, older parts of the log included."""
        kept: deque[str] = deque(maxlen=count)
        for older in _older(self._path):
            with contextlib.suppress(FileNotFoundError), older.open(encoding="utf-8", errors="replace") as lines:
                kept.extend(line for line in lines if self._chosen(line))
        kept.extend(line for line in self._file if self._chosen(line))
        return list(kept)

    def coming(self) -> Iterator[str]:
        """The chosen lines from there on, also after the log has become an older one. Never ends."""
        line, is_replaced = "", False
        while True:
            part = self._file.readline()
            line += part
            if line.endswith("\n"):
                if self._chosen(line):
                    yield line
                line = ""
            elif part:
                continue
            elif is_replaced:
                self._file.close()
                self._file = self._path.open(encoding="utf-8", errors="replace")
                line, is_replaced = "", False
            elif _is_replaced(self._path, self._file.fileno()):
                # Once more, for what was written just before.
                is_replaced = True
            else:
                time.sleep(LOOK_SECONDS)


def _is_replaced(path: Path, descriptor: int) -> bool:
    try:
        now = path.stat()
    except FileNotFoundError:
        return False  # It is being replaced at this moment.
    return (now.st_dev, now.st_ino) != (os.fstat(descriptor).st_dev, os.fstat(descriptor).st_ino)


def _older(path: Path) -> list[Path]:
    """The oldest first: app.log.5 to app.log.1."""
    numbered = [file for file in path.parent.glob(f"{path.name}.*") if file.suffix[1:].isdigit()]
    return sorted(numbered, key=lambda file: -int(file.suffix[1:]))
