"""Sends webhooks to their receivers: over HTTPS, and never into networks that are not allowed.

Anybody who can set an address could otherwise make us send requests to what only this machine can reach. So each
connection goes to the addresses that were checked, because the name may resolve to another one a moment later;
redirects are not followed; and of a response only a limited part is read.
"""

from __future__ import annotations

import ipaddress
import math
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from crm.edge.delivery import DeliveryError
from crm.edge.networks import REFUSED, Allowed

SECONDS = aiohttp.ClientTimeout(total=15.0, connect=5.0)
AT_ONCE = 16
"""Connections to receivers at the same time."""
LONGEST_ANSWER = 16 * 1024
"""Bytes of a response that are read; if there are more, the connection is closed."""
LONGEST_RETRY_AFTER = 86400.0
GONE = 410


class WebhookError(DeliveryError):
    """The delivery was not accepted, or may not have been: it is sent again, and its id lets the receiver drop
    repeats."""

    def __init__(
        self,
        message: str,
        *,
        is_gone: bool = False,
        retry_after_seconds: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, retryable=not is_gone, retry_after_seconds=retry_after_seconds)
        self.is_gone = is_gone
        """Whether the receiver no longer exists."""
        self.status = status
        """What it answered; None: nothing."""


class AddressRefused(OSError):
    """A name resolves to an address that nothing may be sent to."""


class CheckedResolver(AbstractResolver):
    """Resolves names, and fails if any of their addresses may not be sent to."""

    def __init__(self, allowed: Allowed, scheme: str) -> None:
        self._allowed, self._scheme = allowed, scheme
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        for one in found:
            # A link-local address has its interface behind a percent sign.
            if not self._allowed.lets(ipaddress.ip_address(one["host"].partition("%")[0]), self._scheme):
                raise AddressRefused(f"The receiver's address is refused: {REFUSED}.")
        return found

    async def close(self) -> None:
        await self._resolver.close()


@dataclass(frozen=True)
class Taken:
    """The receiver accepted a delivery."""

    status: int


class WebhookClient:
    """Posts to receivers over kept-alive connections. An async context manager."""

    def __init__(self, allowed: Allowed, tls: ssl.SSLContext | None = None) -> None:
        """`tls` has the certificates to trust; None for the system's."""
        self._allowed, self._tls = allowed, tls
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        for scheme in ("https", "http"):
            self._sessions[scheme] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=CheckedResolver(self._allowed, scheme),
                    use_dns_cache=False,
                    limit=AT_ONCE,
                    ssl=self._tls or True,
                ),
                timeout=SECONDS,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in self._sessions.values():
            await session.close()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Taken:
        """Posts one delivery. Raises WebhookError unless the receiver accepts it (2xx)."""
        if problem := self._allowed.problem(url):
            raise WebhookError(f"The receiver's address is refused: {problem}.")
        session = self._sessions[urlsplit(url).scheme]
        try:
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                await answer.content.read(LONGEST_ANSWER)
                return self._read(answer)
        except TimeoutError as error:
            raise WebhookError(f"It did not answer within {SECONDS.total:.0f} seconds.") from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise WebhookError("Its certificate is not trusted.") from error
        except aiohttp.ClientConnectorDNSError as error:
            if isinstance(error.os_error, AddressRefused):
                raise WebhookError(str(error.os_error)) from error
            raise WebhookError("Its name is unknown.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise WebhookError(f"It cannot be reached ({type(error).__name__}).") from error

    def _read(self, answer: aiohttp.ClientResponse) -> Taken:
        status = answer.status
        if 200 <= status < 300:
            return Taken(status)
        if 300 <= status < 400:
            raise WebhookError(f"It answered {status}, a redirect, which is not followed.", status=status)
        if status == GONE:
            raise WebhookError("It answered 410: it is gone and no longer accepts events.", is_gone=True, status=status)
        wait = _seconds(answer.headers.get("Retry-After"))
        raise WebhookError(f"It answered {status}.", retry_after_seconds=wait, status=status)


def _seconds(value: str | None) -> float | None:
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER) if math.isfinite(seconds) else None
