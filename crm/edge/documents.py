"""Files that people upload, on disk: of a few types, told by their content, under generated names.

They are stored unchanged and never displayed: they have to be saved before anybody opens them.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import puremagic

TYPES = {
    "application/pdf": ".pdf",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/heif": ".heic",
}
"""Accepted types with their file extensions."""
HEAD = 4096
"""Bytes of a file that its type is told by."""
_NAME = re.compile(r"[0-9a-f]{32}")


def media_type(head: bytes) -> str | None:
    """Returns the type of a file by its first bytes; None if it is not accepted."""
    try:
        found = puremagic.magic_string(head[:HEAD])
    except (puremagic.PureError, ValueError):
        return None
    best = found[0].mime_type if found else ""
    return best if best in TYPES else None


def new(folder: Path) -> tuple[str, BinaryIO]:
    """Creates a file that only our own user can read; returns its name, and the file open for writing."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = secrets.token_hex(16)
    return name, os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def path_of(folder: Path, name: str) -> Path | None:
    """Returns the path of a file; None for any name that is not a generated one, so that nothing else is read or
    deleted."""
    return folder / name if _NAME.fullmatch(name) else None


def delete(folder: Path, name: str) -> None:
    if path := path_of(folder, name):
        path.unlink(missing_ok=True)


def older_than(folder: Path, at: float) -> Iterator[str]:
    """Yields the names of files last written before a time (epoch seconds)."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False) and entry.stat().st_mtime < at:
                yield entry.name


def shown_name(raw: str) -> str:
    """Returns the original name of a file, without folders or unprintable characters."""
    name = re.split(r"[/\\]", raw)[-1]
    return "".join(character if character.isprintable() else " " for character in name).strip()[:200]
