"""Files that people send, on disk: of a few types, by what is in them, under names of our own.

They are written as they came and are never shown: whoever reads one saves it first.
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
"""What is taken, and how a file of it ends."""
HEAD = 4096
"""Bytes of a file that tell its type."""
_NAME = re.compile(r"[0-9a-f]{32}")


def media_type(head: bytes) -> str | None:
    """What a file is, by its first bytes; None: nothing that is taken."""
    try:
        found = puremagic.magic_string(head[:HEAD])
    except (puremagic.PureError, ValueError):
        return None
    best = found[0].mime_type if found else ""
    return best if best in TYPES else None


def new(folder: Path) -> tuple[str, BinaryIO]:
    """A new file to write to, which only our own user may read, and its name."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = secrets.token_hex(16)
    return name, os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def path_of(folder: Path, name: str) -> Path | None:
    """Where a file is; None for a name that is not one of ours, so that nothing else is ever read or deleted."""
    return folder / name if _NAME.fullmatch(name) else None


def delete(folder: Path, name: str) -> None:
    if path := path_of(folder, name):
        path.unlink(missing_ok=True)


def older_than(folder: Path, at: float) -> Iterator[str]:
    """Names of the files that were written last before then (epoch seconds)."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False) and entry.stat().st_mtime < at:
                yield entry.name


def shown_name(raw: str) -> str:
    """What a file was called where it came from, without folders or anything that does not print."""
    name = re.split(r"[/\\]", raw)[-1]
    return "".join(character if character.isprintable() else " " for character in name).strip()[:200]
