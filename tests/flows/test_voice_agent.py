"""The voice agent in a call: it answers, does what was agreed, hands over to people; and the menu, when it cannot."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import update

from crm.store.models import Line
from crm.views import calls as views
from crm.views.calls import CallDetail
from tests.asterisk import Seam
from tests.asterisk.voice import ScriptedVoice

pytestmark = pytest.mark.flows


@pytest.fixture
async def agent(system: Seam) -> AsyncIterator[ScriptedVoice]:
    """The voice agent answers on every line."""
    with system.store.writing() as session:
        session.execute(update(Line).values(ai_answers="always"))
    async with system.voice() as voice:
        yield voice


async def says(system: Seam, agent: ScriptedVoice, *words: str) -> None:
    """Waits until the agent says something with these words."""
    await system.until(
        lambda: bool(agent.talks) and any(all(word in one for word in words) for one in agent.talk.said),
        f"the agent says {words}",
    )


async def record(system: Seam, number: str) -> CallDetail:
    call = await system.ended_call(number)
    return await system.store.read(views.one, call.id)


async def test_the_caller_asks_is_answered_and_asks_for_a_person_whose_phone_rings(
    system: Seam, agent: ScriptedVoice
) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")
        await agent.talk.caller_says("What are your office hours?")
        await says(system, agent, "open")
        await agent.talk.caller_says("Can I talk to a real person, please?")
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await system.step(caller.user, "talk")
        await caller.hang_up()
        found = await record(system, caller.user)
    assert found.outcome == "talked"
    assert found.voice_talk is not None
    told = [(turn.who, turn.text) for turn in found.voice_talk.turns]
    assert ("caller", "What are your office hours?") in told
    assert found.voice_talk.why_ended == "asked"
    assert [leg.agent for leg in found.legs] == ["alice"]


async def test_keys_of_the_menu_work_at_any_moment(system: Seam, agent: ScriptedVoice) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")
        await caller.press("2")
        await alice.wait_for("CALL_INCOMING")
        await caller.hang_up()
        found = await record(system, caller.user)
    assert found.voice_talk is not None
    assert found.voice_talk.why_ended == "key"
    assert ("keys", "2") in [(turn.who, turn.text) for turn in found.voice_talk.turns]
    assert found.outcome == "gave_up"


async def test_when_nobody_is_free_then_the_caller_leaves_a_voicemail_and_the_task_says_what_about(
    system: Seam, agent: ScriptedVoice
) -> None:
    async with system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")
        await agent.talk.caller_says("I want to talk to a person.")
        await system.recording(caller.user)
        await caller.say(system.spoken("Please call me back about a two bedroom apartment."))
        await caller.wait_for("CALL_CLOSED", seconds=60)
        call = await system.ended_call(caller.user)
        [task] = await system.tasks_of(call)
    assert call.outcome == "left_voicemail"
    assert task.owner
    assert "wants a person" in task.why


async def test_when_the_process_is_killed_in_a_turn_then_the_menu_is_next_within_two_seconds(
    system: Seam, agent: ScriptedVoice
) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")
        lost_at = system.now()
        await agent.die()
        await system.hears_beginning(caller, system.prompt("menu"))
        assert (system.now() - lost_at).total_seconds() <= 2
        await caller.press("2")
        await alice.wait_for("CALL_INCOMING")
        await caller.hang_up()
        found = await record(system, caller.user)
    assert found.voice_talk is not None
    assert found.voice_talk.why_ended == "failed"


async def test_when_the_process_stalls_or_is_not_there_then_the_menu_is_next(
    system: Seam, agent: ScriptedVoice
) -> None:
    async with system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")
        agent.stall()
        stalled_at = system.now()
        await system.hears_beginning(caller, system.prompt("menu"))
        assert (system.now() - stalled_at).total_seconds() <= 3
        await caller.hang_up()
    async with system.caller() as caller:
        await system.dial(caller)
        await system.hears_beginning(caller, system.prompt("menu"))
        await caller.hang_up()
        found = await record(system, caller.user)
    assert found.outcome == "gave_up"


async def test_a_refused_talk_is_the_menus(system: Seam, agent: ScriptedVoice) -> None:
    agent.refuses = "The recognizer has too much to do."
    async with system.caller() as caller:
        await system.dial(caller)
        await system.hears_beginning(caller, system.prompt("menu"))
        await caller.hang_up()
        await system.ended_call(caller.user)


async def test_when_the_app_is_killed_in_a_turn_then_the_talk_goes_on(system: Seam, agent: ScriptedVoice) -> None:
    async with system.caller() as caller:
        await system.dial(caller)
        await says(system, agent, "automated")
        await agent.talk.caller_says("What are your office hours?")
        await says(system, agent, "open")
        await system.stop_app()
        await system.pass_time(3)
        await system.start_app()
        await system.until(lambda: len(agent.talks) == 2, "a second talk")
        await says(system, agent, "help")
        await agent.talk.caller_says("Thank you, goodbye.")
        await caller.wait_for("CALL_CLOSED", seconds=60)
        found = await record(system, caller.user)
    assert found.voice_talk is not None
    numbers = [turn.number for turn in found.voice_talk.turns]
    assert numbers == sorted(set(numbers))
    assert found.voice_talk.why_ended == "finished"
    assert found.outcome == "answered"
