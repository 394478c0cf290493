"""Asterisk lets the next app in, whatever was happening when the one before lost its event socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from ari_app.edge.channel import Handle
from ari_app.edge.client import AriClient
from tests.system import System

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]

TIMES = 5
CONNECT_SECONDS = 60.0
"""Asterisk has precedence over other processes, and takes a whole core for the lamps: on a busy machine, an app that is
not shut out may be late."""


async def test_when_an_app_is_lost_while_lamps_change_then_the_next_one_connects(system: System) -> None:
    """Asterisk's module for device states would then shut out every app (modules.conf.j2)."""
    await system.kill_app()
    async with lamps_change(system):
        for _ in range(TIMES):
            async with client(system) as app:
                running = asyncio.create_task(app.run())
                async with asyncio.timeout(CONNECT_SECONDS):
                    await app.connected.wait()
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
    await system.start_app()


@contextlib.asynccontextmanager
async def lamps_change(system: System) -> AsyncIterator[None]:
    """States change faster than anybody is told of them."""
    steps = [f"Set(DEVICE_STATE(Custom:drill-${{UNIQUEID}})={state})" for state in ("BUSY", "NOT_INUSE")]
    for number, step in enumerate([*steps, "Goto(1)"], start=1):
        said = await system.asterisk_console(f"dialplan add extension s,{number},{step} into drill")
        assert "added" in said
    async with client(system) as asking:
        channel = Handle(asking, "drill-lamps")
        # Its other half goes through the steps.
        await asking.post("/channels", channelId=channel.id, endpoint="Local/s@drill", context="drill", extension="s")
        try:
            yield
        finally:
            await channel.hang_up()
            channel.release()


def client(system: System) -> AriClient:
    async def nothing() -> None:
        pass

    base, password = f"http://127.0.0.1:{system.config.ports.http}", system.secrets.get("ari")
    return AriClient(base, "leaseline", password, "drill", on_connect=nothing, on_event=lambda event: None)
