"""How the app logs: one line per fact in <home>/log/app.log, each with its call, without line breaks and with nothing
that a caller sent.

Fields are passed as `extra`; those named `pii_...` are masked. Searching for a call's id shows the whole call.
"""

from __future__ import annotations

import io
import logging
import logging.handlers
import os
import time
from contextvars import ContextVar
from pathlib import Path

call_id: ContextVar[str] = ContextVar("call_id", default="-")
"""The call that the current task works for."""

MAX_BYTES = 5_000_000
KEPT_FILES = 5

_STANDARD = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "call", "taskName"}


class Formatter(logging.Formatter):
    """`time LEVEL call message key=value ...`, with everything that is not plain text escaped."""

    def __init__(self) -> None:
        super().__init__()
        self._second = 0, ""
        """The latest that was written, and how."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """As usual; but a second is written once for all its lines."""
        second, text = self._second
        if second != int(record.created):
            second = int(record.created)
            text = time.strftime(self.default_time_format, self.converter(second))
            self._second = second, text
        return f"{text},{int(record.msecs):03d}"

    def format(self, record: logging.LogRecord) -> str:
        fields = [f"{name}={_shown(name, value)}" for name, value in record.__dict__.items() if name not in _STANDARD]
        call = record.__dict__.get("call") or call_id.get()
        head = f"{self.formatTime(record)} {record.levelname} {call} {_plain(record.getMessage())}"
        line = " ".join([head, *fields])
        if record.exc_info:
            # A traceback's lines stay lines; they contain code, and the exception's text.
            trace = "\n".join(_plain(part) for part in self.formatException(record.exc_info).splitlines())
            line = f"{line}\n{trace}"
        return line


class _File(logging.handlers.RotatingFileHandler):
    """Counts how long the file is. Its base asks the disk, and formats twice, for each line."""

    _length = 0

    def _open(self) -> io.TextIOWrapper:
        stream = super()._open()
        self._length = os.fstat(stream.fileno()).st_size
        return stream

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        self._length += len(line) + 1
        return line

    def shouldRollover(self, record: logging.LogRecord) -> bool:
        return self._length > self.maxBytes


def to_file(path: Path, level: int = logging.INFO) -> None:
    """Sends everything the app logs to `path`, which only its owner can read, in files of limited size."""
    handler: logging.Handler
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        handler = _File(path, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8")
    except OSError:
        # Calls matter more than their logs.
        handler = logging.StreamHandler()
    handler.setFormatter(Formatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Libraries that log requests would log numbers and secrets.
    for library in ("aiohttp", "httpx", "httpcore", "uvicorn", "sqlalchemy", "alembic", "panoramisk", "asyncio"):
        logging.getLogger(library).setLevel(logging.WARNING)


def _shown(name: str, value: object) -> str:
    return "***" if name.startswith("pii_") else _plain(str(value))


def _plain(text: str) -> str:
    return text if text.isprintable() and text.isascii() else text.encode("unicode_escape").decode()
