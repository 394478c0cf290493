"""The voice agent answers real calls: with the real voice process, and a recognizer that knows what is said."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ari_app.demo import listening
from tests.system import System
from tests.voice.calls import HOURS, PERSON, answered_by_voice, asks, says, turns
from tests.voice.phone import Voice

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture
async def agent(system: System) -> AsyncIterator[Voice]:
    async with answered_by_voice(system) as running:
        yield running


async def test_the_caller_asks_is_answered_and_asks_for_a_person_whose_phone_rings(
    system: System, agent: Voice
) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller)
        await says(system, caller.user, "how_can_i_help")
        await asks(system, caller, HOURS)
        await says(system, caller.user, "hours_are")
        await asks(system, caller, PERSON)
        await alice.wait_for("CALL_INCOMING")
        await system.until(lambda: bool(listening.ringback(listening.read(caller.heard))), "ringback")
        await alice.answer()
        await system.step(caller.user, "talk")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        said = await turns(system, caller.user)
    assert call.outcome == "talked"
    assert [turn.text for turn in said if turn.who == "caller"] == [HOURS, PERSON]
    [answer] = [turn for turn in said if turn.template == "hours_are"]
    assert [cite.kind for cite in answer.cites] == ["hours"]
    assert answer.started < said[-1].started
