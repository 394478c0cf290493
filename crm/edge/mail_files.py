"""Emails as received, in files named by their SHA-256: `<first two digits>/<hash>.eml`."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CHUNK = 64 * 1024


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
    new = path.with_name(f".{name}.{secrets.token_hex(4)}.new")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as out:
            out.write(raw)
            out.flush()
            os.fsync(out.fileno())
        new.replace(path)
        _sync(path.parent)
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
    return name


def load(folder: Path, name: str) -> bytes:
    """Reads a stored email. Raises OSError, FileNotFoundError among them."""
    return file_of(folder, name).read_bytes()


def file_of(folder: Path, name: str) -> Path:
    """Returns the file of the email with this hash. Raises FileNotFoundError if it is not a hash."""
    if not (len(name) == 64 and set(name) <= set("0123456789abcdef")):
        raise FileNotFoundError(name)
    return folder / name[:2] / f"{name}.eml"


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
