"""The other end of a call vanishes: no sound comes from it any more, and nobody says so."""

from __future__ import annotations

import asyncio
import itertools
import re
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest
import pytest_asyncio

from tests.busy import only_on_duty
from tests.scripted_phone import raw_calls, scripted_phone
from tests.system import ELM, System
from tests.talks import connect, hear_each_other

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


LEARNING_PACKETS = 310
"""Of 20 ms each: Asterisk takes 5 seconds until it keeps to where a phone sends from."""


class RouterPort(asyncio.DatagramProtocol):
    """Through which a phone sends its sound, and gets ours."""

    hears = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.hears = True

    async def send(self, packet: bytes, port: int) -> None:
        self._transport.sendto(packet, ("127.0.0.1", port))
        await asyncio.sleep(0.02)  # The pace of speech, which Asterisk looks at.


@asynccontextmanager
async def router_port() -> AsyncIterator[RouterPort]:
    transport, port = await asyncio.get_running_loop().create_datagram_endpoint(RouterPort, local_addr=("127.0.0.1", 0))
    try:
        yield port
    finally:
        transport.close()


@pytest_asyncio.fixture(loop_scope="session")
async def soon(system: System) -> AsyncIterator[System]:
    """Lines are found to be lost within seconds."""
    async with system.with_setting("target_seconds = 1.0", "target_seconds = 1.0\nlost_seconds = 4.0"):
        yield system


@pytest.mark.parametrize("scenario", ["answer_and_vanish", "answer_and_start_anew"])
async def test_when_an_agents_phone_dies_in_the_talk_then_the_caller_is_told_and_reaches_another(
    soon: System, scenario: str
) -> None:
    """Pain 9: the same agent is rung first, whose phone answers and is dead once more; then the team."""
    system = soon
    await only_on_duty(system, "alice", "bob")
    async with system.phone("bob-desk") as bob, system.caller() as caller:
        async with scripted_phone(system, "alice-desk", scenario):
            await system.to_team(caller)
            await system.hears(caller, system.prompt("line_lost"), 2)
        await bob.wait_for("CALL_INCOMING", 2)
        await bob.answer()
        await hear_each_other(system, caller, bob)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    answered = [(leg.stage, leg.device) for leg in call.legs if leg.answered_at]
    assert answered == [("subteam", "alice-desk"), ("agent", "alice-desk"), ("subteam", "bob-desk")]
    assert call.outcome == "talked"


async def test_when_a_router_gives_a_phone_another_port_then_the_talk_goes_on(soon: System) -> None:
    system = soon
    sound = (struct.pack("!BBHII", 0x80, 0, number, 160 * number, 1) + bytes(160) for number in itertools.count(1))
    await only_on_duty(system, "alice")
    async with scripted_phone(system, "alice-desk", "behind_nat") as phone, system.caller() as caller:
        await system.to_team(caller)
        await system.step(caller.user, "talk")
        media = re.search(r"^m=audio (\d+)", phone.received("INVITE")[0], re.MULTILINE)
        assert media
        async with router_port() as former, router_port() as now, asyncio.timeout(40):
            for packet in itertools.islice(sound, LEARNING_PACKETS):
                await former.send(packet, int(media[1]))
            assert former.hears
            while not now.hears:
                await now.send(next(sound), int(media[1]))
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert (call.outcome, [(leg.stage, leg.device) for leg in call.legs]) == ("talked", [("subteam", "alice-desk")])


async def test_when_no_sound_comes_from_a_caller_then_the_talk_ends_and_they_are_called_back(soon: System) -> None:
    system, number = soon, soon.new_number()
    await only_on_duty(system, "alice")
    async with system.phone("alice-desk") as alice:
        calling = asyncio.create_task(
            raw_calls(system, [(f"<sip:{number}@127.0.0.1>", f"sip:{ELM}@{system.sip}")], scenario="silent_caller")
        )
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await alice.wait_for("CALL_CLOSED", seconds=20)
        await calling
        call = await system.ended_call(number)
    assert (call.outcome, call.voicemail) == ("interrupted", None)
    assert [task.kind for task in await system.tasks_of(call)] == ["call_back"]


async def test_when_a_caller_in_line_is_gone_then_no_agent_gets_them(soon: System) -> None:
    system, number = soon, soon.new_number()
    await only_on_duty(system, "alice")
    async with system.phone("alice-desk") as alice, system.caller() as talker:
        await connect(system, talker, alice)
        await raw_calls(system, [(f"<sip:{number}@127.0.0.1>", f"sip:{ELM}@{system.sip}")], scenario="silent_caller")
        call = await system.ended_call(number)
        assert (call.outcome, call.step, call.legs) == ("gave_up", "queue", [])
        await hear_each_other(system, talker, alice)
        await talker.hang_up()
        assert (await system.ended_call(talker.user)).outcome == "talked"
        assert alice.count("CALL_INCOMING") == 1
    assert [task.kind for task in await system.tasks_of(call)] == ["call_back"]


async def test_when_no_sound_comes_from_a_caller_then_they_leave_no_message_and_nobody_rings_for_them(
    system: System,
) -> None:
    """Even where no line counts as lost, Asterisk's recording comes to its end without having recorded anything."""
    number = system.new_number()
    await only_on_duty(system)
    async with system.with_setting("target_seconds = 1.0", "target_seconds = 1.0\nlost_seconds = 0.0"):
        await raw_calls(system, [(f"<sip:{number}@127.0.0.1>", f"sip:{ELM}@{system.sip}")], scenario="silent_caller")
        call = await system.ended_call(number)
    assert (call.outcome, call.step, call.voicemail, call.legs) == ("gave_up", "voicemail", None, [])
    assert not call.without_app
    assert not list(system.config.home.rglob(f"{call.id}*.wav"))
