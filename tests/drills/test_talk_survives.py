"""The app is killed while a caller is parked, passed on, or waits for an agent who consults a colleague."""

from __future__ import annotations

import asyncio

import pytest

from ari_app.demo.softphone import Softphone
from crm.services.office import properties
from crm.services.phones import devices
from tests.drills.witness import hears, in_plain_bridge, legs, one_record, say
from tests.scripted_phone import replacing_call
from tests.system import System
from tests.talks import ANSWER, QUESTION, connect, hear_each_other, said_in, says_to, talk_with

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]


async def restart(system: System) -> None:
    await system.kill_app()
    await system.start_app()


async def test_when_the_app_is_killed_while_a_caller_is_parked_then_they_are_picked_up_all_the_same(
    system: System,
) -> None:
    async with system.phone("alice-desk") as alice, system.phone("carol-soft") as carol, system.caller() as caller:
        await connect(system, caller, alice)
        await alice.press("*4")
        await system.step(caller.user, "parked")
        await alice.wait_for("CALL_CLOSED")
        await restart(system)
        await system.hears_music(caller)
        await carol.dial(f"sip:701@{system.sip}")
        await carol.wait_for("CALL_ESTABLISHED")
        await hear_each_other(system, caller, carol)
        await restart(system)
        await hear_each_other(system, caller, carol)
        await carol.hang_up()
        await caller.wait_for("CALL_CLOSED")
        call = await system.ended_call(caller.user)
    assert call.outcome == "talked"
    assert not call.without_app


async def test_when_the_app_is_killed_while_a_caller_is_passed_on_then_the_colleague_has_them(system: System) -> None:
    await system.store.run(devices.set_dnd, system.by, ["bob-desk"], until=None)
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        await connect(system, caller, alice)
        await system.store.run(devices.clear_dnd, system.by, ["bob-desk"])
        await alice.transfer(f"sip:102@{system.sip}")
        await bob.wait_for("CALL_INCOMING")
        await restart(system)
        await bob.answer()
        await hear_each_other(system, caller, bob)
        assert bob.count("CALL_INCOMING") == 1
        await restart(system)
        await hear_each_other(system, caller, bob)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        await bob.wait_for("CALL_CLOSED")
    assert [event.data["way"] for event in call.events if event.kind == "Transferred"] == ["blind"]


async def test_when_the_app_is_killed_while_the_agent_consults_then_both_talk_on_and_hanging_up_connects(
    system: System,
) -> None:
    await system.store.run(devices.set_dnd, system.by, ["bob-desk"], until=None)
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        await connect(system, caller, alice)
        await system.store.run(devices.clear_dnd, system.by, ["bob-desk"])
        await alice.press("*2")
        await hears(system, alice, system.prompt("transfer_to"))
        await alice.press("102#")
        await bob.wait_for("CALL_INCOMING")
        await bob.answer()
        await hear_each_other(system, alice, bob)
        await restart(system)
        await hear_each_other(system, alice, bob)
        await alice.hang_up()
        await hear_each_other(system, caller, bob)
        await bob.hang_up()
        await caller.wait_for("CALL_CLOSED")
        call = await system.ended_call(caller.user)
    assert [event.data["way"] for event in call.events if event.kind == "Transferred"] == ["attended"]


async def test_when_the_app_is_killed_during_a_recording_then_it_goes_on_and_there_is_one(system: System) -> None:
    await system.store.run(properties.change, system.by, "elm", recording="announced")
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await connect(system, caller, alice)
        announcement = system.prompt("recording_announcement")
        # To its end: only then they hear each other, and are recorded.
        await asyncio.gather(system.hears(caller, announcement), system.hears(alice, announcement))
        await says_to(system, caller, alice, QUESTION)
        await restart(system)
        await says_to(system, alice, caller, ANSWER)
        await say(system, caller, "And this is the end of it.")
        await system.kill_app()
        await caller.hang_up()
        await alice.hang_up()
        await system.start_app()
        call = await system.ended_call(caller.user)

        async def ended() -> bool:
            call = await system.call_from(caller.user)
            return "RecordingEnded" in [event.kind for event in call.events]

        await system.until(ended, "the recording closed", seconds=25)
        call = await system.call_from(caller.user)
    started = [event for event in call.events if event.kind == "RecordingStarted"]
    assert len(started) == 1
    file = system.config.recordings_folder / str(started[0].data["file"])
    assert file.exists()
    # Each is said until it is heard, perhaps twice.
    assert set(said_in(system, file, QUESTION, ANSWER)) == {QUESTION, ANSWER}


async def test_when_colleagues_call_each_other_then_the_app_s_death_does_not_end_their_talk(system: System) -> None:
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob:
        await bob.dial(f"sip:101@{system.sip}")
        await alice.wait_for("CALL_INCOMING")
        await restart(system)
        await alice.answer()
        await bob.wait_for("CALL_ESTABLISHED")
        await hear_each_other(system, bob, alice)
        await restart(system)
        await hear_each_other(system, bob, alice)
        await alice.hang_up()
        await bob.wait_for("CALL_CLOSED")


async def pass_on(system: System, alice: Softphone, bob: Softphone) -> None:
    """Alice keys the code, and Bob's phone rings."""
    await system.store.run(devices.clear_dnd, system.by, ["bob-desk"])
    await alice.press("*1")
    await hears(system, alice, system.prompt("transfer_to"))
    await alice.press("102#")
    await bob.wait_for("CALL_INCOMING")


@pytest.mark.parametrize("caller_stays", [True, False])
async def test_when_the_app_stays_away_while_a_caller_is_passed_on_then_the_agent_does_not_wait_for_ever(
    system: System, caller_stays: bool
) -> None:
    await system.store.run(devices.set_dnd, system.by, ["bob-desk"], until=None)
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        await connect(system, caller, alice)
        await pass_on(system, alice, bob)
        await system.kill_app()
        if not caller_stays:
            await caller.hang_up()
        await alice.wait_for("CALL_CLOSED", seconds=40)
        if caller_stays:
            assert caller.count("CALL_CLOSED") == 0
            await caller.hang_up()
        await system.start_app()
        await system.ended_call(caller.user)


async def test_when_a_colleague_has_taken_a_talk_over_then_it_outlives_the_app_like_any(system: System) -> None:
    """By INVITE with Replaces, whose channel has never been in the dialplan."""
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await connect(system, caller, alice)
        async with replacing_call(system, "bob-desk", await system.channel_of("alice-desk")):
            await alice.wait_for("CALL_CLOSED")
            await system.until(lambda: talk_with(system, "trunk-demo", "bob-desk"), "bob talks with the caller")
            await system.kill_app()
            await system.start_app()
            await system.until(lambda: talk_with(system, "trunk-demo", "bob-desk"), "and goes on to")
            await system.kill_app()
            await system.until(lambda: in_plain_bridge(system), "the talk goes on without the app", seconds=30)
            assert await talk_with(system, "trunk-demo", "bob-desk")
            await caller.hang_up()
            await system.until(lambda: is_off(system, "bob-desk"), "bob is free")
        await system.start_app()
        call = await one_record(system, caller.user, "talked", finished=True)
    assert legs(call) == [("alice-desk", "ANSWER", True), ("bob-desk", "ANSWER", True)]


async def is_off(system: System, device: str) -> bool:
    return await system.channels(device) == 0
