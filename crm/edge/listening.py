"""Ports that this process is about to listen on."""

from __future__ import annotations

import asyncio
import errno
import socket

HANDOVER_SECONDS = 5.0
LOOK_SECONDS = 0.05


async def until_left(host: str, port: int) -> None:
    """Waits until nobody listens on the port any more, for some seconds at most: the process that this one replaces
    leaves it when it ends, which is no trouble to report."""
    looks = int(HANDOVER_SECONDS / LOOK_SECONDS)
    for _ in range(looks):
        if not _is_taken(host, port):
            return
        await asyncio.sleep(LOOK_SECONDS)


def _is_taken(host: str, port: int) -> bool:
    """Without connecting, so that whoever has it does not notice."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False
