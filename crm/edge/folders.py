"""Folders that other processes write to at the same time."""

from __future__ import annotations

import os
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
