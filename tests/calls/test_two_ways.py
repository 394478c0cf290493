"""The same INVITE comes by two trunks, as when a carrier tries both of its ways to us at once."""

from __future__ import annotations

import asyncio
import re
import socket
import uuid
from typing import Any

import pytest

from crm.services.phones import trunks
from tests.system import ELM, System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

NORTH, SOUTH = "127.0.0.15", "127.0.0.16"
SDP = "v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 39996 RTP/AVP 0\r\n"


class Way:
    """One of a carrier's addresses."""

    def __init__(self, system: System, address: str) -> None:
        self._system = system
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((address, 0))

    def close(self) -> None:
        self._socket.close()

    async def invite(self, number: str, id: str) -> int:
        """Sends the INVITE, confirms the final answer, and returns its status."""
        host, port = self._socket.getsockname()
        via = f"Via: SIP/2.0/UDP {host}:{port};rport;branch=z9hG4bK{uuid.uuid4().hex}"
        sip, loop = self._system.sip, asyncio.get_running_loop()
        head = [f"From: <sip:{number}@carrier.example>;tag=1", f"Call-ID: {id}", "Max-Forwards: 70"]

        async def send(method: str, to: str, *more: str, body: str = "") -> None:
            lines = [f"{method} sip:{ELM}@{sip} SIP/2.0", via, *head, to, f"CSeq: 1 {method}", *more]
            text = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body])
            await loop.sock_sendto(self._socket, text.encode(), ("127.0.0.1", self._system.config.ports.sip))

        contact = f"Contact: <sip:{host}:{port}>"
        await send("INVITE", f"To: <sip:{ELM}@{sip}>", contact, "Content-Type: application/sdp", body=SDP)
        async with asyncio.timeout(60):
            while True:
                answer = (await loop.sock_recv(self._socket, 65536)).decode()
                status = re.match(r"SIP/2\.0 (\d{3})", answer)
                if status and int(status[1]) >= 200:
                    await send("ACK", re.search(r"^To: .*?(?=\r)", answer, re.MULTILINE)[0])  # type: ignore[index]
                    return int(status[1])


async def test_when_the_same_invite_comes_by_two_ways_then_it_is_one_call(system: System) -> None:
    for slug, address in (("north-way", NORTH), ("south-way", SOUTH)):
        await system.store.run(
            trunks.add, system.secrets, system.by, slug, host=address, auth="address", addresses=[address]
        )
    await system.publish()
    number, id = system.new_number(), uuid.uuid4().hex
    north, south = Way(system, NORTH), Way(system, SOUTH)
    try:
        assert sorted(await asyncio.gather(north.invite(number, id), south.invite(number, id))) == [200, 482]
        await system.step(number, "menu")
        assert await south.invite(number, id) == 482
        channels: list[dict[str, Any]] = []

        async def is_alone() -> bool:
            channels[:] = await system.ari("/channels")
            return len(channels) == 1

        await system.until(is_alone, "the one call's channel alone")
        await system.hang_up(channels[0]["id"])
        await system.ended_call(number)
    finally:
        north.close()
        south.close()
    assert len(await system.calls_from(number)) == 1
