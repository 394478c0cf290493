"""Whether the process of the web pages answers, as `leaseline status` and the supervisor ask it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from crm.config import Config
from crm.edge import page_probe
from crm.edge.page_probe import PageState

pytestmark = pytest.mark.web


@pytest.fixture
def listening() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Of a process that hangs: the system takes connections for it."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        yield one, other


def at(home: Path, site: int, api: int) -> Config:
    config = Config(home)
    return replace(config, ports=replace(config.ports, site=site, api=api))


async def test_what_takes_connections_and_says_nothing_hangs(
    tmp_path: Path, listening: tuple[socket.socket, socket.socket]
) -> None:
    one, other = (listener.getsockname()[1] for listener in listening)
    assert await page_probe.probe(at(tmp_path, one, other), 0.2) is PageState.HANGS

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    # One that answers is enough, even if it only cuts connections off.
    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        well = server.sockets[0].getsockname()[1]
        assert await page_probe.probe(at(tmp_path, one, well), 5) is PageState.ANSWERS


async def test_of_what_does_not_listen_nothing_is_known(
    tmp_path: Path, listening: tuple[socket.socket, socket.socket]
) -> None:
    """It is starting; whoever restarted it would keep it from that."""
    ports = [listener.getsockname()[1] for listener in listening]
    for listener in listening:
        listener.close()
    assert await page_probe.probe(at(tmp_path, *ports), 5) is PageState.UNKNOWN
