"""The mailbox that is read over IMAP: every email in it is stored here, and nothing in it is changed.

`Mailboxes.keep` stays connected, takes in what is new, and waits until the server reports more (IDLE), or looks again
every few minutes. UIDs tell which emails are known. After each connection, and every so often, both sides are counted
and missing emails are fetched, so that any gap closes, whatever its cause; `doctor` shows the two numbers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.domain.errors import Conflict, Invalid, Unavailable
from crm.edge import mail_files
from crm.edge.mail_files import BEGINNING, TakenMail
from crm.edge.mailbox import Mailbox, MailboxError, MailboxServer, MailGone, MailHead
from crm.secrets import SecretError, Secrets, unusable
from crm.services import audit
from crm.services.arrivals import mails
from crm.services.arrivals.mails import CameBy
from crm.services.audit import By
from crm.store.models import MailFolder, MailFolderEntry
from crm.worker import Troubles

NAME = "mailbox"
"""Its name in the list of troubles."""
SECRET = "mail-in"
"""Name of the mailbox's password among the secrets."""
RETRY_SECONDS = 15.0
LONGEST_RETRY_SECONDS = 300.0
HELD_SECONDS = 5.0
"""How often to check whether this home may still be a copy; while it may, nothing is read."""
COUNT_EVERY = timedelta(hours=6)
HISTORY = timedelta(days=1)
"""Emails received this long before the mailbox was first read leave no task and no notice."""

Result = TypeVar("Result")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KnownFolder:
    """A folder as the database knows it."""

    id: int
    first_at: datetime


def put_secret(session: Session, secrets: Secrets, by: By, value: str) -> None:
    """Stores the password of the mailbox. Raises Invalid."""
    if problem := unusable(value):
        raise Invalid(f"This password cannot be used: {problem}.", code="mail_password_unusable")
    audit.record(session, by, "password of the mailbox set")
    secrets.put(SECRET, value)


def server_of(config: Config, secrets: Secrets) -> MailboxServer:
    """The mailbox in [mail.in], with the current password. Raises MailboxError."""
    inbox = config.mail.incoming
    try:
        password = secrets.get(SECRET)
    except SecretError as error:
        raise MailboxError("The mailbox's password is missing.") from error
    return MailboxServer(inbox.server, inbox.port, inbox.security, inbox.user, password, inbox.folder)


class Mailboxes:
    """Reads the mailbox of the settings."""

    def __init__(
        self,
        crm: Crm,
        troubles: Troubles,
        held: Callable[[], bool] = lambda: False,
        server: Callable[[Config, Secrets], MailboxServer] = server_of,
    ) -> None:
        self._crm, self._troubles, self._held, self._server = crm, troubles, held, server
        self._counted_at: datetime | None = None

    async def keep(self) -> None:
        """Reads until cancelled. Failures are reported as troubles, and retried."""
        pause = RETRY_SECONDS
        while True:
            if self._held():
                await asyncio.sleep(HELD_SECONDS)
                continue
            try:
                await self._connected(self._follow)
            except (MailboxError, Unavailable, Conflict, OSError) as error:
                self._troubles.failed(NAME, error if isinstance(error, (Unavailable, OSError)) else OSError(str(error)))
                pause = min(pause * 2, LONGEST_RETRY_SECONDS) if isinstance(error, MailboxError) else RETRY_SECONDS
            except Exception as error:  # noqa: BLE001 - a door: no email ends the reading of the others
                self._troubles.failed(NAME, error)
            await asyncio.sleep(pause)

    async def look(self) -> int:
        """Takes in new emails once; returns how many. Raises what its parts raise."""
        return await self._connected(self._take_all)

    async def _connected(self, act: Callable[[Mailbox], Awaitable[Result]]) -> Result:
        server = self._server(self._crm.config, self._crm.secrets)
        box = await asyncio.to_thread(Mailbox, server)
        try:
            return await act(box)
        except asyncio.CancelledError:
            # The thread that waits for the server cannot be cancelled, but it can be woken.
            box.abort()
            raise
        finally:
            await asyncio.to_thread(box.close)

    async def _follow(self, box: Mailbox) -> None:
        self._counted_at = None
        while not self._held():
            await self._take_all(box)
            self._troubles.well(NAME)
            await asyncio.to_thread(box.wait, self._crm.config.mail.incoming.look_minutes * 60)

    async def _take_all(self, box: Mailbox) -> int:
        crm = self._crm
        folder = await crm.store.run(opened, crm.config, box.state.uid_validity, crm.now())
        is_count_due = self._counted_at is None or crm.now() - self._counted_at >= COUNT_EVERY
        first = 1 if is_count_due else await crm.store.read(latest, folder.id) + 1
        there = await asyncio.to_thread(box.uids, first)
        missing = await crm.store.read(unknown, folder.id, there)
        count = 0
        async for head in _heads(box, missing):
            count += await self._take(box, folder, head)
        if is_count_due:
            await crm.store.run(counted, folder.id, there, crm.now())
            self._counted_at = crm.now()
        return count

    async def _take(self, box: Mailbox, folder: KnownFolder, head: MailHead) -> int:
        crm = self._crm
        longest = crm.config.mail.incoming.longest_megabytes * 1024 * 1024
        try:
            raw = await asyncio.to_thread(box.fetch, head.uid, BEGINNING if head.size > longest else longest)
        except MailGone:
            return 0
        mail = TakenMail(raw, max(head.size, len(raw)) if head.size > longest else len(raw))
        await asyncio.to_thread(mail_files.keep, crm.config.mails_folder, mail.raw)
        is_old = head.came_at is not None and head.came_at < folder.first_at - HISTORY
        came = CameBy("imap", at=head.came_at, is_old=is_old)
        return int(await crm.store.run(taken, crm.config, folder.id, head.uid, mail, came, crm.now()))


async def _heads(box: Mailbox, uids: list[int]) -> AsyncIterator[MailHead]:
    heads = box.heads(uids)
    while (head := await asyncio.to_thread(next, heads, None)) is not None:
        yield head


# --- acts and what they read ---


def opened(session: Session, config: Config, uid_validity: int, now: datetime) -> KnownFolder:
    """The folder, made if it is new. When its UIDs mean something else now, those known are forgotten: every email is
    fetched again, and found to be stored already."""
    inbox = config.mail.incoming
    found = select(MailFolder).where(
        MailFolder.server == inbox.server, MailFolder.user == inbox.user, MailFolder.folder == inbox.folder
    )
    folder = session.scalars(found).first()
    if folder is None:
        folder = MailFolder(
            server=inbox.server, user=inbox.user, folder=inbox.folder, uid_validity=uid_validity, first_at=now
        )
        session.add(folder)
        session.flush()
    elif folder.uid_validity != uid_validity:
        _log.warning("the mailbox has renumbered its emails", extra={"folder": folder.id})
        session.execute(delete(MailFolderEntry).where(MailFolderEntry.folder_id == folder.id))
        folder.uid_validity = uid_validity
    return KnownFolder(folder.id, folder.first_at)


def latest(session: Session, folder_id: int) -> int:
    """The highest UID that is known; 0: none."""
    found = select(func.max(MailFolderEntry.uid)).where(MailFolderEntry.folder_id == folder_id)
    return session.scalar(found) or 0


def unknown(session: Session, folder_id: int, uids: Sequence[int]) -> list[int]:
    """Those of the UIDs, given in order, that are not stored here."""
    if not uids:
        return []
    of_folder = MailFolderEntry.folder_id == folder_id
    known = session.scalars(
        select(MailFolderEntry.uid).where(of_folder, MailFolderEntry.uid.between(uids[0], uids[-1]))
    )
    here = set(known)
    return [uid for uid in uids if uid not in here]


def taken(
    session: Session, config: Config, folder_id: int, uid: int, mail: TakenMail, came: CameBy, now: datetime
) -> bool:
    """Stores an email whose file exists, and marks its UID as known; returns whether it is new."""
    id, is_new = mails.keep(session, config, mail, came, now)
    session.merge(MailFolderEntry(folder_id=folder_id, uid=uid, arrival_id=id))
    return is_new


def counted(session: Session, folder_id: int, there: Sequence[int], now: datetime) -> None:
    """Records how many emails are in the folder, and how many of them are stored here."""
    folder = session.get_one(MailFolder, folder_id)
    folder.there = len(there)
    folder.here = len(there) - len(unknown(session, folder_id, there))
    folder.counted_at = now
