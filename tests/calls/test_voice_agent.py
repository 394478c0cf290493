"""The voice agent answers real calls: with the real voice process, and a recognizer that knows what is said."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import update

from ari_app.demo import listening
from crm.store.models import Line
from crm.views import calls as views
from crm.views.calls import VoiceTurnEntry
from tests.system import System
from tests.voice.phone import Voice, voice

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

HOURS = "What are your office hours?"
PERSON = "Can I talk to a real person, please?"


@pytest.fixture
async def agent(system: System) -> AsyncIterator[Voice]:
    with system.store.writing() as session:
        session.execute(update(Line).values(ai_answers="always"))
    async with voice(system, {text: system.spoken(text) for text in (HOURS, PERSON)}) as running:
        yield running
    with system.store.writing() as session:
        session.execute(update(Line).values(ai_answers=""))


async def turns(system: System, number: str) -> list[VoiceTurnEntry]:
    calls = await system.calls_from(number)
    found = await system.store.read(views.voice_talk, calls[-1].id) if calls else None
    return found.turns if found else []


async def says(system: System, number: str, template: str) -> None:
    """Waits until the caller has heard a sentence."""

    async def heard() -> bool:
        return any(turn.template == template and turn.result == "heard" for turn in await turns(system, number))

    await system.until(heard, f"the agent says {template}")


async def test_the_caller_asks_is_answered_and_asks_for_a_person_whose_phone_rings(
    system: System, agent: Voice
) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller)
        await says(system, caller.user, "how_can_i_help")
        await caller.say(system.spoken(HOURS))
        await says(system, caller.user, "hours_are")
        await caller.say(system.spoken(PERSON))
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
