"""Sound from somebody who has no part in a call."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from tests.scripted_phone import scripted_phone
from tests.system import System
from tests.talks import talk_with

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

KEYS = "0123456789*#"


async def send_rtp(port: int, source: str, keys: str, packets: int = 20) -> None:
    """Sends silence to a port of Asterisk's, 20 ms a packet, and then keys (RFC 4733, type 101)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((source, 0))
        for number in range(packets):
            sender.sendto(struct.pack("!BBHII", 0x80, 0, number, number * 160, 7) + b"\xff" * 160, ("127.0.0.1", port))
            await asyncio.sleep(0.02)
        for place, key in enumerate(keys):
            for part in range(6):
                head = struct.pack("!BBHII", 0x80, 101, packets + place * 6 + part, (packets + place * 20) * 160, 7)
                end = 0x80 if part > 2 else 0
                event = struct.pack("!BBH", KEYS.index(key), end | 10, 160 * (min(part, 3) + 1))
                sender.sendto(head + event, ("127.0.0.1", port))
                await asyncio.sleep(0.02)


async def test_when_a_stranger_sends_keys_in_a_silent_phone_s_place_then_nobody_is_passed_on(system: System) -> None:
    """Asterisk takes the sound for the phone's; no code in it is heeded."""
    log = system.config.log_folder / "app.log"
    async with scripted_phone(system, "alice-desk", "answers_mute"), system.caller() as caller:
        await system.to_team(caller)
        await system.step(caller.user, "talk")
        phone = (await system.channel_of("alice-desk"))["id"]
        port = int((await system.variable(phone, "CHANNEL(rtp,src)")).rpartition(":")[2])
        await send_rtp(port, "127.3.0.1", "*1")
        assert (await system.variable(phone, "CHANNEL(rtp,dest)")).startswith("127.3.0.1:")
        await system.until(lambda: "keys are not heeded" in log.read_text(), "the keys are heard and not heeded")
        assert await talk_with(system, "trunk-demo", "alice-desk")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert call.outcome == "talked"
