"""Phones and carriers that answer every call with a redirection (SIP 3xx), and record what they were sent."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from sqlalchemy import update

from crm.services.phones import trunks
from crm.store.models import Trunk
from tests.scripted_phone import _register
from tests.system import System, response


class Redirecting(asyncio.DatagramProtocol):
    """One such peer. It answers OPTIONS, so that it counts as reachable."""

    def __init__(self, status: str, contact: str) -> None:
        self._status = status
        self._contact = contact
        self.invites: list[str] = []
        """Request URI of every call that came, without repetitions."""
        self._seen: set[str] = set()
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        method, _, rest = data.decode(errors="replace").partition(" ")
        if method == "INVITE":
            branch = re.findall(r"branch=([^\s;,]+)", rest)[0]
            if branch not in self._seen:
                self._seen.add(branch)
                self.invites.append(rest.split(" ")[0])
            port = self._transport.get_extra_info("sockname")[1]
            where = self._contact.format(here=f"127.0.0.1:{port}")
            header = f"Contact: {where}\r\nContent-Length".encode()
            answer = response(data, self._status).replace(b"Content-Length", header, 1)
            self._transport.sendto(response(data, "180 Ringing"), addr)
            self._transport.sendto(answer, addr)
        elif method not in ("ACK", "SIP/2.0"):
            self._transport.sendto(response(data, "200 OK"), addr)


@asynccontextmanager
async def _peer(port: int, status: str, contact: str) -> AsyncIterator[Redirecting]:
    loop = asyncio.get_running_loop()
    made = loop.create_datagram_endpoint(lambda: Redirecting(status, contact), local_addr=("127.0.0.1", port))
    transport, peer = await made
    try:
        yield peer
    finally:
        transport.close()
        # Only then its port is free for the phone that unregisters.
        await peer.closed.wait()


@asynccontextmanager
async def redirecting_phone(
    system: System, device: str, contact: str, status: str = "302 Moved Temporarily"
) -> AsyncIterator[Redirecting]:
    """A registered phone whose "forward" key is on; `contact` is the Contact's value, {here} its own address."""
    port, _ = system.phone_ports()
    await _register(system, device, port, expires=300)
    async with _peer(port, status, contact) as peer:
        await system.until(lambda: system.is_online(device), f"{device} online")
        yield peer
    await _register(system, device, port, expires=0)
    await system.until(lambda: system.is_offline(device), f"{device} offline")


@asynccontextmanager
async def redirecting_trunk(
    system: System, slug: str, contact: str, status: str = "302 Moved Temporarily", *, position: int = 0
) -> AsyncIterator[Redirecting]:
    """A trunk that routes by redirection. It stays until the office is as new."""
    port, _ = system.phone_ports()
    async with _peer(port, status, contact) as peer:
        await system.store.run(
            trunks.add,
            system.secrets,
            system.by,
            slug,
            host="127.0.0.1",
            port=port,
            auth="address",
            addresses=[f"127.6.0.{position + 1}"],
        )
        with system.store.writing() as session:
            marked = update(Trunk).where(Trunk.slug == slug).values(emergency=True, position=position)
            session.execute(marked)
        await system.publish()
        await system.until(lambda: system.is_online(f"trunk-{slug}"), f"trunk {slug} online")
        yield peer
