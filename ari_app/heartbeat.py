"""The app's sign of life, run/app.json: how it is written and read."""

from __future__ import annotations

import errno
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from crm.config import Config


def write(path: Path, state: bytes) -> None:
    """Writes the file. On a full disk it overwrites the previous one, which needs no room. Raises OSError."""
    fresh = path.with_suffix(".new")
    try:
        fresh.write_bytes(state)
        fresh.replace(path)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        fresh.unlink(missing_ok=True)
        with path.open("r+b") as file:
            file.write(state.ljust(os.fstat(file.fileno()).st_size))


def beat_of(config: Config) -> dict[str, Any]:
    """The latest sign of life; empty if there is none that can be read."""
    try:
        state = json.loads((config.run_folder / "app.json").read_text())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def last_sign(config: Config) -> datetime | None:
    """When the app that last wrote it was alive; None if that is unknown."""
    try:
        at = datetime.fromisoformat(beat_of(config)["at"])
    except (KeyError, ValueError, TypeError):
        return None
    return at if at.tzinfo else None


def is_connected(config: Config, since: datetime, pid: int | None = None) -> bool:
    """Whether a live app, with this `pid` if given, has reported since that time that it is connected to Asterisk."""
    state = beat_of(config)
    try:
        os.kill(state["pid"], 0)
    except (OSError, KeyError, TypeError):
        return False
    return bool(state["connected"]) and datetime.fromisoformat(state["at"]) >= since and pid in (None, state["pid"])
