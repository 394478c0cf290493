"""The app's sign of life, run/app.json, as others read it."""

from __future__ import annotations

import errno
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from crm.config import Config


def write(path: Path, state: bytes) -> None:
    """Raises OSError. On a full disk it goes where the one before stood: there it needs no room."""
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
    """The latest one; empty when there is none that can be read."""
    try:
        state = json.loads((config.run_folder / "app.json").read_text())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def last_sign(config: Config) -> datetime | None:
    """When the app that wrote it last was alive."""
    try:
        at = datetime.fromisoformat(beat_of(config)["at"])
    except (KeyError, ValueError, TypeError):
        return None
    return at if at.tzinfo else None


def is_connected(config: Config, since: datetime, pid: int | None = None) -> bool:
    """Whether a living app, that process if one is named, has said since then that it is connected to Asterisk."""
    state = beat_of(config)
    try:
        os.kill(state["pid"], 0)
    except (OSError, KeyError, TypeError):
        return False
    return bool(state["connected"]) and datetime.fromisoformat(state["at"]) >= since and pid in (None, state["pid"])
