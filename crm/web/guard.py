"""Keeps the web server available: limits on idle connections.

uvicorn limits the number of connections and answers the rest with 503, which gives the server to whoever opens that
many and stays silent; and it has no time limit for a request's headers. So its protocol is extended here: a connection
has a time limit while we wait for the peer, and if there are too many, the one we have waited for longest is closed.
Idle connections never cause anybody to be turned away.

Each listener has a `Budget` of its own. Answers without an end (event streams) and WebSockets are counted apart from
the requests: browsers that listen take no page's place.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import h11
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from crm.web.shield import HEADERS

HEADER_SECONDS = 5.0
"""From the start of a connection, or the first byte of a further request, to the end of the headers."""
IDLE_SECONDS = 30.0
"""Between requests on one connection."""
SLOW_SECONDS = 30.0
"""For what fills the buffer of a connection to be taken by the peer, and for the peer's machine to acknowledge
anything."""


@dataclass(frozen=True)
class Budget:
    """What a listener has for all who come to it."""

    connections: int = 300
    """At once, without those of streams and WebSockets."""
    per_peer: int = 60
    """Of them from one address; does not apply to a proxy on this machine."""
    answer_seconds: float = 60.0
    """From the end of the headers to the end of the answer, whether the peer or we are slow."""
    streams: int = 0
    """Event streams at once; 0: they are answers like any other."""
    sockets: int = 0
    """WebSockets at once."""


_HEADERS = "".join(f"{name.lower()}: {value}\r\n" for name, value in HEADERS.items())
_log = logging.getLogger(__name__)


class GuardedProtocol(H11Protocol):
    """See `guarded`."""

    budget: ClassVar[Budget]
    crowd: ClassVar[set[GuardedProtocol]]
    """All connections but those of streams and WebSockets."""
    streams: ClassVar[set[GuardedProtocol]]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app: Any = _noticing(self, self.app)
        self._timer: asyncio.TimerHandle | None = None
        self._slow: asyncio.TimerHandle | None = None
        self._request: object = None
        self._has_left = False
        self.crowd.add(self)
        # Without it, the peer's machine may be gone for a quarter of an hour before anything tells us.
        if (plain := transport.get_extra_info("socket")) is not None:
            with contextlib.suppress(OSError):
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(SLOW_SECONDS * 1000))
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
            self._wait(self.budget.answer_seconds)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        if len(self.connections) - len(self.crowd) - len(self.streams) >= self.budget.sockets:
            _log.warning("a WebSocket was refused: too many at once", extra={"listener": self.config.port})
            self._end_with("503 Service Unavailable", "retry-after: 5\r\n")
            return
        # What opens a WebSocket is another protocol's from now on. It looks by itself whether the peer is still there.
        self._has_left = True
        self._leave()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        if self in self.streams:
            self.streams.discard(self)
            self.crowd.add(self)
        self._wait(IDLE_SECONDS)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._slow is None:
            self._slow = self.loop.call_later(SLOW_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None
        super().resume_writing()

    def shutdown(self) -> None:
        if self in self.streams:
            # It would not end by itself; who listens comes back to whoever listens here next.
            self.transport.close()
            return
        super().shutdown()

    def become_stream(self) -> bool:
        """Whether there is room for an answer without an end, which this connection gives from now on."""
        if not self.budget.streams:
            return True
        if len(self.streams) >= self.budget.streams:
            _log.warning("an event stream was refused: too many at once", extra={"streams": len(self.streams)})
            return False
        self.crowd.discard(self)
        self.streams.add(self)
        if self._timer:
            self._timer.cancel()
        return True

    def _leave(self) -> None:
        self.crowd.discard(self)
        self.streams.discard(self)
        for timer in (self._timer, self._slow):
            if timer:
                timer.cancel()

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
        peer = self.client[0] if self.client else ""
        if not _is_here(peer):
            own = [one for one in self.crowd if one.client and one.client[0] == peer]
            if len(own) > self.budget.per_peer:
                return self._oust(own)
        if len(self.crowd) > self.budget.connections:
            self._oust(self.crowd)
        return None

    def _oust(self, crowd: Iterable[GuardedProtocol]) -> None:
        silent = [one for one in crowd if one is not self and one._waits_for_peer]
        if silent:
            longest = min(silent, key=lambda one: one._since)
            # Another one may come before its end is told.
            self.crowd.discard(longest)
            longest.transport.abort()
            return
        _log.warning("a connection was refused: too many requests at once", extra={"connections": len(self.crowd)})
        self._end_with("503 Service Unavailable", "retry-after: 5\r\n")

    def _end_with(self, status: str, more: str = "") -> None:
        head = f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n{more}{_HEADERS}\r\n"
        self.transport.write(head.encode())
        self.transport.close()


def guarded(budget: Budget) -> type[GuardedProtocol]:
    """The protocol of one listener."""

    class ListenerProtocol(GuardedProtocol):
        pass

    ListenerProtocol.budget, ListenerProtocol.crowd, ListenerProtocol.streams = budget, set(), set()
    return ListenerProtocol


def _noticing(connection: GuardedProtocol, app: ASGIApp) -> ASGIApp:
    """Tells the connection of an event stream that begins, and answers 503 in its place if there are too many."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        is_refused = False

        async def notice(message: Message) -> None:
            nonlocal is_refused
            if is_refused:
                # What has much to send, and waits for nothing, would keep everybody else from being answered.
                await asyncio.sleep(0)
                return
            if _is_stream(message) and not connection.become_stream():
                is_refused = True
                await send({"type": "http.response.start", "status": 503, "headers": _REFUSED})
                await send({"type": "http.response.body", "body": b""})
                return
            await send(message)

        await app(scope, receive, notice)

    return answer


_REFUSED = [
    *((name.lower().encode(), value.encode()) for name, value in HEADERS.items()),
    (b"content-length", b"0"),
    (b"retry-after", b"5"),
]


def _is_stream(message: Message) -> bool:
    return message["type"] == "http.response.start" and any(
        name.lower() == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in message.get("headers", ())
    )


def _is_here(peer: str) -> bool:
    try:
        return ipaddress.ip_address(peer).is_loopback
    except ValueError:
        return False
