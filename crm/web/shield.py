"""Checks that apply to every request and headers that every answer carries, whatever the route."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from limits import RateLimitItem
from limits.strategies import RateLimiter
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm.config import Api, Console, Web

HEADERS = {
    # Nothing is loaded, no script runs, no site may frame the page.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
"""On every answer that does not set them itself, including errors."""

READ_SECONDS = 10.0
"""How long a whole body may take to arrive."""


def shielded(app: ASGIApp, allowed: list[str]) -> ASGIApp:
    """Wraps `app`: only requests for one of the allowed hosts pass, and every answer gets HEADERS."""
    return with_headers(TrustedHostMiddleware(app, allowed_hosts=allowed, www_redirect=False), HEADERS)


def with_headers(app: ASGIApp, added: Mapping[str, str]) -> ASGIApp:
    """Wraps `app`: every answer gets these headers, unless it has its own."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in added.items():
                    headers.setdefault(name, value)
            await send(message)

        await app(scope, receive, send_with_headers)

    return answer


def hosts(listener: Web | Api | Console, public_url: str) -> list[str]:
    """Returns the host names a request may be for: the public one, and the addresses we listen on for local proxies."""
    public = urlsplit(public_url).hostname
    own = [] if listener.bind in ("0.0.0.0", "::") else [listener.bind]
    return [*([public] if public else []), *own, "localhost", "127.0.0.1", "::1", "[::1]"]


async def body(request: Request, longest: int) -> bytes:
    """Returns the whole body. Raises HTTPException if it has more than `longest` bytes or arrives too slowly."""
    read = bytearray()
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for chunk in request.stream():
                read += chunk
                if len(read) > longest:
                    raise HTTPException(413, "too long")
    except TimeoutError:
        raise HTTPException(408, "too slow") from None
    return bytes(read)


def wait_seconds(counts: RateLimiter, limit: RateLimitItem, *whose: str) -> int:
    """Counts one more of these, and returns after how many seconds it may be tried again; 0: it may be done now."""
    if counts.hit(limit, *whose):
        return 0
    return max(1, math.ceil(counts.get_window_stats(limit, *whose).reset_time - time.time()))


def retry_after(answer: Response, seconds: int) -> Response:
    """The answer to somebody who tries too often, which says for how many seconds (RFC 6585, 4)."""
    answer.headers["Retry-After"] = str(seconds)
    return answer
