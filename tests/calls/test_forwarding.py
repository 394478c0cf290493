"""An agent's calls ring their mobile, too, and only a digit connects."""

from __future__ import annotations

import asyncio

import pytest

from ari_app.demo import listening
from tests.mobile import NUMBER, about, forward, mobile, picks_up
from tests.scripted_phone import scripted_phone
from tests.system import ELM, System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

HELLO = "Good morning, this is the leasing office."
QUESTION = "I would like to see the two bedroom home."


async def test_when_the_mobile_presses_1_then_the_two_talk(system: System) -> None:
    await forward(system, after=2)
    async with system.phone("alice-desk") as desk, mobile(system) as cell, system.caller() as caller:
        await system.to_team(caller)
        await desk.wait_for("CALL_INCOMING")
        assert cell.count("CALL_INCOMING") == 0, "the desk phone rings first"
        shown = await cell.wait_for("CALL_INCOMING")
        assert f"sip:{ELM}@" in shown.param, "the leasing line is the caller ID"
        await picks_up(cell)
        assert desk.count("CALL_CLOSED") == 0, "nobody has taken the call yet"
        await system.hears(cell, await about(system, caller.user))
        await cell.press("1")
        await system.step(caller.user, "talk")
        await desk.wait_for("CALL_CLOSED")
        await cell.say(system.spoken(HELLO))
        await caller.say(system.spoken(QUESTION))
        await asyncio.gather(system.hears(caller, system.spoken(HELLO)), system.hears(cell, system.spoken(QUESTION)))
        await cell.hang_up()
        call = await system.ended_call(caller.user)
        recording = listening.read(caller.heard)
    assert (call.outcome, call.ended_by) == ("talked", "agent")
    assert [(leg.device, leg.stage, leg.number, leg.status) for leg in call.legs] == [
        ("alice-desk", "subteam", None, "CANCEL"),
        ("alice-mobile", "subteam", NUMBER, "ANSWER"),
    ]
    assert call.lead
    assert call.lead.assigned_agent_id == call.legs[1].agent_id
    whisper = {"whisper": listening.read(await about(system, caller.user))}
    assert listening.find(recording, whisper) == [], "the caller heard the whisper"
    ringing = listening.ringback(recording)
    [hello] = listening.find(recording, {"hello": listening.read(system.spoken(HELLO))})
    assert ringing
    assert all(end <= hello.at + 0.2 for _, end in ringing)


async def test_when_voicemail_answers_and_talks_then_the_caller_is_not_swallowed_pain_7_pain_3_pain_4(
    system: System,
) -> None:
    robot = system.spoken("Hello, I cannot come to the phone. Please leave a message after the tone. " * 2)
    await forward(system)
    async with mobile(system) as cell, system.caller() as caller:
        await system.to_team(caller)
        await picks_up(cell)
        await cell.say(robot)
        await cell.wait_for("CALL_CLOSED", seconds=30)
        await system.hears(caller, system.prompt("nobody_available"))
        assert not listening.find(listening.read(caller.heard), {"robot": listening.read(robot)})
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        await system.carrier.text_to(caller.user)
        assert cell.count("CALL_INCOMING") == 1, "it is not dialed again in the next stage"
    [leg] = call.legs
    assert (leg.device, leg.status, leg.answered_at) == ("alice-mobile", "NOANSWER", None)
    assert call.talk_started_at is None
    assert (call.outcome, call.step) == ("gave_up", "voicemail")
    assert [task.kind for task in await system.tasks_of(call)] == ["call_back"]
    assert len(system.carrier.texts_to(caller.user)) == 1


async def test_when_a_mobile_takes_the_call_then_the_desk_phones_show_no_missed_call_pain_5(system: System) -> None:
    await forward(system)
    async with (
        scripted_phone(system, "bob-desk", "ring") as bob,
        mobile(system) as cell,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await picks_up(cell)
        await cell.press("1")
        await system.step(caller.user, "talk")
        await system.until(lambda: bool(bob.received("CANCEL")), "bob's phone stops")
        [cancel] = bob.received("CANCEL")
        await caller.hang_up()
        await system.ended_call(caller.user)
    assert 'text="Call completed elsewhere"' in cancel
