"""Passwords of this system, in one file of the home that only its owner may read.

Names are a word or a kind with a slug: `ari`, `ami`, `device/alice-desk`, `trunk/acme`. Values never show in a repr, an
error or a log line.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import string
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crm.edge import folders

LENGTH = 32
"""Characters of a generated secret: 190 bits."""

# Letters and digits alone mean themselves in Asterisk's configuration, in a URL, in SIP and in a shell.
ALPHABET = string.ascii_letters + string.digits

LONGEST = 200

AI_KEYS = {"llm": "language_model", "stt": "stt", "tts": "tts"}
"""Names of the keys for ai.llm_url, ai.stt_url and ai.tts_url."""


class SecretError(Exception):
    """The secrets file cannot be used, or has no such entry; the text says what to do and contains no value."""


def of_trunk(slug: str) -> str:
    """The name of a trunk's password."""
    return f"trunk/{slug}"


class Secrets:
    """The secrets file at `path`. Each call reads the file anew, so that several processes see each other's changes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"Secrets({str(self.path)!r})"

    def get(self, name: str) -> str:
        """The value; raises SecretError when there is none."""
        try:
            return self._read()[name]
        except KeyError:
            raise SecretError(f"{self.path} has no entry {name!r}: `leaseline doctor` says how to make it.") from None

    def has(self, name: str) -> bool:
        return name in self._read()

    def ensure(self, name: str) -> str:
        """The value, generated and stored first when there is none yet; one that is there wants no disk to write on."""
        if self.has(name):
            return self.get(name)
        with self._changing() as entries:
            if name not in entries:
                entries[name] = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
            return entries[name]

    def renew(self, name: str) -> str:
        """A new generated value in place of the old one."""
        with self._changing() as entries:
            entries[name] = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
            return entries[name]

    def put(self, name: str, value: str) -> None:
        """Stores a value that somebody else chose, such as a carrier's password."""
        problem = unusable(value)
        if problem:
            raise SecretError(f"This password cannot be used: {problem}.")
        with self._changing() as entries:
            entries[name] = value

    def remove(self, name: str) -> None:
        """Forgets a value; one that is not there is forgotten already."""
        with self._changing() as entries:
            entries.pop(name, None)

    def _read(self) -> dict[str, str]:
        try:
            entries = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except PermissionError:
            raise SecretError(f"{self.path} may not be read by this user: run as the user who owns it.") from None
        except ValueError:
            entries = None
        if not isinstance(entries, dict) or not all(isinstance(value, str) for value in entries.values()):
            raise SecretError(f"{self.path} is damaged: restore it from a backup, or set every password again.")
        return entries

    @contextmanager
    def _changing(self) -> Iterator[dict[str, str]]:
        """The entries, to be changed in place; written when the block ends well and something changed."""
        with self._locked():
            entries = self._read()
            before = dict(entries)
            yield entries
            if entries != before:
                self._write(entries)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # The lock is a file of its own: each change replaces the secrets file, and a lock would stay on the old one.
        try:
            lock = os.open(self.path.with_name(self.path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SecretError(f"{self.path} cannot be changed: {error.strerror}.") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, entries: dict[str, str]) -> None:
        try:
            folders.write(self.path, f"{json.dumps(entries, indent=1, sort_keys=True)}\n".encode())
            folders.sync(self.path.parent)
        except OSError as error:
            raise SecretError(f"{self.path} cannot be changed: {error.strerror}.") from error


def unusable(value: str) -> str:
    """Why a password cannot be used, or an empty string."""
    if not value:
        return "it is empty"
    if len(value) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if not value.isprintable() or not value.isascii():
        return "it has control characters or letters outside ASCII, which SIP phones disagree about"
    if value != value.strip():
        return "it begins or ends with a space"
    return ""
