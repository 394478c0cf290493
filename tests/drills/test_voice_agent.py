"""Parts of the voice agent die in the middle of a talk: the caller gets the menu, or the talk goes on."""

from __future__ import annotations

import os
import signal

import pytest

from tests.drills.witness import hears, one_record
from tests.system import System
from tests.voice.calls import HOURS, PERSON, answered_by_voice, says, turns

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_when_the_voice_process_is_killed_or_stopped_then_the_menu_is_next(
    system: System, how: signal.Signals
) -> None:
    async with answered_by_voice(system) as agent, system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller)
        await says(system, caller.user, "how_can_i_help")
        await caller.say(system.spoken(HOURS))
        os.kill(agent.process.pid, how)
        try:
            await system.step(caller.user, "menu")
            await hears(system, caller, system.prompt("menu"))
            await caller.press("2")
            await alice.wait_for("CALL_INCOMING")
            await alice.answer()
            await system.step(caller.user, "talk")
            await caller.hang_up()
            await one_record(system, caller.user, "talked", finished=True)
        finally:
            if how is signal.SIGSTOP:
                os.kill(agent.process.pid, signal.SIGCONT)
    said = await turns(system, caller.user)
    assert said, "what was said before is on record"


async def test_when_the_app_is_killed_in_a_turn_then_the_talk_goes_on(system: System) -> None:
    async with answered_by_voice(system), system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller)
        await says(system, caller.user, "how_can_i_help")
        await caller.say(system.spoken(HOURS))
        await says(system, caller.user, "hours_are")
        await system.kill_app()
        await system.start_app()
        await says(system, caller.user, "how_can_i_help", 2)
        await caller.say(system.spoken(PERSON))
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await system.step(caller.user, "talk")
        await caller.hang_up()
        call = await one_record(system, caller.user, "talked", finished=True)
    assert [leg.device for leg in call.legs] == ["alice-desk"], "the voice agent's audio is no phone's"
    said = await turns(system, caller.user)
    assert [turn.text for turn in said if turn.who == "caller"] == [HOURS, PERSON]
