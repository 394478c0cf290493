"""Keeps the web server available: limits on idle connections.

uvicorn limits the number of connections and answers the rest with 503, which gives the server to whoever opens that
many and stays silent; and it has no time limit for a request's headers. So its protocol is extended here: a connection
has a time limit while we wait for the peer, and if there are too many, the one we have waited for longest is closed.
Idle connections never cause anybody to be turned away.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from crm.web.shield import HEADERS

HEADER_SECONDS = 5.0
"""From the start of a connection, or the first byte of a further request, to the end of the headers."""
IDLE_SECONDS = 30.0
"""Between requests on one connection."""
REQUEST_SECONDS = 60.0
"""From the end of the headers to the end of the answer, whether the peer or we are slow."""
MOST = 300
"""Connections at once to one listener."""
MOST_PER_PEER = 60
"""Connections at once from one address; does not apply to a proxy on this machine."""

_HEADERS = "".join(f"{name.lower()}: {value}\r\n" for name, value in HEADERS.items())
_log = logging.getLogger(__name__)


class GuardedProtocol(H11Protocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer: asyncio.TimerHandle | None = None
        self._request: object = None
        self._has_left = False
        self._wait(HEADER_SECONDS)
        self._make_room()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._has_left:
            return
        if self._is_between_requests:
            if self._limit == IDLE_SECONDS:
                self._wait(HEADER_SECONDS)
        elif self.cycle is not self._request:
            self._request = self.cycle
            self._wait(REQUEST_SECONDS)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        # What opens a WebSocket is another protocol's from now on. It looks by itself whether the peer is still there.
        self._has_left = True
        if self._timer:
            self._timer.cancel()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        self._wait(IDLE_SECONDS)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answers something that is not HTTP as uvicorn does, but with our headers."""
        self._end_with("400 Bad Request")

    @property
    def _is_between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    @property
    def _waits_for_peer(self) -> bool:
        return self._is_between_requests or self.cycle.more_body

    def _wait(self, seconds: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._limit, self._since = seconds, self.loop.time()
        # Abort instead of close, because a peer that reads nothing would keep a closed connection open.
        self._timer = self.loop.call_later(seconds, self.transport.abort)

    def _make_room(self) -> None:
        """If there are too many connections, ends the one we have waited for longest, or this one if all are active."""
        crowd: list[Any] = [one for one in self.connections if isinstance(one, GuardedProtocol)]
        peer = self.client[0] if self.client else ""
        if not _is_here(peer):
            own = [one for one in crowd if one.client and one.client[0] == peer]
            if len(own) > MOST_PER_PEER:
                return self._oust(own)
        if len(crowd) > MOST:
            self._oust(crowd)
        return None

    def _oust(self, crowd: list[GuardedProtocol]) -> None:
        silent = [one for one in crowd if one is not self and one._waits_for_peer]
        if silent:
            min(silent, key=lambda one: one._since).transport.abort()
            return
        _log.warning("a connection was refused: too many requests at once", extra={"connections": len(crowd)})
        self._end_with("503 Service Unavailable", "retry-after: 5\r\n")

    def _end_with(self, status: str, more: str = "") -> None:
        head = f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n{more}{_HEADERS}\r\n"
        self.transport.write(head.encode())
        self.transport.close()


def _is_here(peer: str) -> bool:
    try:
        return ipaddress.ip_address(peer).is_loopback
    except ValueError:
        return False
