"""Incoming texts on their way to the database: stored at once, or kept on disk until the database answers.

Texts come from webhooks (`accept`) and from Asterisk's log entries, which `crm.services.calls.spool` sorts into the
same folder: spool/<name>.text, one text per line. A file goes to spool/done/ once its texts are committed; a text's key
keeps it from being stored twice. A text that can never be stored goes to spool/rejected/.

A flood is stored in batches, each followed by a pause as long as it took: calls share this process and this database,
and must not wait for texts.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import logging
import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from crm.config import Config
from crm.context import Crm
from crm.domain.errors import Unavailable
from crm.edge import folders, spool_folder
from crm.edge.carrier import IncomingText
from crm.services.texts import messages

LOOK_SECONDS = 2.0
BATCH = 5
"""Texts per transaction."""
A_FILE = 100
"""Texts from Asterisk's log entries per file."""
MOST_AT_ONCE = 8
"""Texts from webhooks handled at the same time; any more wait on disk."""

_ENTRY = re.compile(r"(\d{1,10}) ([A-Za-z0-9+/=]+) ([A-Za-z0-9+/=]+) ([A-Za-z0-9+/=]+) ([A-Za-z0-9+/=]+)", re.ASCII)
_USER = re.compile(r"(?:sips?|tel|pjsip):([^@;>\s]*)", re.IGNORECASE)
_log = logging.getLogger(__name__)


class Inbox:
    def __init__(self, crm: Crm) -> None:
        self._crm = crm
        self.look_now = asyncio.Event()
        """Set when Asterisk's log entries contained texts."""
        self._accepting = 0

    async def accept(self, incoming: IncomingText) -> None:
        """Returns once the text is safe in the database or on disk. Raises OSError if it is in neither."""
        if self._accepting >= MOST_AT_ONCE:
            await asyncio.to_thread(keep, self._crm.config, [incoming])
            return
        self._accepting += 1
        try:
            async with asyncio.timeout(self._crm.config.survival.store_seconds / 2):
                # The carrier waits for our answer; Telnyx, for example, two seconds.
                await self._crm.store.run(messages.receive, self._crm.config, incoming, self._crm.now())
        except (Unavailable, TimeoutError) as error:
            _log.warning("a text waits on disk for the database", extra={"error": type(error).__name__})
            await asyncio.to_thread(keep, self._crm.config, [incoming])
        finally:
            self._accepting -= 1

    async def import_all(self) -> int:
        """Stores the texts waiting on disk, and returns their number. Raises Unavailable, and OSError if some files
        cannot be read or put aside, after storing all others."""
        count, failed = 0, None
        for path in await asyncio.to_thread(_waiting, self._crm.config):
            try:
                count += await self._import(path)
            except OSError as error:
                failed = error
        if failed:
            raise failed
        return count

    async def _import(self, path: Path) -> int:
        """Stores a file's texts; those that can never be stored are set aside."""
        rejected: list[bytes] = []
        whole: list[tuple[bytes, IncomingText]] = []
        for line in (await asyncio.to_thread(path.read_bytes)).splitlines() or [b""]:
            try:
                whole.append((line, msgspec.json.decode(line, type=IncomingText)))
            except msgspec.MsgspecError as error:
                _reject(path, line, error, rejected)
        count = len(whole)
        for start in range(0, len(whole), BATCH):
            began = time.monotonic()
            batch = whole[start : start + BATCH]
            if len(batch) == 1 or not await self._take_in_all([one for _, one in batch]):
                for line, one in batch:
                    try:
                        await self._crm.store.run(messages.receive, self._crm.config, one, self._crm.now())
                    except Unavailable:
                        raise
                    except Exception as error:  # noqa: BLE001 - a door
                        _reject(path, line, error, rejected)
                        count -= 1
            if len(batch) == BATCH:
                await asyncio.sleep(time.monotonic() - began)
        if rejected:
            await asyncio.to_thread(_keep_rejected, path, rejected)
        await asyncio.to_thread(spool_folder.put_aside, path)
        return count

    async def _take_in_all(self, texts: Sequence[IncomingText]) -> bool:
        """Stores all texts or none; False when one of them fails, so that each must be tried alone."""
        try:
            await self._crm.store.run(messages.receive_all, self._crm.config, texts, self._crm.now())
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - a door
            _log.warning("texts are taken in one by one", extra={"error": type(error).__name__})
            return False
        return True


def _waiting(config: Config) -> list[Path]:
    """The files waiting, oldest first, leaving out any that another process has just moved away."""
    found = []
    for path in config.spool_folder.glob("*.text"):
        with suppress(FileNotFoundError):
            found.append((path.stat().st_mtime, path.name, path))
    return [path for _, _, path in sorted(found)]


def _reject(path: Path, line: bytes, error: Exception, rejected: list[bytes]) -> None:
    # A driver's message would quote the text, so only the error's type is logged.
    _log.error("a text was rejected", extra={"file": path.name, "error": type(error).__name__})
    rejected.append(line)


def _keep_rejected(path: Path, rejected: Sequence[bytes]) -> None:
    folder = path.parent / "rejected"
    folder.mkdir(mode=0o700, exist_ok=True)
    with os.fdopen(os.open(folder / path.name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(b"".join(line + b"\n" for line in rejected))
        file.flush()
        os.fsync(file.fileno())


def keep(config: Config, texts: Sequence[IncomingText]) -> None:
    """Writes texts to files; writing them again is harmless. Raises OSError."""
    for start in range(0, len(texts), A_FILE):
        some = texts[start : start + A_FILE]
        name = hashlib.sha256("\n".join(map(messages.key_of, some)).encode()).hexdigest()[:32]
        path = config.spool_folder / f"{name}.text"
        folders.write(path, b"\n".join(map(msgspec.json.encode, some)))
    folders.sync(config.spool_folder)


def from_entry(line: str) -> IncomingText | None:
    """Parses a text from a log entry of Asterisk's (context texts-from-trunk): time, From, To, id and body. None for
    anything else."""
    found = _ENTRY.fullmatch(line)
    if not found:
        return None
    try:
        sender, to, id, body = (_decoded(part) for part in found.groups()[1:])
    except (binascii.Error, ValueError):
        return None
    # The content is included because a carrier may restart its ids: then it repeats the id, but not the text.
    identity = hashlib.sha256("\n".join((id, sender, to, body)).encode()).hexdigest()
    at = datetime.fromtimestamp(int(found[1]), UTC)
    return IncomingText("sip", identity, _user(sender), _user(to), body, at)


def _decoded(part: str) -> str:
    raw = base64.b64decode(part, validate=True).removeprefix(b"=")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _user(uri: str) -> str:
    """The user part of `"Name" <sip:user@host>`, looked for after the last <, since a name may contain anything."""
    found = _USER.search(uri, uri.rfind("<") + 1)
    return found[1] if found else ""
