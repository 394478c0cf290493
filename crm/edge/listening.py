"""Ports that this process is about to listen on."""

from __future__ import annotations

import asyncio
import contextlib

HANDOVER_SECONDS = 5.0
LOOK_SECONDS = 0.05


async def until_left(host: str, port: int) -> None:
    """Waits until nobody listens on the port any more, for some seconds at most: the process that this one replaces
    leaves it when it ends, which is no trouble to report."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(HANDOVER_SECONDS):
            while True:
                _, writer = await asyncio.open_connection(host, port)
                writer.transport.abort()
                await asyncio.sleep(LOOK_SECONDS)
