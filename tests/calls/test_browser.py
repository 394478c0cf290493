"""The account of a browser: SIP over a WebSocket on Asterisk's HTTP server (RFC 7118)."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest

from crm.services.phones import devices
from crm.services.system import health
from tests.system import System
from tests.talks import connect

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


def md5(*parts: str) -> str:
    return hashlib.md5(":".join(parts).encode(), usedforsecurity=False).hexdigest()


class Browser:
    """As much of a browser's phone as registering takes."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, user: str) -> None:
        self.socket, self.user, self.call_id, self.sequence = socket, user, uuid.uuid4().hex, 0

    async def register(self, secret: str, expires: int) -> str:
        """Gives the status line of the second answer; the first asks for the password."""
        challenge = await self._request(expires, "")
        assert challenge.startswith("SIP/2.0 401"), challenge
        found = dict(re.findall(r'(realm|nonce|opaque|qop)="([^"]*)"', challenge))
        uri = "sip:leaseline.invalid"
        part = md5(self.user, found["realm"], secret), found["nonce"], "00000001", "abc", "auth"
        answer = md5(*part, md5("REGISTER", uri))
        fields = {
            "username": self.user,
            "realm": found["realm"],
            "nonce": found["nonce"],
            "uri": uri,
            "response": answer,
            "cnonce": "abc",
            "opaque": found.get("opaque", ""),
        }
        quoted = ", ".join(f'{name}="{value}"' for name, value in fields.items())
        credentials = f"Authorization: Digest {quoted}, qop=auth, nc=00000001, algorithm=MD5\r\n"
        return (await self._request(expires, credentials)).splitlines()[0]

    async def _request(self, expires: int, credentials: str) -> str:
        self.sequence += 1
        await self.socket.send_str(
            "REGISTER sip:leaseline.invalid SIP/2.0\r\n"
            f"Via: SIP/2.0/WS {self.call_id}.invalid;branch=z9hG4bK{uuid.uuid4().hex}\r\n"
            f"From: <sip:{self.user}@leaseline.invalid>;tag=1\r\nTo: <sip:{self.user}@leaseline.invalid>\r\n"
            f"Call-ID: {self.call_id}\r\nCSeq: {self.sequence} REGISTER\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:{self.user}@{self.call_id}.invalid;transport=ws>;expires={expires}\r\n"
            f"{credentials}Content-Length: 0\r\n\r\n"
        )
        while True:
            text = (await self.socket.receive(timeout=60)).data
            if text.startswith("SIP/2.0") and f"CSeq: {self.sequence} REGISTER" in text:
                return text
            await self.answer_options(text)

    async def answer_options(self, request: str) -> None:
        names = ("Via:", "From:", "To:", "Call-ID:", "CSeq:")
        kept = [line for line in request.split("\r\n") if line.startswith(names)]
        await self.socket.send_str("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]))


@asynccontextmanager
async def browser(system: System, user: str) -> AsyncIterator[Browser]:
    url = f"http://127.0.0.1:{system.config.ports.http}/ws"
    async with aiohttp.ClientSession() as session, session.ws_connect(url, protocols=["sip"]) as socket:
        assert socket.protocol == "sip"
        yield Browser(socket, user)


async def test_a_browser_registers_over_a_websocket_and_counts_as_online(system: System) -> None:
    await system.store.run(devices.add, system.secrets, system.by, "alice-web", agent="alice", kind="browser")
    await system.publish()
    async with browser(system, "alice-web") as alice:
        assert await alice.register(system.secrets.get("device/alice-web"), 60) == "SIP/2.0 200 OK"
        # The lamp's NOTIFY may come before it.
        while not (request := (await alice.socket.receive(timeout=60)).data).startswith("OPTIONS"):
            await alice.answer_options(request)
        await alice.answer_options(request)
        await system.until(lambda: system.is_online("alice-web"), "alice-web online")
        found = await health.look(system.config, system.by.now)
        assert {one.device: one.up for one in found.devices}["alice-web"]
        assert await alice.register(system.secrets.get("device/alice-web"), 0) == "SIP/2.0 200 OK"
    await system.until(lambda: system.is_offline("alice-web"), "alice-web offline")


async def test_a_browser_with_a_wrong_password_is_refused(system: System) -> None:
    await system.store.run(devices.add, system.secrets, system.by, "alice-web", agent="alice", kind="browser")
    await system.publish()
    async with browser(system, "alice-web") as alice:
        assert (await alice.register("wrong", 60)).startswith("SIP/2.0 401")
    assert not await system.is_online("alice-web")


MANY = 150


async def test_many_idle_browsers_keep_the_app_from_nothing(system: System) -> None:
    """Asterisk counts all connections to its HTTP server together, those of ARI included."""
    for number in range(MANY // 3):
        slug = f"alice-web-{number}"
        await system.store.run(devices.add, system.secrets, system.by, slug, agent="alice", kind="browser")
    before = json.loads((system.config.run_folder / "app.json").read_text())["reconnects"]
    await system.publish()
    url = f"http://127.0.0.1:{system.config.ports.http}/ws"
    async with AsyncExitStack() as stack:
        # Its own limit is 100.
        connector = aiohttp.TCPConnector(limit=0)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        for _ in range(MANY):
            await stack.enter_async_context(session.ws_connect(url, protocols=["sip"]))
        async with system.phone("alice-desk") as alice, system.caller() as caller:
            await connect(system, caller, alice)
            await caller.hang_up()
            assert (await system.ended_call(caller.user)).outcome == "talked"
        # A connection that is new.
        assert (await health.look(system.config, system.by.now)).asterisk.up
    assert json.loads((system.config.run_folder / "app.json").read_text())["reconnects"] == before


BESIDE = [
    "/",
    "/ari/channels",
    "/ari/events?app=leaseline",
    "/ari/api-docs/resources.json",
    "/ws/ari/channels",
    "/static/",
]


async def test_without_a_password_there_is_the_browsers_door_and_no_other_and_only_for_this_machine(
    system: System,
) -> None:
    """The proxy passes on `/ws` alone (docs/guide/safety.md): whatever else it let through would lead to ARI."""
    port = system.config.ports.http
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as stranger:
        found = {path: (await stranger.get(path)).status for path in BESIDE}
        async with stranger.ws_connect("/ws", protocols=["sip"]) as socket:
            assert socket.protocol == "sip"
    assert {path for path, status in found.items() if status == 401} == {one for one in BESIDE if one[:5] == "/ari/"}
    assert {status for path, status in found.items() if not path.startswith("/ari/")} == {404}
    # Another address of this machine, on which everything would be found that listens on all of them.
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.2", port)
