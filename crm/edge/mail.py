"""Mail over SMTP: one connection that is kept open, and errors that tell "not sent" from "unknown".

Reply codes: RFC 5321, 4.2.1 (4yz may be retried, 5yz may not); time limits: 4.5.3.2.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.message import EmailMessage

import aiosmtplib

from crm.edge.delivery import DeliveryError, FateUnknown

SECONDS = 30.0
"""For connecting and for each command; servers answer in well under a second, spam filters take longer."""
KEPT_SECONDS = 30.0
"""A connection that has been idle this long is closed; servers close theirs after some minutes."""

STARTTLS, TLS, NONE = "starttls", "tls", "none"
SECURITIES = (STARTTLS, TLS, NONE)


class MailError(DeliveryError):
    """The email was certainly not sent. The message is for whoever administers mail."""


class MailUnknown(MailError, FateUnknown):
    """The server never said whether it accepted the email."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)


@dataclass(frozen=True)
class Server:
    host: str
    port: int
    security: str
    """One of SECURITIES."""
    user: str = ""
    """Empty: no login."""
    password: str = field(default="", repr=False)
    trusted: ssl.SSLContext | None = field(default=None, repr=False)
    """The certificate authorities to trust; None for the system's list."""


class Mailer:
    """Sends emails one after the other. `server` is called before each, so that a changed password takes effect at
    once; it may raise MailError."""

    def __init__(self, server: Callable[[], Server]) -> None:
        self._server = server
        self._connected_to: Server | None = None
        self._client: aiosmtplib.SMTP | None = None
        self._used_at = 0.0

    async def send(self, mail: EmailMessage, sender: str, recipient: str) -> None:
        """Returns once the server has accepted the email for the address `recipient`. Raises MailError, MailUnknown."""
        server = self._server()
        client = await self._ready(server)
        try:
            # In three steps instead of send_message, because an error means something else once the data has been sent.
            await _spoken(client.mail(sender), server)
            await _spoken(client.rcpt(recipient), server)
            await _data(client, mail.as_bytes(), server)
            self._used_at = asyncio.get_running_loop().time()
        except MailError:
            await self.close()
            raise

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await client.quit(timeout=2.0)
            client.close()

    async def _ready(self, server: Server) -> aiosmtplib.SMTP:
        """Returns the kept connection if it is still good, else a new one."""
        idle = asyncio.get_running_loop().time() - self._used_at
        if self._client is not None and self._connected_to == server and idle < KEPT_SECONDS:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await self._client.rset()
                return self._client
        await self.close()
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            timeout=SECONDS,
            use_tls=server.security == TLS,
            start_tls=server.security == STARTTLS,
            tls_context=server.trusted,
        )
        try:
            await _spoken(client.connect(), server)
            if server.user:
                await _spoken(client.login(server.user, server.password), server)
        except BaseException:
            client.close()
            raise
        self._client, self._connected_to = client, server
        return client


async def _spoken(command: Awaitable[object], server: Server) -> None:
    """Awaits a command that comes before the email's data: whatever fails, nothing was sent."""
    where = f"The mail server {server.host}"
    try:
        await command
    except aiosmtplib.SMTPAuthenticationError as error:
        raise MailError(
            f"{where} does not accept the user or password: correct mail.user, or set the password again with "
            "`leaseline mail secret`.",
            retryable=True,
        ) from error
    except aiosmtplib.SMTPResponseException as error:
        raise _refusal(where, error.code) from error
    except aiosmtplib.SMTPRecipientsRefused as error:
        raise _refusal(where, error.recipients[0].code) from error
    except aiosmtplib.SMTPNotSupported as error:
        raise MailError(f"{where} does not offer what leaseline.toml requires ({error}).", retryable=True) from error
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
            problem = "has no certificate that this machine trusts, or no TLS"
        else:
            problem = f"cannot be reached on port {server.port}, or does not answer"
        raise MailError(f"{where} {problem}.", retryable=True) from error


async def _data(client: aiosmtplib.SMTP, content: bytes, server: Server) -> None:
    where = f"The mail server {server.host}"
    try:
        await client.data(content)
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        if isinstance(error, aiosmtplib.SMTPResponseException) and error.code >= 400:
            raise _refusal(where, error.code) from error
        raise MailUnknown(
            f"{where} did not say whether it accepted the email, so it may or may not have arrived; it is not resent."
        ) from error


def _refusal(where: str, code: int) -> MailError:
    if 500 <= code < 600:
        return MailError(
            f"{where} refused the email (reply {code}): check the addresses and mail.user.", retryable=False
        )
    return MailError(f"{where} does not accept the email now (reply {code}).", retryable=True)
