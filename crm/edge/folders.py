"""Folders that other processes write to at the same time, and files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG


def files_in(folder: Path, suffix: str = "") -> Iterator[tuple[Path, os.stat_result]]:
    """The folder's files whose names end so, by name, with what the disk says of each. Leaves out what is gone by the
    time it is looked at; a folder that is not there has none. Raises OSError for other reasons."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(suffix))
    except FileNotFoundError:
        return
    for name in names:
        path = folder / name
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        if S_ISREG(found.st_mode):
            yield path, found


def write(path: Path, content: bytes) -> None:
    """Writes a file completely or not at all, readable only by its owner. It is on the disk when this returns; its name
    is once the folder is, too (`sync`). Raises OSError."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        new.replace(path)
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)


def sync(folder: Path) -> None:
    """Waits until the names of the folder's files are on the disk. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
