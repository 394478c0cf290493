"""Several callers at once."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.system import ELM, LAKESIDE, System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def test_when_six_call_at_once_then_each_gets_their_own_outcome(system: System) -> None:
    message = system.spoken("Please tell me about the home with a balcony.")
    async with AsyncExitStack() as stack:
        alice = await stack.enter_async_context(system.phone("alice-desk"))
        carol = await stack.enter_async_context(system.phone("carol-soft"))
        callers = [await stack.enter_async_context(system.caller()) for _ in range(6)]
        linked, left, curious, elm, lakeside, last = callers
        await asyncio.gather(
            *(system.dial(caller, LAKESIDE if caller is lakeside else ELM) for caller in callers),
        )
        await asyncio.gather(*(system.step(caller.user, "menu") for caller in callers))
        await asyncio.gather(linked.press("1"), curious.press("1"), left.hang_up(), elm.press("2"), lakeside.press("2"))
        await asyncio.gather(alice.wait_for("CALL_INCOMING"), carol.wait_for("CALL_INCOMING"))
        await asyncio.gather(alice.answer(), carol.answer())
        await asyncio.gather(system.step(elm.user, "talk"), system.step(lakeside.user, "talk"))
        await asyncio.gather(*(system.carrier.text_to(caller.user) for caller in (linked, curious)))
        await last.press("2")  # Everybody is on a call by now.
        await system.step(last.user, "queue")
        await system.hears(last, system.prompt("queue_busy"))
        await last.press("2")
        await system.step(last.user, "voicemail")
        await asyncio.gather(linked.hang_up(), curious.press("2"))
        await system.step(curious.user, "queue")
        await curious.hang_up()
        await system.recording(last.user)
        await system.speak(last, message)
        await asyncio.gather(last.press("#"), elm.hang_up(), carol.hang_up())
        calls = [await system.ended_call(caller.user) for caller in callers]
    assert [call.outcome for call in calls] == ["got_link", "gave_up", "got_link", "talked", "talked", "left_voicemail"]
    assert [call.ended_by for call in calls] == ["caller", "caller", "caller", "caller", "agent", "system"]
    assert [{leg.device for leg in call.legs} for call in calls] == [
        set(),
        set(),
        set(),
        {"alice-desk"},
        {"carol-soft"},
        set(),
    ]
    tasks = [[task.kind for task in await system.tasks_of(call)] for call in calls]
    assert tasks == [["follow_up"], ["call_back"], ["follow_up"], [], [], ["listen"]]
    texts = [[text.purpose for text in await system.texts_of(caller.user)] for caller in callers]
    assert texts == [["listings_link"], ["missed_call"], ["listings_link"], [], [], ["missed_call"]]
    assert len({call.lead_id for call in calls}) == 6
