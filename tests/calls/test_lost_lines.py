"""The other end of a call vanishes: no sound comes from it any more, and nobody says so."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from tests.busy import only_on_duty
from tests.rtp import Sender, Srtp
from tests.scripted_phone import ScriptedPhone, raw_calls, scripted_phone
from tests.system import ELM, System
from tests.talks import connect, hear_each_other

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


LEARNING_PACKETS = 310
"""Of 20 ms each: Asterisk takes 5 seconds until it keeps to where a phone sends from."""
PACKETS_PER_REPORT = 25
MUTED_REPORTS = 20
"""Of half a second each, which is twice as long as a line may be silent here."""


class Port(asyncio.DatagramProtocol):
    """A port of the router, through which a phone sends, and gets what is sent to it."""

    hears = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.hears = True

    async def send(self, packet: bytes, port: int) -> None:
        self._transport.sendto(packet, ("127.0.0.1", port))
        await asyncio.sleep(0.02)  # The pace of speech, which Asterisk looks at.


class Router:
    """The ports that a phone has just now: one for its sound, one for its reports."""

    def __init__(self, sound: Port, reports: Port, media: int) -> None:
        self._sound = sound
        self._reports = reports
        self._media = media
        """The port in our SDP."""

    @property
    def hears(self) -> bool:
        return self._sound.hears

    async def speaks(self, sender: Sender, packets: int) -> None:
        for _ in range(packets):
            await self._sound.send(sender.sound(), self._media)

    async def reports(self, report: bytes) -> None:
        await self._reports.send(report, self._media + 1)


@asynccontextmanager
async def router(phone: ScriptedPhone, address: str = "127.0.0.1") -> AsyncIterator[Router]:
    media = re.search(r"^m=audio (\d+)", phone.received("INVITE")[0], re.MULTILINE)
    assert media
    loop = asyncio.get_running_loop()
    sound_transport, sound = await loop.create_datagram_endpoint(Port, local_addr=(address, 0))
    transport, reports = await loop.create_datagram_endpoint(Port, local_addr=(address, 0))
    try:
        yield Router(sound, reports, int(media[1]))
    finally:
        sound_transport.close()
        transport.close()


soon = pytest.mark.setting("target_seconds = 1.0", "target_seconds = 1.0\nlost_seconds = 4.0")
"""Lines are found to be lost within seconds."""


@soon
@pytest.mark.parametrize("scenario", ["answer_and_vanish", "answer_and_start_anew"])
async def test_when_an_agents_phone_dies_in_the_talk_then_the_caller_is_told_and_reaches_another(
    system: System, scenario: str
) -> None:
    """Pain 9: the same agent is rung first, whose phone answers and is dead once more; then the team."""
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
    answered = [leg.device for leg in call.legs if leg.answered_at]
    assert answered == ["alice-desk", "alice-desk", "bob-desk"]
    stages = [leg.stage for leg in call.legs if leg.device == "alice-desk"]
    assert stages[:2] == ["subteam", "agent"]
    assert call.outcome == "talked"


@soon
@pytest.mark.parametrize(
    ("reports", "srtp"), [(False, None), (True, None), (True, Srtp())], ids=["no-rtcp", "rtcp", "srtp"]
)
async def test_when_a_router_gives_a_phone_another_port_then_the_talk_goes_on(
    system: System, reports: bool, srtp: Srtp | None
) -> None:
    """Whether all it sends is missed, or its sound for what its reports say: these from the same host, or encrypted."""
    sender = Sender(srtp)
    await only_on_duty(system, "alice")
    attribute, elsewhere = (srtp.attribute, "127.0.0.8") if srtp else ("sendrecv", "127.0.0.1")
    async with (
        scripted_phone(system, "alice-desk", "behind_nat", attribute=attribute) as phone,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await system.step(caller.user, "talk")
        async with router(phone) as former, router(phone, elsewhere) as now, asyncio.timeout(40):
            await former.speaks(sender, LEARNING_PACKETS)
            assert former.hears
            while not now.hears:
                await now.speaks(sender, PACKETS_PER_REPORT)
                if reports:
                    await now.reports(sender.report())
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert (call.outcome, [(leg.stage, leg.device) for leg in call.legs]) == ("talked", [("subteam", "alice-desk")])


@soon
async def test_when_a_muted_phone_sends_nothing_but_reports_then_it_is_not_asked_where_its_sound_is(
    system: System,
) -> None:
    """Behind a router it would hear nothing from then on, until it speaks."""
    sender = Sender()
    await only_on_duty(system, "alice")
    async with (
        scripted_phone(system, "alice-desk", "behind_nat", attribute="sendrecv") as phone,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await system.step(caller.user, "talk")
        async with router(phone) as path:
            await path.speaks(sender, LEARNING_PACKETS)
            asked = phone.received("INVITE")
            for number in range(MUTED_REPORTS):
                await path.reports(sender.report(as_sender=number % 2 == 0))
                await asyncio.sleep(0.5)
            assert phone.received("INVITE") == asked
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert (call.outcome, [(leg.stage, leg.device) for leg in call.legs]) == ("talked", [("subteam", "alice-desk")])


@soon
async def test_when_no_sound_comes_from_a_caller_then_the_talk_ends_and_they_are_called_back(system: System) -> None:
    number = system.new_number()
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


@soon
async def test_when_a_caller_in_line_is_gone_then_no_agent_gets_them(system: System) -> None:
    number = system.new_number()
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


@pytest.mark.setting("target_seconds = 1.0", "target_seconds = 1.0\nlost_seconds = 0.0")
async def test_when_no_sound_comes_from_a_caller_then_they_leave_no_message_and_nobody_rings_for_them(
    system: System,
) -> None:
    """Even where no line counts as lost, Asterisk's recording comes to its end without having recorded anything."""
    number = system.new_number()
    await only_on_duty(system)
    await raw_calls(system, [(f"<sip:{number}@127.0.0.1>", f"sip:{ELM}@{system.sip}")], scenario="silent_caller")
    call = await system.ended_call(number)
    assert (call.outcome, call.step, call.voicemail, call.legs) == ("gave_up", "voicemail", None, [])
    assert not call.without_app
    assert not list(system.config.home.rglob(f"{call.id}*.wav"))
