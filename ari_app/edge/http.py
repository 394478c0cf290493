"""HTTP/1.1 to Asterisk's own server over kept connections: as much as ARI's requests need.

A call makes some fifteen requests, and with aiohttp, which carries the event socket, these cost 3 ms of CPU more
(docs/measurements.md). It can be so little because each of Asterisk's answers comes with its length (main/http.c,
`ast_http_send`); one that does not is taken for a lost connection.
"""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import NamedTuple

MOST_CONNECTIONS = 32
KEPT_SECONDS = 50.0
"""An idle connection that is older is not used again: Asterisk closes it after 60 (`session_keep_alive`)."""
MOST_HEAD_BYTES = 16_384
REPEATABLE = frozenset(("GET", "PUT", "DELETE"))
"""Methods whose request may be sent again when the connection was closed before it was answered (RFC 9110, 9.2.2)."""

_TARGET = re.compile(r"[!-~]+")
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ?([^\r\n]*)")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*\r\n", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection:[ \t]*close[ \t]*\r\n", re.IGNORECASE)
_CODED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_WITHOUT_BODY = (204, 304)


class AriAnswer(NamedTuple):
    status: int
    reason: str
    body: bytes


class Http:
    """Requests to one server. Everything that goes wrong is an OSError, or a TimeoutError after `seconds`."""

    def __init__(self, host: str, port: int, headers: dict[str, str], seconds: float) -> None:
        self._host, self._port, self._seconds = host, port, seconds
        lines = {"Host": f"{host}:{port}", **headers}
        self._head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._idle: list[tuple[float, _Connection]] = []
        """Since when, on the loop's clock; the latest is used first."""
        self._places = asyncio.Semaphore(MOST_CONNECTIONS)

    def close(self) -> None:
        for _, connection in self._idle:
            connection.close()
        self._idle.clear()

    async def request(self, method: str, target: str, body: bytes = b"") -> AriAnswer:
        """Sends a request, with a body of JSON if there is one.

        Asterisk also carries out what it was asked by a task that has been cancelled since. What that task does next
        must not overtake it, so all but a GET is awaited to its end nevertheless.
        """
        if not _TARGET.fullmatch(target):
            raise ValueError("a target of a request is percent-encoded")
        kind = "Content-Type: application/json\r\n" if body else ""
        length = f"Content-Length: {len(body)}\r\n" if body or method in ("POST", "PUT") else ""
        packet = f"{method} {target} HTTP/1.1\r\n{self._head}{kind}{length}\r\n".encode() + body
        while True:
            connection, is_used = await self._connection()
            answer = connection.send(packet, self._seconds)
            answer.add_done_callback(partial(self._done, connection))
            try:
                return await asyncio.shield(answer)
            except ConnectionResetError:
                if not is_used or method not in REPEATABLE or connection.has_heard:
                    raise
            except asyncio.CancelledError:
                if method != "GET":
                    await asyncio.wait([answer])
                raise

    async def _connection(self) -> tuple[_Connection, bool]:
        """One to send on, and whether something has been sent on it before."""
        await self._places.acquire()
        loop = asyncio.get_running_loop()
        while self._idle:
            since, connection = self._idle.pop()
            if connection.is_open and loop.time() - since < KEPT_SECONDS:
                return connection, True
            connection.close()
        try:
            async with asyncio.timeout(self._seconds):
                _, made = await loop.create_connection(_Connection, self._host, self._port)
        except BaseException:
            self._places.release()
            raise
        return made, False

    def _done(self, connection: _Connection, answer: asyncio.Future[AriAnswer]) -> None:
        self._places.release()
        failed = answer.cancelled() or answer.exception()  # Of one that was cancelled, nobody else asks.
        if failed or not connection.is_open:
            connection.close()
        else:
            self._idle.append((asyncio.get_running_loop().time(), connection))


class _Connection(asyncio.Protocol):
    """Answers one request after another."""

    def __init__(self) -> None:
        self.is_open = False
        self.has_heard = False
        """Something has come of the answer to the latest request."""
        self._received = bytearray()
        self._head: tuple[int, str, int] | None = None
        """Status, reason and length of the answer that is coming in."""
        self._answer: asyncio.Future[AriAnswer] | None = None
        self._clock: asyncio.TimerHandle | None = None

    def send(self, packet: bytes, seconds: float) -> asyncio.Future[AriAnswer]:
        loop = asyncio.get_running_loop()
        self._answer, self.has_heard = loop.create_future(), False
        self._clock = loop.call_later(seconds, self._fail, TimeoutError("no answer in time"))
        if self.is_open:
            self._transport.write(packet)
        else:
            self._fail(ConnectionResetError("the connection is closed"))
        return self._answer

    def close(self) -> None:
        self.is_open = False
        self._transport.close()

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self.is_open = transport, True

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        self._fail(ConnectionResetError("the server has closed the connection"))

    def data_received(self, data: bytes) -> None:
        self.has_heard = True
        self._received += data
        if self._answer is None:
            return self.close()
        if self._head is None and not self._read_head():
            return None
        assert self._head is not None
        status, reason, length = self._head
        if len(self._received) < length:
            return None
        body = bytes(self._received[:length])
        if len(self._received) > length:
            self.close()  # More than was asked for.
        self._received.clear()
        self._head = None
        answer = self._end()
        if answer is not None and not answer.done():
            answer.set_result(AriAnswer(status, reason, body))
        return None

    def _read_head(self) -> bool:
        """False when not all of it is there, or it cannot be read."""
        end = self._received.find(b"\r\n\r\n")
        if end < 0 and len(self._received) <= MOST_HEAD_BYTES:
            return False
        head = bytes(self._received[: end + 2])
        status, length = _STATUS.match(head), _LENGTH.search(head)
        number = int(status[1]) if status else 0
        if end < 0 or status is None or number < 200 or _CODED.search(head):
            self._fail(ConnectionAbortedError("the answer is no HTTP that Asterisk speaks"))
            return False
        if number in _WITHOUT_BODY:
            size = 0
        elif length is None:
            self._fail(ConnectionAbortedError("the answer's length is not told"))
            return False
        else:
            size = int(length[1])
        if _CLOSES.search(head):
            self.is_open = False
        del self._received[: end + 4]
        self._head = number, status[2].decode("latin-1"), size
        return True

    def _end(self) -> asyncio.Future[AriAnswer] | None:
        answer, self._answer = self._answer, None
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
        return answer

    def _fail(self, error: OSError) -> None:
        """Nothing more is expected of this connection."""
        answer = self._end()
        self.close()
        if answer is not None and not answer.done():
            answer.set_exception(error)
