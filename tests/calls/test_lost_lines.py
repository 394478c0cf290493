"""The other end of a call vanishes: no sound comes from it any more, and nobody says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.busy import only_on_duty
from tests.scripted_phone import raw_calls, scripted_phone
from tests.system import ELM, System
from tests.talks import connect, hear_each_other

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def soon(system: System) -> AsyncIterator[System]:
    """Lines are found to be lost within seconds."""
    async with system.with_setting("target_seconds = 1.0", "target_seconds = 1.0\nlost_seconds = 4.0"):
        yield system


async def test_when_an_agents_phone_dies_in_the_talk_then_the_caller_is_told_and_reaches_another(soon: System) -> None:
    """Pain 9: the same agent is rung first, whose phone answers and is dead once more; then the team."""
    system = soon
    await only_on_duty(system, "alice", "bob")
    async with system.phone("bob-desk") as bob, system.caller() as caller:
        async with scripted_phone(system, "alice-desk", "answer_and_vanish"):
            await system.to_team(caller)
            await system.step(caller.user, "talk")
            await system.hears(caller, system.prompt("line_lost"), 2)
        await bob.wait_for("CALL_INCOMING", 2)
        await bob.answer()
        await hear_each_other(system, caller, bob)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    answered = [(leg.stage, leg.device) for leg in call.legs if leg.answered_at]
    assert answered == [("subteam", "alice-desk"), ("agent", "alice-desk"), ("subteam", "bob-desk")]
    assert call.outcome == "talked"


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
