"""The app is killed, or hangs, and does not come back in time: Asterisk takes its calls back."""

from __future__ import annotations

import os
import signal

import pytest

from tests.drills.witness import MESSAGE, hears, in_plain_bridge, legs, one_record, records, say
from tests.system import LAKESIDE, System
from tests.talks import connect, hear_each_other

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]


async def test_when_the_app_stays_away_then_a_talk_goes_on_and_a_caller_in_the_menu_gets_a_phone(
    system: System,
) -> None:
    async with (
        system.phone("carol-soft") as carol,
        system.phone("alice-desk") as alice,
        system.caller() as talker,
        system.caller() as newcomer,
    ):
        await connect(system, talker, carol, LAKESIDE)
        await system.dial(newcomer)
        await system.step(newcomer.user, "menu")
        await system.kill_app()
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await hear_each_other(system, newcomer, alice)
        # By now Asterisk has taken back the talk, too.
        await system.until(lambda: in_plain_bridge(system), "the talk goes on without the app")
        await hear_each_other(system, talker, carol)
        await carol.hang_up()
        await talker.wait_for("CALL_CLOSED")
        await newcomer.hang_up()
        await alice.wait_for("CALL_CLOSED")
        await system.start_app()
        new = await one_record(system, newcomer.user, "talked", finished=True)
        talk = await one_record(system, talker.user, "talked", finished=True)
    assert legs(new) == [("alice-desk", "ANSWER", True)]
    assert legs(talk) == [("carol-soft", "ANSWER", True)]


async def is_unlimited(system: System, channel: str) -> bool:
    return float(await system.variable(channel, "TIMEOUT(absolute)")) == 0


async def test_when_the_app_stays_away_then_ringing_goes_on_and_a_message_is_kept(system: System) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller, system.caller() as recorder:
        await system.to_team(recorder, LAKESIDE)
        # Nobody is there yet for the second caller's line; what they have begun to say to the app stays.
        await alice.wait_for("CALL_INCOMING")
        await alice.command("hangup")
        await hears(system, recorder, system.prompt("nobody_available"))
        await say(system, recorder, MESSAGE)
        await records(system, recorder.user)
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING", 2)
        await system.kill_app()
        await alice.wait_for("CALL_INCOMING", 3)
        await alice.wait_for("CALL_CLOSED", 3)
        await hears(system, recorder, system.prompt("last_resort_greeting"))
        await say(system, recorder, MESSAGE)
        await hears(system, caller, system.prompt("last_resort_greeting"))
        await caller.hang_up()
        await hears(system, recorder, system.prompt("last_resort_thanks"))
        await recorder.wait_for("CALL_CLOSED")
        await system.start_app()
        missed = await one_record(system, caller.user, "gave_up")
        message = await one_record(system, recorder.user, "left_voicemail")
    assert missed.without_app
    assert message.voicemail is not None
    assert message.voicemail.seconds >= 6


async def test_when_the_app_hangs_and_wakes_up_then_what_asterisk_did_meanwhile_stands(system: System) -> None:
    async with (
        system.phone("carol-soft") as carol,
        system.phone("alice-desk") as alice,
        system.caller() as talker,
        system.caller() as newcomer,
    ):
        await connect(system, talker, carol, LAKESIDE)
        await system.dial(newcomer)
        await system.step(newcomer.user, "menu")
        assert system.app.process is not None
        os.kill(system.app.process.pid, signal.SIGSTOP)
        try:
            await alice.wait_for("CALL_INCOMING")
            await alice.answer()
            await system.until(lambda: in_plain_bridge(system), "the talk goes on without the app")
        finally:
            os.kill(system.app.process.pid, signal.SIGCONT)
        # The app renewed the switch before it knew that the call was not its own any more.
        channel = (await system.channel_of("trunk-demo", newest=True))["id"]
        await system.until(lambda: is_unlimited(system, channel), "the app's renewal does not cut the talk")
        await hear_each_other(system, newcomer, alice)
        await hear_each_other(system, talker, carol)
        await talker.hang_up()
        await carol.wait_for("CALL_CLOSED")
        await alice.hang_up()
        await newcomer.wait_for("CALL_CLOSED")
        new = await one_record(system, newcomer.user, "talked", finished=True)
        talk = await one_record(system, talker.user, "talked", finished=True)
    assert legs(new) == [("alice-desk", "ANSWER", True)]
    assert legs(talk) == [("carol-soft", "ANSWER", True)]
