"""A network of its own for a browser, so that its machine can be given another address in a talk. Only root may make
one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from asterisk_conf import programs

OUR_END = "198.18.77.1"
"""The office's address there, from the block for tests of networks (RFC 2544)."""
needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("ip") is None, reason="only root may make a network of its own"
)


@dataclass
class OwnNetwork:
    name: str
    browser: Path
    """Starts Chromium in it."""
    address: str = "198.18.77.2"
    _mask: int = 24
    """24 and 25 in turn: with an address, others of the same subnet go."""

    def moves(self, *, is_without_any: bool) -> None:
        """Takes the machine's address away and gives it another one, as another Wi-Fi does; or the other way round, as
        with a cable that is plugged in, so that the browser is never offline."""
        former, mask = self.address, self._mask
        self.address, self._mask = f"198.18.77.{int(former.rpartition('.')[2]) + 1}", 49 - mask
        steps = [("delete", f"{former}/{mask}"), ("add", f"{self.address}/{self._mask}")]
        for act, address in steps if is_without_any else reversed(steps):
            _ip("-n", self.name, "address", act, address, "dev", "browser")


@asynccontextmanager
async def own_network(folder: Path, port: int) -> AsyncIterator[OwnNetwork]:
    """A network in which the console, which listens on loopback only, is at `port` of OUR_END."""
    name, link = f"leaseline-{os.getpid()}", f"ll{os.getpid()}"
    program = folder / "chromium"
    program.write_text(f'#!/bin/sh\nexec ip netns exec {name} "{programs.chromium()}" "$@"\n')
    program.chmod(0o755)
    _ip("netns", "add", name)
    try:
        _ip("link", "add", link, "type", "veth", "peer", "name", "browser", "netns", name)
        # An address that comes by itself would be another change of the network.
        _ip("link", "set", link, "addrgenmode", "none")
        _ip("-n", name, "link", "set", "browser", "addrgenmode", "none")
        _ip("address", "add", f"{OUR_END}/24", "dev", link)
        _ip("link", "set", link, "up")
        network = OwnNetwork(name, program)
        _ip("-n", name, "address", "add", f"{network.address}/24", "dev", "browser")
        for one in ("lo", "browser"):
            _ip("-n", name, "link", "set", one, "up")
        async with await asyncio.start_server(_passed_to(port), OUR_END, port):
            yield network
    finally:
        # With the namespace, it would go a while later.
        _ip("link", "delete", link)
        _ip("netns", "delete", name)


def _passed_to(port: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward, backward = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pass(reader, backward))
                both.create_task(_pass(onward, writer))
        finally:
            writer.close()
            backward.close()

    return passed


async def _pass(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while part := await source.read(65536):
            target.write(part)
            await target.drain()
    with contextlib.suppress(OSError):
        target.close()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
