"""Incoming texts on their way to the database: taken in at once, or kept on disk until the database answers.

Texts come from webhooks (`accept`) and from Asterisk's notes, which `crm.services.spool` sorts into the same folder:
one file a text, spool/<name>.text. A file goes to spool/done/ when its text is committed; should it be taken in twice,
its key tells. One that can never be taken in goes to spool/rejected/.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import logging
import os
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from crm.config import Config
from crm.domain.errors import Unavailable
from crm.edge.carrier import IncomingText
from crm.services import messages
from crm.store.session import Store

KEPT = timedelta(days=30)
LOOK_SECONDS = 2.0

_NOTE = re.compile(r"(\d{1,10}) ([A-Za-z0-9+/=]+) ([A-Za-z0-9+/=]+) ([A-Za-z0-9+/=]+) ([A-Za-z0-9+/=]+)", re.ASCII)
_USER = re.compile(r"(?:sips?|tel|pjsip):([^@;>\s]*)", re.IGNORECASE)
_log = logging.getLogger(__name__)


class Inbox:
    """`on_texts` is called after a text was taken in: an answer may wait in the outbox."""

    def __init__(
        self, store: Store, config: Config, clock: Callable[[], datetime], on_texts: Callable[[], None]
    ) -> None:
        self._store, self._config, self._clock, self._on_texts = store, config, clock, on_texts
        self.look_now = asyncio.Event()

    async def accept(self, incoming: IncomingText) -> None:
        """Returns when the text is safe, in the database or on disk. Raises OSError when it is neither."""
        try:
            async with asyncio.timeout(self._config.survival.store_seconds / 2):
                # A carrier waits for our answer, two seconds at Telnyx.
                await messages.receive(self._store, self._config, incoming, self._clock())
        except (Unavailable, TimeoutError) as error:
            _log.warning("a text waits on disk for the database", extra={"error": type(error).__name__})
            await asyncio.to_thread(keep, self._config, incoming)
        else:
            self._on_texts()

    async def run(self) -> None:
        """Takes in what waits on disk, until it is cancelled."""
        while True:
            self.look_now.clear()
            try:
                await self.import_all()
            except OSError as error:
                _log.error("the spool cannot be read", extra={"error": error.strerror})
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self.look_now.wait()

    async def import_all(self) -> int:
        """Returns how many texts were taken in now."""
        count = 0
        for path in sorted(
            self._config.spool_folder.glob("*.text"), key=lambda path: (path.stat().st_mtime, path.name)
        ):
            try:
                incoming = msgspec.json.decode(path.read_bytes(), type=IncomingText)
                await messages.receive(self._store, self._config, incoming, self._clock())
                _move(path, "done")
            except Unavailable as error:
                _log.warning("texts wait on disk for the database", extra={"error": str(error)})
                break
            except OSError as error:
                _log.error("a text cannot be imported yet", extra={"error": error.strerror, "file": path.name})
                continue
            except Exception as error:  # noqa: BLE001 - a door
                # One text that can never be taken in must not hold up those behind it. Its file is kept. A driver's
                # message would quote the text, so only its kind is told.
                _log.error("a text was rejected", extra={"file": path.name, "error": type(error).__name__})
                with suppress(OSError):
                    _move(path, "rejected")
                continue
            count += 1
        if count:
            self._on_texts()
        _prune(self._config.spool_folder / "done", self._clock())
        return count


def keep(config: Config, incoming: IncomingText) -> None:
    """Writes a text to its file; harmless when it is there already. Raises OSError."""
    name = hashlib.sha256(messages.key_of(incoming).encode()).hexdigest()[:32]
    path = config.spool_folder / f"{name}.text"
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(incoming))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(config.spool_folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def from_note(line: str) -> IncomingText | None:
    """The text in a note of Asterisk's (context texts-from-trunk): time, From, To, id, body; None for anything else."""
    found = _NOTE.fullmatch(line)
    if not found:
        return None
    try:
        sender, to, id, body = (_decoded(part) for part in found.groups()[1:])
    except (binascii.Error, ValueError):
        return None
    # The content counts, too: a carrier that begins its ids anew after a restart repeats the id, not the text.
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
    """The user of `"Name" <sip:user@host>`: behind the last <, because a name may hold anything."""
    found = _USER.search(uri, uri.rfind("<") + 1)
    return found[1] if found else ""


def _move(path: Path, folder: str) -> None:
    done = path.parent / folder
    done.mkdir(mode=0o700, exist_ok=True)
    path.replace(done / path.name)


def _prune(done: Path, now: datetime) -> None:
    for path in done.glob("*.text"):
        with suppress(OSError):
            if now.timestamp() - path.stat().st_mtime > KEPT.total_seconds():
                path.unlink()
