"""Which workers are failing in each process, for `leaseline status` and `doctor`.

A process with troubles has a file, run/workers/<pid>.json, which changes only when they do.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from crm.config import Config
from crm.edge import processes
from crm.edge.processes import Process
from crm.worker import Trouble

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorkerHealth:
    """A worker that is waiting to try again."""

    worker: str
    trouble: str
    """Why, in a sentence."""
    since: datetime


class _TroubleFile(msgspec.Struct):
    process: Process
    troubles: dict[str, Trouble]


def show(config: Config, troubles: Mapping[str, Trouble]) -> None:
    """Writes the troubles of this process to its file; without any, the file is removed."""
    folder, me = _folder(config), processes.me()
    path = folder / f"{me.pid}.json"
    try:
        for left, file in _files(folder):
            if not file.process.is_alive:
                left.unlink(missing_ok=True)
        if not troubles:
            path.unlink(missing_ok=True)
            return
        folder.mkdir(mode=0o700, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(_TroubleFile(me, dict(troubles))))
        fresh.replace(path)
    except OSError as error:
        _log.warning("what does not work cannot be shown", extra={"reason": error.strerror})


def found(config: Config) -> list[WorkerHealth]:
    """The troubles of all live processes, the longest first."""
    shown = [
        WorkerHealth(name, trouble.what, trouble.since)
        for _, file in _files(_folder(config))
        if file.process.is_alive
        for name, trouble in file.troubles.items()
    ]
    return sorted(shown, key=lambda one: one.since)


def _files(folder: Path) -> Iterator[tuple[Path, _TroubleFile]]:
    for path in folder.glob("*.json"):
        with suppress(OSError, msgspec.MsgspecError):
            yield path, msgspec.json.decode(path.read_bytes(), type=_TroubleFile)


def _folder(config: Config) -> Path:
    return config.run_folder / "workers"
