"""Whoever opens connections and says nothing keeps nobody away, and every answer has its headers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx
import msgspec
import pytest

from crm.config import Ports
from crm.web import app as server
from crm.web import guard, shield
from crm.web.app import build, build_webhooks, serving
from crm.web.shield import HEADERS
from tests.web.conftest import MAPLE, PERSON, Site

pytestmark = pytest.mark.web

TEXT = {"From": PERSON, "To": MAPLE, "Body": "hello"}
HALF = (
    b"",
    b"POST /texts/twilio HT",
    b"GET /tours/x HTTP/1.1\r\nHost: localhost\r\nX-A: b",
    b"POST /texts/twilio HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nBody=",
    b"POST /tours/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nact",
)


@dataclass
class Listening:
    site: Site
    ports: Ports
    opened: list[asyncio.StreamWriter] = field(default_factory=list)

    async def connect(self, port: int, said: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        self.opened.append(writer)
        writer.write(said)
        await writer.drain()
        return reader, writer

    async def ask(self, said: bytes) -> bytes:
        """Everything that is answered on ports.web until the connection is closed."""
        reader, _ = await self.connect(self.ports.web, said)
        return await reader.read()

    async def text(self, port: int, id: str) -> int:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as self.site.http:
            return (await self.site.twilio(**TEXT, MessageSid=id)).status_code


def free_ports(count: int) -> Iterable[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@asynccontextmanager
async def listening_on(site: Site) -> AsyncIterator[Listening]:
    web, webhooks = free_ports(2)
    ports = Ports(web=web, webhooks=webhooks)
    config = msgspec.structs.replace(site.webhooks.crm.config, ports=ports)
    async with serving(config, build(site.webhooks)), serving(config, build_webhooks(site.webhooks), "webhooks"):
        found = Listening(site, ports)
        yield found
        for writer in found.opened:
            writer.close()


@pytest.fixture
async def listening(site: Site) -> AsyncIterator[Listening]:
    async with listening_on(site) as found:
        yield found


async def test_400_half_open_connections_keep_no_webhook_away(listening: Listening) -> None:
    held = []
    for port in (listening.ports.web, listening.ports.webhooks):
        held += [
            await listening.connect(port, HALF[number % len(HALF)])
            for number in range(guard.Budget().connections + 100)
        ]
        assert await listening.text(port, f"SM{port}") == 200
    # Those that waited longest made room.
    assert await held[0][0].read() == b""


@pytest.mark.parametrize("said", HALF)
async def test_whoever_says_half_is_not_waited_for_without_end(
    listening: Listening, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(guard, "HEADER_SECONDS", 0.2)
    monkeypatch.setattr(shield, "READ_SECONDS", 0.2)
    async with asyncio.timeout(60):
        answer = await listening.ask(said.replace(b" HTTP/1.1\r\n", b" HTTP/1.1\r\nConnection: close\r\n"))
    assert answer[9:12] in (b"", b"408", b"410")


@pytest.mark.parametrize("first", [b"", b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"])
async def test_a_byte_now_and_then_buys_no_time(
    listening: Listening, monkeypatch: pytest.MonkeyPatch, first: bytes
) -> None:
    monkeypatch.setattr(guard, "HEADER_SECONDS", 0.3)
    reader, writer = await listening.connect(listening.ports.web, first)
    if first:
        await reader.readuntil(b"\r\n\r\nNot Found")

    async def trickle() -> None:
        while True:
            writer.write(b"G")
            await asyncio.sleep(0.05)

    trickling = asyncio.create_task(trickle())
    async with asyncio.timeout(60):
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
    trickling.cancel()


async def test_one_address_does_not_take_every_place(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_is_here", lambda _: False)
    monkeypatch.setitem(server.BUDGETS, "webhooks", guard.Budget(per_peer=3))
    async with listening_on(site) as listening:
        port = listening.ports.webhooks
        held = [await listening.connect(port) for _ in range(5)]
        assert [await reader.read() for reader, _ in held[:2]] == [b"", b""]
        assert await listening.text(port, "SM1") == 200


REQUESTS = {
    "nothing there": (b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
    "no redirect": (b"GET /texts/twilio/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
    "method": (b"DELETE /texts/twilio HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 405),
    "forged": (b"POST /texts/twilio HTTP/1.1\r\nHost: [::1]:1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 403),
    "too long": (
        b"POST /texts/telnyx HTTP/1.1\r\nHost: phone.example.com\r\nConnection: close\r\nContent-Length: 70000\r\n\r\n"
        + b"x" * 70000,
        413,
    ),
    "a page": (b"GET /tours/x HTTP/1.1\r\nHost: 127.0.0.1:80\r\nConnection: close\r\n\r\n", 410),
    "another host": (b"GET /tours/x HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 400),
    "no host": (b"GET /tours/x HTTP/1.0\r\n\r\n", 400),
    "no HTTP": (b"\x16\x03\x01\x00\r\n\r\n", 400),
    "long headers": (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 40_000, 400),
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_every_answer_has_its_headers(listening: Listening, name: str) -> None:
    said, status = REQUESTS[name]
    head = (await listening.ask(said)).partition(b"\r\n\r\n")[0].decode().lower().splitlines()
    assert head[0].split()[1] == str(status)
    names = {line.partition(":")[0] for line in head}
    assert {one.lower() for one in HEADERS} <= names
    assert "server" not in names
    assert "location" not in names


async def test_the_webhooks_listener_has_nothing_else(listening: Listening) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listening.ports.webhooks}") as http:
        assert (await http.get("/tours/x")).status_code == 404
        assert (await http.post("/texts/telnyx")).status_code == 403
