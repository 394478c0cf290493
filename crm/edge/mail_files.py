"""Mails as they came, in files of the home named by what is in them: `<first two digits>/<hash>.eml`."""

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
    """A mail that was read from a pipe or a mailbox, as far as it is kept."""

    raw: bytes
    size: int
    """Bytes that it had; more than `raw` when it was too large."""

    @property
    def is_whole(self) -> bool:
        return len(self.raw) == self.size


BEGINNING = 256 * 1024
"""Bytes that are kept of a mail that is too large: its headers, and most likely its words."""


def take(stream: IO[bytes], longest: int) -> TakenMail:
    """Reads a mail to its end; of one above `longest` bytes the beginning is kept."""
    raw, size = bytearray(), 0
    while chunk := stream.read(CHUNK):
        size += len(chunk)
        if size <= longest:
            raw += chunk
        else:
            del raw[BEGINNING:]
    return TakenMail(bytes(raw), size)


def keep(folder: Path, raw: bytes) -> str:
    """Writes a mail into its file, and returns when it is on the disk; gives the hash that names it. Raises OSError."""
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
    """A mail that was kept. Raises OSError, FileNotFoundError among them."""
    return file_of(folder, name).read_bytes()


def file_of(folder: Path, name: str) -> Path:
    """The file of the mail with this hash."""
    if not (len(name) == 64 and set(name) <= set("0123456789abcdef")):
        raise FileNotFoundError(name)
    return folder / name[:2] / f"{name}.eml"


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
