"""Talks are recorded as their property says, and only after everybody has heard so."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from crm.services.office import properties
from crm.services.phones import devices
from crm.services.voicemail import talk_recordings
from crm.store import facts
from crm.store.models import AuditEntry, Call, Recording
from tests.system import System
from tests.talks import ANSWER, QUESTION, connect, said_in, says_to

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

LATER = "I have another question about the parking space and the storage room."


async def recordings(system: System, call: Call) -> list[Recording]:
    async def closed() -> bool:
        found = await system.all(select(Recording).where(Recording.call_id == call.id))
        return all(one.ended_at for one in found)

    await system.until(closed, "every recording closed")
    return await system.all(select(Recording).where(Recording.call_id == call.id).order_by(Recording.started_at))


def holds(system: System, recording: Recording, *texts: str) -> list[str]:
    return said_in(system, system.config.recordings_folder / recording.file, *texts)


async def test_pain_8_when_the_caller_is_passed_on_then_the_recording_goes_on_and_belongs_to_the_call(
    system: System,
) -> None:
    await system.store.run(properties.change, system.by, "elm", recording="announced")
    await system.store.run(devices.set_dnd, system.by, ["bob-desk"], until=None)
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        await connect(system, caller, alice)
        announcement = system.prompt("recording_announcement")
        await asyncio.gather(system.hears(caller, announcement), system.hears(alice, announcement))
        await says_to(system, caller, alice, QUESTION)
        await system.store.run(devices.clear_dnd, system.by, ["bob-desk"])
        await alice.transfer(f"sip:102@{system.sip}")
        await bob.wait_for("CALL_INCOMING")
        await bob.answer()
        await system.hears(bob, announcement)
        await says_to(system, caller, bob, LATER)
        await says_to(system, bob, caller, ANSWER)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    [one] = await recordings(system, call)
    assert holds(system, one, QUESTION, LATER, ANSWER) == [QUESTION, LATER, ANSWER]
    assert one.mode == "announced"
    assert one.seconds > 5
    assert (system.config.recordings_folder / one.file).stat().st_mode & 0o777 == 0o600
    told = [event for event in call.events if event.kind == "RecordingAnnounced"]
    started = next(event for event in call.events if event.kind == "RecordingStarted")
    assert len(told) == 3
    assert sum(event.at <= started.at for event in told) == 2
    assert all(leg.announced_at and leg.answered_at and leg.announced_at <= leg.answered_at for leg in call.legs)
    assert call.id in {facts.whole(call.id, event.kind, event.data)["leg_id"] for event in told}


async def test_when_the_agent_wants_the_talk_recorded_then_both_hear_it_and_again_ends_it(system: System) -> None:
    await system.store.run(properties.change, system.by, "elm", recording="demand")
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await connect(system, caller, alice)
        await says_to(system, caller, alice, QUESTION)
        await alice.press("*3")
        announcement = system.prompt("recording_announcement")
        await asyncio.gather(system.hears(caller, announcement), system.hears(alice, announcement))
        await says_to(system, caller, alice, LATER)
        await alice.press("*3")
        stopped = system.prompt("recording_stopped")
        await asyncio.gather(system.hears(caller, stopped), system.hears(alice, stopped))
        await says_to(system, alice, caller, ANSWER)
        await alice.hang_up()
        await caller.wait_for("CALL_CLOSED")
        call = await system.ended_call(caller.user)
    [one] = await recordings(system, call)
    assert holds(system, one, QUESTION, LATER, ANSWER) == [LATER]
    assert one.mode == "demand"


async def test_when_a_recording_is_to_be_heard_on_a_phone_then_it_rings_and_plays_it_and_that_is_on_record(
    system: System,
) -> None:
    await system.store.run(properties.change, system.by, "elm", recording="announced")
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob:
        async with system.caller() as caller:
            await connect(system, caller, alice)
            announcement = system.prompt("recording_announcement")
            await asyncio.gather(system.hears(caller, announcement), system.hears(alice, announcement))
            await says_to(system, caller, alice, QUESTION)
            await caller.hang_up()
            call = await system.ended_call(caller.user)
        [one] = await recordings(system, call)
        assert "bob-desk rings" in await _play(system, one.id, "bob-desk")
        await bob.wait_for("CALL_INCOMING")
        await bob.answer()
        await system.hears(bob, system.spoken(QUESTION))
        await bob.wait_for("CALL_CLOSED")
        said = f"recording {one.id} of call {call.id} listened to on phone bob-desk"
        assert await _latest_entry(system) == said
        await _play(system, call.id, "alice-desk")
        await alice.wait_for("CALL_INCOMING", 2)
        await alice.answer()
        said = said.replace("bob", "alice")
        await system.until(lambda: _is_on_record(system, said), "alice is on record")
        await alice.hang_up()
        await system.until(system.is_quiet, "nothing is played any more")
        await system.store.run(talk_recordings.hold, system.by, call.id, "a lawsuit")
        assert "is held" in await _play(system, call.id, "bob-desk")
        await system.store.run(talk_recordings.release, system.by, call.id, "over")
    assert "not registered" in await _play(system, call.id, "bob-desk")


async def _latest_entry(system: System) -> str:
    [entry] = await system.all(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1))
    return entry.what


async def _is_on_record(system: System, said: str) -> bool:
    return await _latest_entry(system) == said


async def _play(system: System, recording: str, device: str) -> str:
    """What the command says."""
    _, said = await system.leaseline("recordings", "play", recording, "--on", device)
    return said
