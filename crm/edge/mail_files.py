"""Emails and large posts as received, in files named by their SHA-256: `<first two digits>/<hash>.eml`, or `.post`."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from crm.edge import folders

CHUNK = 64 * 1024
POST = ".post"
UNFINISHED = ".post-"


@dataclass(frozen=True)
class TakenMail:
    """An email read from a pipe or a mailbox, up to the size that is kept."""

    raw: bytes
    size: int
    """Bytes of the whole email; more than `raw` has if the email was too large."""

    @property
    def is_whole(self) -> bool:
        return len(self.raw) == self.size


BEGINNING = 256 * 1024
"""Bytes kept of an email that is too large: its headers, and most likely its text."""


def take(stream: IO[bytes], longest: int) -> TakenMail:
    """Reads an email to its end; of one larger than `longest` bytes only the beginning is kept."""
    raw, size = bytearray(), 0
    while chunk := stream.read(CHUNK):
        size += len(chunk)
        if size <= longest:
            raw += chunk
        else:
            del raw[BEGINNING:]
    return TakenMail(bytes(raw), size)


def keep(folder: Path, raw: bytes) -> str:
    """Writes an email to its file and returns the hash that names it once it is on the disk. Raises OSError."""
    name = hashlib.sha256(raw).hexdigest()
    path = file_of(folder, name)
    if path.exists():
        return name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folders.write(path, raw)
    folders.sync(path.parent)
    return name


class NewPost:
    """A post that is written as it comes; its file has no name until `keep`. Each method may raise OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / f"{UNFINISHED}{secrets.token_hex(8)}"
        self._hash = hashlib.sha256()
        self._out = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")

    def write(self, piece: bytes) -> None:
        self._hash.update(piece)
        self._out.write(piece)

    def keep(self) -> str:
        """Returns the name by which it is found once it is on the disk."""
        self._out.flush()
        os.fsync(self._out.fileno())
        self._out.close()
        name = f"{self._hash.hexdigest()}{POST}"
        path = file_of(self._folder, name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.replace(path)
        folders.sync(path.parent)
        return name

    def drop(self) -> None:
        """Deletes it, unless it is kept."""
        with contextlib.suppress(OSError):
            self._out.close()
        self._path.unlink(missing_ok=True)


def drop_unfinished(folder: Path, before: float) -> None:
    """Deletes posts that somebody began to write before that time (epoch seconds) and never finished."""
    for path in folder.glob(f"{UNFINISHED}*"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < before:
                path.unlink()


def load(folder: Path, name: str) -> bytes:
    """Reads what is stored under a name. Raises OSError, FileNotFoundError among them."""
    return file_of(folder, name).read_bytes()


def file_of(folder: Path, name: str) -> Path:
    """Returns the file with this name: the hash of an email, or that of a post with `POST` behind it. Raises
    FileNotFoundError if it is neither."""
    hash = name.removesuffix(POST)
    if not (len(hash) == 64 and set(hash) <= set("0123456789abcdef")):
        raise FileNotFoundError(name)
    return folder / name[:2] / (name if name.endswith(POST) else f"{name}.eml")
