"""Requests over kept connections, to a server that answers as a test tells it to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from ari_app.edge import http
from ari_app.edge.http import AriAnswer, Http

pytestmark = [pytest.mark.unit, pytest.mark.asyncio]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Act = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Carries out one act for each request."""

    def __init__(self, *acts: Act) -> None:
        self.acts = list(acts)
        self.heard: list[bytes] = []
        """Heads and bodies of requests."""
        self.connections = 0
        self.tasks: set[asyncio.Task[None] | None] = set()
        self._news = asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.tasks.add(asyncio.current_task())
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0] or 0)
                body = await reader.readexactly(length)
                async with self._news:
                    self.heard.append(head + body)
                    self._news.notify_all()
                await self.acts.pop(0)(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def has_heard(self, requests: int) -> None:
        async with self._news:
            await self._news.wait_for(lambda: len(self.heard) >= requests)


def says(*parts: bytes) -> Act:
    async def act(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)

    return act


async def closes(writer: asyncio.StreamWriter) -> None:
    writer.close()


def waits(until: asyncio.Event) -> Act:
    async def act(writer: asyncio.StreamWriter) -> None:
        await until.wait()
        writer.write(OK)

    return act


@contextlib.asynccontextmanager
async def talking(server: Server, seconds: float = 5.0) -> AsyncIterator[Http]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    client = Http("127.0.0.1", listening.sockets[0].getsockname()[1], {"Authorization": "Basic x"}, seconds)
    try:
        yield client
    finally:
        client.close()
        listening.close()
        tasks = [task for task in server.tasks if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_requests_share_a_connection_and_say_who_asks_for_what() -> None:
    server = Server(says(OK), says(b"HTTP/1.1 204 No Content\r\n\r\n"), says(OK))
    async with talking(server) as client:
        assert await client.request("GET", "/ari/channels?a=1") == AriAnswer(200, "OK", b"{}")
        assert await client.request("POST", "/ari/channels/1/answer") == AriAnswer(204, "No Content", b"")
        assert await client.request("POST", "/ari/channels/1/variables", b'{"a":1}') == AriAnswer(200, "OK", b"{}")
    first, second, third = server.heard
    assert first.startswith(b"GET /ari/channels?a=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nAuthorization: Basic x\r\n" in first
    assert b"\r\nContent-Length: 0\r\n" in second
    assert third.endswith(b"\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n" + b'{"a":1}')
    assert server.connections == 1


async def test_an_answer_may_come_in_pieces_and_an_error_has_its_reason() -> None:
    server = Server(
        says(b"HTTP/1.1 404 Chan", b"nel not found\r\nDate: x\r\nCONTENT-LENGTH:  4 \r\n\r", b"\na", b"bcd"), says(OK)
    )
    async with talking(server) as client:
        assert await client.request("GET", "/") == AriAnswer(404, "Channel not found", b"abcd")
        assert (await client.request("GET", "/")).body == b"{}"


async def test_requests_at_the_same_time_have_connections_of_their_own_up_to_a_limit() -> None:
    at_once = http.MOST_CONNECTIONS
    go = asyncio.Event()
    server = Server(*[waits(go)] * (at_once + 8))
    async with talking(server) as client:
        asking = [asyncio.create_task(client.request("GET", "/")) for _ in range(at_once + 8)]
        await server.has_heard(at_once)
        assert server.connections == at_once
        go.set()
        assert {answer.status for answer in await asyncio.gather(*asking)} == {200}
    assert server.connections == at_once


async def test_what_was_asked_on_a_connection_that_is_closed_is_asked_again_unless_it_may_be_done_already() -> None:
    server = Server(says(OK), closes, says(OK), closes)
    async with talking(server) as client:
        await client.request("GET", "/")
        assert (await client.request("DELETE", "/ari/channels/1")).status == 200
        with pytest.raises(ConnectionResetError):
            await client.request("POST", "/ari/channels")
    assert len(server.heard) == 4
    assert server.connections == 2


async def test_a_new_connection_that_is_closed_is_not_tried_again() -> None:
    server = Server(closes)
    async with talking(server) as client:
        with pytest.raises(ConnectionResetError):
            await client.request("GET", "/")
    assert len(server.heard) == 1


async def test_a_server_that_is_away_is_an_error_and_takes_no_place() -> None:
    async with talking(Server()) as client:
        pass
    for _ in range(http.MOST_CONNECTIONS + 1):
        with pytest.raises(OSError, match="Connect call failed"):
            await client.request("GET", "/")


async def test_no_answer_in_time_ends_the_wait_and_the_connection() -> None:
    server = Server(waits(asyncio.Event()), says(OK))
    async with talking(server, seconds=0.01) as client:
        with pytest.raises(TimeoutError):
            await client.request("GET", "/")
        client._seconds = 5.0
        assert (await client.request("GET", "/")).status == 200
    assert server.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n{}",
        b"SIP/2.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"x" * (http.MOST_HEAD_BYTES + 1),
    ],
)
async def test_an_answer_that_asterisk_would_not_give_is_a_lost_connection(answer: bytes) -> None:
    server = Server(says(answer), says(OK))
    async with talking(server) as client:
        with pytest.raises(ConnectionAbortedError):
            await client.request("GET", "/")
        assert (await client.request("GET", "/")).status == 200
    assert server.connections == 2


async def test_a_connection_that_the_server_closes_after_its_answer_is_not_used_again() -> None:
    server = Server(says(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")), says(OK + b"more"), says(OK))
    async with talking(server) as client:
        for _ in range(3):
            assert (await client.request("POST", "/")).body == b"{}"
    assert server.connections == 3


async def test_who_is_cancelled_waits_for_what_they_asked_for_but_not_for_what_they_only_wanted_to_know() -> None:
    go = asyncio.Event()
    server = Server(waits(go), waits(go), says(OK))
    async with talking(server) as client:
        acting, asking = (asyncio.create_task(client.request(method, "/")) for method in ("POST", "GET"))
        await server.has_heard(2)
        for task in (acting, asking):
            task.cancel()
        await asyncio.wait([asking])
        assert not acting.done()
        go.set()
        await asyncio.wait([acting])
        assert asking.cancelled()
        assert acting.cancelled()
        assert (await client.request("GET", "/")).status == 200
    assert server.connections == 2


async def test_a_target_that_is_not_encoded_is_never_sent() -> None:
    server = Server()
    async with talking(server) as client:
        for target in ("/a b", "/a\r\nX: y", "/ä"):
            with pytest.raises(ValueError, match="percent-encoded"):
                await client.request("GET", target)
    assert server.connections == 0
