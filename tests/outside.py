"""People and carriers outside: phones that are reached through a trunk, and carriers that answer as they are told."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import cast

from sqlalchemy import update

from ari_app.demo.softphone import Softphone, softphone
from crm.services.phones import trunks
from crm.store.models import Trunk
from tests.system import System, response


async def only_by(system: System, **positions: int) -> None:
    """Calls of ours go out by these trunks alone, in this order."""
    with system.store.writing() as session:
        session.execute(update(Trunk).values(outbound=False))
        for slug, position in positions.items():
            marked = update(Trunk).where(Trunk.slug == slug).values(outbound=True, position=position)
            session.execute(marked)
    await system.publish()


@contextlib.asynccontextmanager
async def person(system: System, trunk: str = "acme", number: str | None = None) -> AsyncIterator[Softphone]:
    """Somebody outside behind a trunk that is known by its address; calls of ours go out by it alone.

    Their `user` is their number.
    """
    number = number or system.new_number()
    sip_port, control_port = system.phone_ports()
    async with softphone(
        system.folder / f"outside-{trunk}-{sip_port}",
        user=number,
        server=system.sip,
        register=False,
        sip_port=sip_port,
        control_port=control_port,
    ) as phone:
        await system.store.run(
            trunks.add,
            system.secrets,
            system.by,
            trunk,
            host="127.0.0.1",
            port=sip_port,
            auth="address",
            addresses=[f"127.4.0.{len(trunk)}"],
        )
        await only_by(system, **{trunk: 9})
        await system.until(lambda: system.is_online(f"trunk-{trunk}"), f"trunk {trunk} online")
        try:
            yield phone
        finally:
            await system.store.run(trunks.retire, system.secrets, system.by, trunk)
            await system.publish()


@dataclass
class DigestCarrier(asyncio.DatagramProtocol):
    """A carrier that wants a password for every registration and every call, and answers those that show it."""

    user: str
    password: str
    proxy: bool = False
    """Asks as a proxy does, with 407 (RFC 3261, 22.3), else with 401."""
    registered: int = 0
    called: list[str] = field(default_factory=list)
    """Numbers of the calls that showed the password, and whose they said they are."""
    shown: list[str] = field(default_factory=list)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        text = data.decode(errors="replace")
        method, _, rest = text.partition(" ")
        if method == "ACK":
            return
        if method not in ("INVITE", "REGISTER"):
            self._transport.sendto(response(data, "200 OK"), addr)
            return
        if not self._is_known(method, text):
            name = "Proxy-Authenticate" if self.proxy else "WWW-Authenticate"
            status = "407 Proxy Authentication Required" if self.proxy else "401 Unauthorized"
            challenge = f'{name}: Digest realm="carrier", nonce="n0nce", algorithm=MD5'
            answer = response(data, status).replace(b"Content-Length", f"{challenge}\r\nContent-Length".encode())
            self._transport.sendto(answer, addr)
            return
        if method == "REGISTER":
            self.registered += 1
            self._transport.sendto(response(data, "200 OK"), addr)
            return
        self.called.append(re.match(r"sip:([^@]*)@", rest)[1])  # type: ignore[index]
        self.shown.append(re.search(r"^From:.*?sip:([^@]*)@", text, re.MULTILINE)[1])  # type: ignore[index]
        self._transport.sendto(self._taken(data, addr), addr)

    def _is_known(self, method: str, text: str) -> bool:
        name = "Proxy-Authorization" if self.proxy else "Authorization"
        header = re.search(rf"^{name}: Digest (.*)$", text, re.MULTILINE)
        if not header:
            return False
        given = dict(re.findall(r'(\w+)="?([^",\r]*)"?', header[1]))
        first = _md5(f"{self.user}:carrier:{self.password}")
        second = _md5(f"{method}:{given['uri']}")
        wanted = _md5(f"{first}:n0nce:{second}")  # RFC 2617, without qop
        return given["username"] == self.user and given["response"] == wanted

    def _taken(self, request: bytes, addr: tuple[str, int]) -> bytes:
        port = self._transport.get_extra_info("sockname")[1]
        words = "v=0\r\no=c 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 39998 RTP/AVP 0\r\n"
        head = f"Contact: <sip:127.0.0.1:{port}>\r\nContent-Type: application/sdp\r\nContent-Length: {len(words)}"
        return response(request, "200 OK").replace(b"Content-Length: 0", head.encode()) + words.encode()


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


@contextlib.asynccontextmanager
async def digest_carrier(system: System, *, register: bool, proxy: bool) -> AsyncIterator[DigestCarrier]:
    """A trunk `acme` with user and password: one that we register with, or one known by its address."""
    port, _ = system.phone_ports()
    carrier = DigestCarrier("leasing", "s3cret-for-tests", proxy)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: carrier, local_addr=("127.0.0.1", port))
    await system.store.run(
        trunks.add,
        system.secrets,
        system.by,
        "acme",
        host="127.0.0.1",
        port=port,
        auth="address",
        addresses=["127.4.0.9"],
        username=carrier.user,
        password=carrier.password,
        register=register,
    )
    await only_by(system, acme=0)
    try:
        await system.until(lambda: system.is_online("trunk-acme"), "trunk acme online")
        yield carrier
    finally:
        await system.store.run(trunks.retire, system.secrets, system.by, "acme")
        await system.publish()
        transport.close()
