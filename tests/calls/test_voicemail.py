"""Messages: recorded, kept, and somebody's to listen to."""

from __future__ import annotations

import asyncio

import pytest

from ari_app.demo import listening
from crm.store.models import Call
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

MESSAGE = "Hello, this is Jordan. I am looking for a home with two bedrooms, and I have a dog."


async def test_when_nobody_answers_then_a_message_is_kept_however_it_ends(system: System) -> None:
    """All at once, because each of them first listens to the long prompt."""
    await asyncio.gather(
        _when_pound_is_pressed_then_the_message_is_as_spoken(system),
        _when_there_is_silence_then_the_message_ends(system),
        _when_the_limit_is_reached_then_the_message_ends(system),
        _when_they_hang_up_while_speaking_then_the_message_is_kept(system),
        _when_nothing_is_said_then_they_gave_up(system),
        _when_it_is_one_short_sentence_then_it_is_a_message(system),
    )


async def _when_pound_is_pressed_then_the_message_is_as_spoken(system: System) -> None:
    async with system.caller() as caller:
        await system.to_team(caller)
        await system.recording(caller.user)
        await system.speak(caller, system.spoken(MESSAGE))
        await caller.press("#")
        await caller.wait_for("CALL_CLOSED")
        call = await system.ended_call(caller.user)
        heard = system.heard(caller)
    # Five call at once here, which costs their phones a packet now and then: heard, if not to the last word.
    names = [one.name for one in heard if one.seconds > 1.5]
    assert names[-2:] == ["nobody_available", "message_thanks"]
    assert call.ended_by == "system"
    await _is_kept(system, call)


async def _when_there_is_silence_then_the_message_ends(system: System) -> None:
    async with system.caller() as caller:
        await system.to_team(caller)
        await system.recording(caller.user)
        await caller.say(system.spoken(MESSAGE))
        await caller.wait_for("CALL_CLOSED", seconds=30)
        call = await system.ended_call(caller.user)
        assert "message_thanks" in system.heard_names(caller)
    await _is_kept(system, call)


async def _when_the_limit_is_reached_then_the_message_ends(system: System) -> None:
    longest = system.config.voicemail.longest_seconds
    endless = system.spoken(f"{MESSAGE} {MESSAGE} {MESSAGE}")
    assert len(listening.read(endless)) / listening.RATE > longest + 2
    async with system.caller() as caller:
        await system.to_team(caller)
        await system.recording(caller.user)
        await caller.say(endless)
        await caller.wait_for("CALL_CLOSED", seconds=30)
        call = await system.ended_call(caller.user)
        assert "message_thanks" in system.heard_names(caller)
    assert call.outcome == "left_voicemail"
    assert call.voicemail
    assert abs(call.voicemail.seconds - longest) <= 1


async def _when_they_hang_up_while_speaking_then_the_message_is_kept(system: System) -> None:
    async with system.caller() as caller:
        await system.to_team(caller)
        await system.recording(caller.user)
        await system.speak(caller, system.spoken(MESSAGE))
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert call.ended_by == "caller"
    await _is_kept(system, call)


async def _when_nothing_is_said_then_they_gave_up(system: System) -> None:
    async with system.caller() as caller:
        await system.to_team(caller)
        await system.recording(caller.user)
        await caller.wait_for("CALL_CLOSED", seconds=30)
        call = await system.ended_call(caller.user)
        heard = system.heard_names(caller)
    assert "message_empty" in heard
    assert "message_thanks" not in heard, "they were told that we have what they never left"
    assert call.outcome == "gave_up"
    assert call.voicemail is None
    assert not list(system.config.home.rglob(f"{call.id}*.wav")), "sound without a row"
    assert [task.kind for task in await system.tasks_of(call)] == ["call_back"]


async def _when_it_is_one_short_sentence_then_it_is_a_message(system: System) -> None:
    async with system.caller() as caller:
        await system.to_team(caller)
        await system.recording(caller.user)
        await system.speak(caller, system.spoken("Please call me back."))
        await caller.press("#")
        await caller.wait_for("CALL_CLOSED")
        call = await system.ended_call(caller.user)
        assert "message_thanks" in system.heard_names(caller)
    assert call.outcome == "left_voicemail"
    assert call.voicemail
    assert (system.config.recordings_folder / call.voicemail.file).exists()


async def _is_kept(system: System, call: Call) -> None:
    assert call.outcome == "left_voicemail"
    assert call.voicemail
    file = system.config.recordings_folder / call.voicemail.file
    spoken = listening.read(system.spoken(MESSAGE))
    [found] = listening.find(listening.read(file), {"message": spoken})
    assert found.whole
    assert file.stat().st_mode & 0o077 == 0, "others may listen to it"
    assert call.voicemail.seconds >= len(spoken) // listening.RATE
    [task] = await system.tasks_of(call)
    assert task.kind == "listen"
    assert task.owner.slug in ("alice", "bob")
    assert call.ended_at
    assert (task.due_at - call.ended_at).total_seconds() == system.config.tasks.due_minutes * 60
    [text] = await system.texts_of(call.caller or "")
    assert text.purpose == "missed_call"
