"""An agent's calls ring their mobile, too, and only a digit connects."""

from __future__ import annotations

import asyncio

import pytest

from ari_app.edge import listening
from tests.mobile import NUMBER, about, forward, mobile, picks_up
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
        await asyncio.gather(
            system.hears(caller, system.spoken(HELLO)), system.hears(cell, system.spoken(QUESTION))
        )
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
