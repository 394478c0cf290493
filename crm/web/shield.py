"""What every request has to pass and every answer carries, whichever route it is for."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm.config import Api, Web

HEADERS = {
    # Nothing is loaded, no script runs, nobody frames it.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
"""On every answer that does not set them itself, errors among them."""

READ_SECONDS = 10.0
"""How long a whole body may take to come."""


def shielded(app: ASGIApp, allowed: list[str]) -> ASGIApp:
    """`app` for requests that name one of the allowed hosts, with HEADERS on every answer."""
    checked = TrustedHostMiddleware(app, allowed_hosts=allowed, www_redirect=False)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await checked(scope, receive, send_with_headers)

    return answer


def hosts(listener: Web | Api, public_url: str) -> list[str]:
    """Names a request may be for: the public one, and for a proxy or a test beside us, the addresses we listen on."""
    public = urlsplit(public_url).hostname
    own = [] if listener.bind in ("0.0.0.0", "::") else [listener.bind]
    return [*([public] if public else []), *own, "localhost", "127.0.0.1", "::1", "[::1]"]


async def body(request: Request, longest: int) -> bytes:
    """The whole body, as it came. Raises HTTPException for one of more than `longest` bytes, or one that dawdles."""
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
