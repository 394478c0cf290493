"""A mail folder over IMAP (RFC 3501), opened read-only, so that nothing in it ever changes.

All methods block and are meant for one thread at a time. `abort` may be called from another thread, to interrupt a
method that is waiting.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import select
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import imap_tools
from imap_tools.utils import check_command_status

SECONDS = 30.0
"""For connecting and for each response."""
IDLE_SECONDS = 20 * 60.0
"""IDLE is renewed before servers end it after half an hour (RFC 2177)."""
AT_ONCE = 500
"""UIDs per command."""


class MailboxError(Exception):
    """The folder cannot be read now. The message is for whoever administers mail."""


class MailGone(Exception):
    """The email is no longer in the folder, or the server does not return it."""


@dataclass(frozen=True)
class MailboxServer:
    host: str
    port: int
    security: str
    """starttls, tls or none."""
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    trusted: ssl.SSLContext | None = field(default=None, repr=False)
    """The certificate authorities to trust; None for the system's list."""


@dataclass(frozen=True)
class FolderState:
    uid_validity: int
    """If this changes, all UIDs are assigned anew (RFC 3501, 2.3.1.1)."""
    can_idle: bool
    """Whether the server reports new mail by itself (RFC 2177)."""


@dataclass(frozen=True)
class MailHead:
    uid: int
    size: int
    """Bytes."""
    came_at: datetime | None
    """When the server received it; None if the server does not say."""


class Mailbox:
    """A connection with one folder open."""

    def __init__(self, server: MailboxServer) -> None:
        """Raises MailboxError."""
        self._server = server
        with self._told():
            self._box = self._connected()
            try:
                if server.security == "starttls":
                    trusted = server.trusted or ssl.create_default_context()
                    check_command_status(self._box.client.starttls(trusted), imap_tools.MailboxStarttlsError)
                self._box.login(server.user, server.password, initial_folder=None)
                self._box.folder.set(server.folder, readonly=True)
                self.state = self._state()
            except BaseException:
                self.close()
                raise

    def _state(self) -> FolderState:
        client = self._box.client
        (raw,) = client.response("UIDVALIDITY")[1]
        if raw is None:
            raise imaplib.IMAP4.error("a folder without UIDVALIDITY")
        return FolderState(int(raw), "IDLE" in client.capabilities)

    def uids(self, first: int = 1) -> list[int]:
        """Returns the UIDs from `first` on, in ascending order. Raises MailboxError."""
        with self._told():
            found = self._box.uids(f"UID {first}:*", charset=None)
            # n:* includes the last email even if its UID is lower.
            return sorted(uid for uid in map(int, found) if uid >= first)

    def heads(self, uids: list[int]) -> Iterator[MailHead]:
        """Yields sizes and times in order; emails that are gone are skipped. Raises MailboxError."""
        for start in range(0, len(uids), AT_ONCE):
            some = ",".join(map(str, uids[start : start + AT_ONCE]))
            with self._told():
                answer = self._fetch(some, "(UID RFC822.SIZE INTERNALDATE)")
            heads = [_head(one if isinstance(one, bytes) else one[0]) for one in answer if one is not None]
            yield from sorted((one for one in heads if one), key=lambda one: one.uid)

    def fetch(self, uid: int, longest: int) -> bytes:
        """Returns the first `longest` bytes of an email, without marking it as read. Raises MailGone, MailboxError."""
        with self._told():
            status, answer = self._box.client.uid("FETCH", str(uid), f"(UID BODY.PEEK[]<0.{longest}>)")
        for one in answer if status == "OK" else ():
            if isinstance(one, tuple) and isinstance(one[1], bytes):
                return one[1]
        raise MailGone(uid)

    def wait(self, seconds: float) -> None:
        """Returns once the server reports a change, or after `seconds` at the latest. Raises MailboxError."""
        with self._told():
            if not self.state.can_idle:
                # `abort` interrupts this; a server without IDLE reports nothing by itself.
                poller = select.poll()
                poller.register(self._box.client.sock, select.POLLIN)
                poller.poll(seconds * 1000)
                self._box.client.noop()
                return
            try:
                self._box.idle.start()  # type: ignore[no-untyped-call]
            except imap_tools.errors.MailboxTaggedResponseError:
                # There was news before the server began to idle, and it reports that first.
                while self._box.client._get_response() is not None:
                    pass
            else:
                self._box.idle.poll(timeout=min(seconds, IDLE_SECONDS))
            self._box.idle.stop()  # type: ignore[no-untyped-call]

    def close(self) -> None:
        with contextlib.suppress(OSError, imaplib.IMAP4.error, imap_tools.ImapToolsError):
            self._box.client.sock.settimeout(2.0)
            self._box.logout()
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            self._box.client.shutdown()

    def abort(self) -> None:
        """Interrupts whatever waits for the server, from another thread; call `close` afterwards."""
        with contextlib.suppress(OSError):
            self._box.client.sock.shutdown(socket.SHUT_RDWR)

    def _connected(self) -> imap_tools.BaseMailBox:
        server = self._server
        if server.security == "tls":
            trusted = server.trusted or ssl.create_default_context()
            return imap_tools.MailBox(server.host, server.port, timeout=SECONDS, ssl_context=trusted)
        return imap_tools.MailBoxUnencrypted(server.host, server.port, timeout=SECONDS)

    def _fetch(self, uids: str, what: str) -> list[bytes | tuple[bytes, bytes] | None]:
        status, answer = self._box.client.uid("FETCH", uids, what)
        if status != "OK":
            raise imaplib.IMAP4.error(f"FETCH was answered with {status}")
        return list(answer)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Translates the libraries' exceptions into MailboxError."""
        where = f"The mailbox on {self._server.host}"
        try:
            yield
        except imap_tools.MailboxLoginError as error:
            raise MailboxError(f"{where} does not accept the user or password.") from error
        except imap_tools.MailboxFolderSelectError as error:
            raise MailboxError(f"{where} has no folder {self._server.folder}, or does not open it.") from error
        except ssl.SSLError as error:
            raise MailboxError(f"{where} has no certificate that this machine trusts, or no TLS.") from error
        except (OSError, imaplib.IMAP4.abort) as error:
            raise MailboxError(f"{where} cannot be reached on port {self._server.port}, or does not answer.") from error
        except (imaplib.IMAP4.error, imap_tools.ImapToolsError, ValueError) as error:
            raise MailboxError(f"{where} gave an unexpected answer.") from error


_UID = re.compile(rb"\bUID (\d+)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
_DATE = re.compile(rb'\bINTERNALDATE "([^"]{10,40})"')


def _head(answer: bytes) -> MailHead | None:
    uid, size, date = _UID.search(answer), _SIZE.search(answer), _DATE.search(answer)
    if not uid or not size:
        return None
    came_at = None
    if date:
        with contextlib.suppress(ValueError):
            came_at = datetime.strptime(date[1].decode("ascii").strip(), "%d-%b-%Y %H:%M:%S %z").astimezone(UTC)
    return MailHead(int(uid[1]), int(size[1]), came_at)
