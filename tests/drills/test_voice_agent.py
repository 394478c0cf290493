"""Parts of the voice agent die in the middle of a talk: the caller gets the menu, or the talk goes on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

import pytest

from ari_app.demo.softphone import Softphone
from tests.drills.witness import hears, one_record
from tests.system import System
from tests.voice.calls import HOURS, PERSON, answered_by_voice, asks, is_asked, says, turns
from tests.voice.phone import Voice

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
        await asks(system, caller, HOURS)
        await says(system, caller.user, "hours_are")
        await system.kill_app()
        await system.start_app()
        await says(system, caller.user, "how_can_i_help", 2)
        await asks(system, caller, PERSON)
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await system.step(caller.user, "talk")
        await caller.hang_up()
        call = await one_record(system, caller.user, "talked", finished=True)
    assert [leg.device for leg in call.legs] == ["alice-desk"], "the voice agent's audio is no phone's"
    said = await turns(system, caller.user)
    assert [turn.text for turn in said if turn.who == "caller"] == [HOURS, PERSON]


MODELS = {"the recognizer": "scripted_stt", "the voice": "scripted_tts"}
"""Processes that the voice process starts, and their modules."""


@pytest.mark.parametrize("killed", ["the voice process", *MODELS, "the app"])
async def test_whichever_process_is_killed_in_whichever_turn_then_no_caller_is_lost(
    system: System, killed: str
) -> None:
    """Four callers at once, each in another turn. They go on in different ways."""
    hum = system.folder / "hum" / "hum.onnx"
    hum.parent.mkdir(exist_ok=True)
    async with contextlib.AsyncExitStack() as stack:
        agent = await stack.enter_async_context(answered_by_voice(system, "--hums", str(hum)))
        callers = [await stack.enter_async_context(system.caller()) for _ in range(4)]
        greeted, asking, answered, waiting = callers
        await asyncio.gather(*(_is_greeted(system, caller) for caller in (asking, answered, waiting)))
        await waiting.say(system.spoken(HOURS))
        await says(system, waiting.user, "hours_are")
        await answered.say(system.spoken(HOURS))
        await asyncio.gather(is_asked(system, answered.user, HOURS), system.dial(greeted))
        await asking.say(system.spoken(HOURS))
        await _kill(system, agent, killed)
        if killed == "the voice process":
            await asyncio.gather(*(system.step(caller.user, "menu") for caller in callers))
        else:
            await asyncio.gather(*(_asks_until_answered(system, caller) for caller in callers))
        await asyncio.gather(
            greeted.press("1"), _leaves_a_message(system, asking), answered.hang_up(), waiting.hang_up()
        )
        await system.carrier.text_to(greeted.user)
        await greeted.hang_up()
        calls = {caller.user: await system.ended_call(caller.user) for caller in callers}
    outcomes = [calls[caller.user].outcome for caller in callers]
    assert outcomes == ["got_link", "left_voicemail", "answered", "answered"]
    for number, call in calls.items():
        assert len(await system.calls_from(number)) == 1
        assert len(await system.tasks_of(call)) == 1, "one next action"


async def _is_greeted(system: System, caller: Softphone) -> None:
    await system.dial(caller)
    await says(system, caller.user, "how_can_i_help")


async def _kill(system: System, agent: Voice, which: str) -> None:
    match which:
        case "the voice process":
            agent.process.kill()
        case "the app":
            await system.kill_app()
            await system.start_app()
        case _:
            agent.child(MODELS[which]).kill()


async def _asks_until_answered(system: System, caller: Softphone) -> None:
    """Asks again if nothing comes, as people do."""

    async def answers() -> int:
        said = await turns(system, caller.user)
        return sum(turn.template == "hours_are" and turn.result == "heard" for turn in said)

    async def more() -> bool:
        return await answers() > before

    before = await answers()
    for patience in (12, 12, 20):
        await caller.say(system.spoken(HOURS))
        with contextlib.suppress(AssertionError):
            await system.until(more, "an answer", seconds=patience)
            return
    pytest.fail(f"{caller.user} is not answered: {await turns(system, caller.user)}")


async def _leaves_a_message(system: System, caller: Softphone) -> None:
    """Asks for the team, of which nobody can come to the phone."""
    await caller.press("2")
    await system.recording(caller.user)
    await system.speak(caller, system.spoken(HOURS))
    await caller.hang_up()
