"""Browsers that listen take no page's place, and those that take nothing are dropped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from crm.config import Config, Ports
from crm.web import app as server
from crm.web import guard
from crm.web.app import serving
from crm.web.guard import Budget
from tests.web.test_guard import free_ports

pytestmark = pytest.mark.web


@dataclass
class Listener:
    """An application with a page, a stream and a WebSocket, as the console has them."""

    port: int
    opened: list[asyncio.StreamWriter] = field(default_factory=list)
    ended: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    """What the application has seen the end of."""

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/page", self._page),
                Route("/events", self._events),
                Route("/flood", self._flood),
                WebSocketRoute("/ws", self._socket),
            ]
        )

    async def _page(self, request: Request) -> Response:
        return Response("a page")

    async def _events(self, request: Request) -> Response:
        async def events() -> AsyncIterator[str]:
            try:
                yield "data: hello\n\n"
                await asyncio.Event().wait()
            finally:
                self.ended.put_nowait("events")

        return StreamingResponse(events(), media_type="text/event-stream")

    async def _flood(self, request: Request) -> Response:
        async def events() -> AsyncIterator[bytes]:
            try:
                while True:
                    await asyncio.sleep(0)
                    yield b"data: " + b"x" * 100_000 + b"\n\n"
            finally:
                self.ended.put_nowait("flood")

        return StreamingResponse(events(), media_type=request.query_params["type"])

    async def _socket(self, socket: WebSocket) -> None:
        await socket.accept()
        try:
            if socket.query_params.get("flood"):
                while True:
                    await socket.send_text("x" * 50_000)
            await socket.receive_text()
        except WebSocketDisconnect:
            pass
        finally:
            self.ended.put_nowait("socket")

    async def ask(self, path: str, *more: str) -> tuple[bytes, asyncio.StreamReader]:
        """The head of the answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1024)
        self.opened.append(writer)
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", *more]
        writer.write("".join(f"{line}\r\n" for line in lines).encode() + b"\r\n")
        return await reader.readuntil(b"\r\n\r\n"), reader

    async def upgrade(self, path: str = "/ws") -> tuple[bytes, asyncio.StreamReader]:
        return await self.ask(
            path,
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        )


@asynccontextmanager
async def listening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, budget: Budget) -> AsyncIterator[Listener]:
    monkeypatch.setitem(server.BUDGETS, "console", budget)
    (port,) = free_ports(1)
    found = Listener(port)
    async with asyncio.timeout(60), serving(Config(tmp_path, ports=Ports(console=port)), found.app, "console"):
        yield found
        for writer in found.opened:
            writer.close()


async def test_streams_and_sockets_take_no_place_of_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = Budget(connections=5, streams=40, sockets=40)
    async with listening(tmp_path, monkeypatch, budget) as listener:
        readers = []
        for _ in range(40):
            head, reader = await listener.ask("/events")
            assert head.startswith(b"HTTP/1.1 200")
            readers.append(reader)
            assert (await listener.upgrade())[0].startswith(b"HTTP/1.1 101")
        # Idle ones, which make room for each other.
        for _ in range(20):
            assert (await listener.ask("/page"))[0].startswith(b"HTTP/1.1 200")
        for reader in readers:
            assert b"hello" in await reader.readuntil(b"\n\n")
        assert listener.ended.empty()


async def test_a_stream_too_many_is_told_to_come_later_and_pages_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(tmp_path, monkeypatch, Budget(streams=2, sockets=2)) as listener:
        for _ in range(2):
            await listener.ask("/events")
            await listener.upgrade()
        for head, _ in (await listener.ask("/events"), await listener.upgrade()):
            assert head.startswith(b"HTTP/1.1 503")
            assert b"retry-after: 5" in head.lower()
            assert b"x-frame-options: deny" in head.lower()
        assert (await listener.ask("/page"))[0].startswith(b"HTTP/1.1 200")
        # Whoever leaves makes room.
        for writer in listener.opened[:2]:
            writer.close()
        assert {await listener.ended.get(), await listener.ended.get()} == {"events", "socket"}
        assert (await listener.ask("/events"))[0].startswith(b"HTTP/1.1 200")


async def test_a_stream_is_not_ended_by_the_time_an_answer_may_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(tmp_path, monkeypatch, Budget(answer_seconds=0.2, streams=5)) as listener:
        _, reader = await listener.ask("/events")
        assert b"hello" in await reader.readuntil(b"\n\n")
        # What is no stream has ended by then.
        await listener.ask("/flood?type=text/plain")
        assert await listener.ended.get() == "flood"
        assert not reader.at_eof()
        assert listener.ended.empty()


@pytest.mark.parametrize("kind", ["text/event-stream", "text/csv"])
async def test_who_reads_nothing_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(guard, "SLOW_SECONDS", 0.3)
    async with listening(tmp_path, monkeypatch, Budget(answer_seconds=600.0, streams=5)) as listener:
        await listener.ask(f"/flood?type={kind}")
        assert await listener.ended.get() == "flood"


async def test_a_phone_that_reads_nothing_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "SLOW_SECONDS", 0.3)
    async with listening(tmp_path, monkeypatch, Budget(sockets=5)) as listener:
        assert (await listener.upgrade("/ws?flood=1"))[0].startswith(b"HTTP/1.1 101")
        assert await listener.ended.get() == "socket"


async def test_streams_end_at_once_when_the_listener_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening(tmp_path, monkeypatch, Budget(streams=5)) as listener:
        _, reader = await listener.ask("/events")
    with suppress(ConnectionResetError):
        while await reader.read(1000):
            pass
    assert await listener.ended.get() == "events"
