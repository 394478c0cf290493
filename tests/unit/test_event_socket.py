"""The event socket is opened again for as long as it takes, and the log says once that it cannot be."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from ari_app.edge import client as ari
from ari_app.edge.client import AriClient

pytestmark = pytest.mark.unit


async def test_when_asterisk_cannot_be_reached_then_the_log_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries = asyncio.Semaphore(0)

    async def read_socket(self: AriClient, session: aiohttp.ClientSession) -> None:
        tries.release()
        raise aiohttp.ServerDisconnectedError

    async def nothing() -> None:
        pass

    monkeypatch.setattr(AriClient, "_read_socket", read_socket)
    monkeypatch.setattr(ari, "RECONNECT_SECONDS", 0.0)
    client = AriClient("http://127.0.0.1:1", "user", "word", "app", on_connect=nothing, on_event=lambda event: None)
    running = asyncio.create_task(client.run())
    for _ in range(3):
        await tries.acquire()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert caplog.messages == ["Asterisk's event socket could not be opened: ServerDisconnectedError"]
