"""Keeps other programs' logs short: Asterisk's, and the output of programs that start and stop.

They keep the file open and append to it, so it is copied and then truncated, which works without their help and while
they hang. The app's own log (ari_app/log.py) rotates by itself. What the dialplan logs about calls is left for the
import.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from crm.config import Config

LOOK_SECONDS = 2.0
"""An attacker can cause some hundred kilobytes in this time."""
LONGEST = 10_000_000
"""Bytes of a log, and of each older part that is kept."""
KEPT = 3

_log = logging.getLogger(__name__)


async def look_after(config: Config) -> None:
    """Rotates all logs that are too long. Raises OSError if that fails for some."""
    await asyncio.to_thread(_turn_all, config)


def _turn_all(config: Config) -> None:
    failed = None
    for log in logs(config):
        try:
            turn(log)
        except OSError as error:
            failed = error
    if failed:
        raise failed


def logs(config: Config) -> Iterator[Path]:
    """Every log file that another program keeps writing to."""
    yield from (path for path in (config.asterisk_folder / "log").glob("*") if path.is_file() and not _is_old(path))
    yield from config.log_folder.glob("*.out")


def turn(log: Path, longest: int = LONGEST) -> bool:
    """Rotates a log if it is too long; returns whether it did. Blocks. Raises OSError."""
    if log.stat().st_size <= longest:
        return False
    for number in range(KEPT, 1, -1):
        if (older := _old(log, number - 1)).exists():
            older.replace(_old(log, number))
    try:
        _old(log, 1).touch(mode=0o600)
        with log.open("rb") as whole, _old(log, 1).open("wb") as part:
            whole.seek(max(0, log.stat().st_size - longest))
            shutil.copyfileobj(whole, part)
    except OSError as error:
        # The disk is full, perhaps because of this very log.
        _log.warning("the end of a log is not kept", extra={"log": log.name, "error": error.strerror})
    os.truncate(log, 0)
    return True


def _old(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")


def _is_old(path: Path) -> bool:
    return path.suffix[1:].isdigit()
