"""The app is killed in the middle of calls and comes back: every call goes on in the step it was in."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from crm.services.people import blocking
from crm.services.phones import lines
from crm.services.routing import desks
from crm.store.models import Call
from tests.drills.witness import (
    MESSAGE,
    ask_asterisk,
    hears,
    legs,
    one_record,
    records,
    say,
    times_heard,
    what_was_heard,
)
from tests.scripted_phone import raw_calls, unreadable_call
from tests.scripted_trunk import scripted_trunk
from tests.system import ELM, LAKESIDE, System
from tests.talks import ANSWER, connect, hear_each_other, says_to

UNWANTED, DOUBTFUL = "+15125560701", "+15125560702"

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]


async def test_when_the_app_is_killed_and_comes_back_then_every_caller_goes_on_where_they_were(system: System) -> None:
    """Pain 9, in each step but ringing."""
    async with (
        system.phone("carol-soft") as carol,
        system.caller() as talker,
        system.caller() as recorder,
        system.caller() as asker,
        system.caller() as newcomer,
    ):
        await connect(system, talker, carol, LAKESIDE)
        await hear_each_other(system, talker, carol)
        await system.to_team(recorder)
        await system.step(recorder.user, "voicemail")
        await hears(system, recorder, system.prompt("nobody_available"))
        await say(system, recorder, MESSAGE)
        await system.dial(asker)
        await system.step(asker.user, "menu")
        await asker.press("1")
        await system.step(asker.user, "text_offer")
        await system.dial(newcomer)
        await system.step(newcomer.user, "menu")
        await records(system, recorder.user)

        await system.kill_app()
        await hear_each_other(system, talker, carol)
        await system.start_app()

        await hears(system, newcomer, system.prompt("welcome"), 2)
        await newcomer.press("1")
        await system.step(newcomer.user, "text_offer")
        await newcomer.hang_up()
        await hears(system, asker, system.prompt("link_sent"), 2)
        await asker.hang_up()
        await hears(system, recorder, system.prompt("message_thanks"))
        await recorder.wait_for("CALL_CLOSED")
        await hear_each_other(system, talker, carol)
        await carol.hang_up()
        await talker.wait_for("CALL_CLOSED")

        times = await times_heard(recorder, system.prompt("nobody_available"))
        assert times == 1, await what_was_heard(system, recorder)
        message = await one_record(system, recorder.user, "left_voicemail")
        await one_record(system, asker.user, "got_link")
        await one_record(system, newcomer.user, "got_link")
        talk = await one_record(system, talker.user, "talked", finished=True)
    assert message.voicemail is not None
    assert message.voicemail.seconds >= 3
    assert legs(talk) == [("carol-soft", "ANSWER", True)]
    assert not any(call.without_app for call in (message, talk))


async def test_when_the_app_is_killed_while_a_property_is_chosen_then_the_same_is_asked_in_the_same_language(
    system: System,
) -> None:
    """Pain 9: what was keyed is not asked for again."""
    await system.store.run(lines.add, system.by, system.config, "+15125550150")
    choice = await system.phrase("property_choice", "es", name="Lakeside Homes", key="2")
    async with system.phone("carol-soft") as carol, system.caller() as caller:
        await system.dial(caller, "+15125550150")
        await system.step(caller.user, "menu")
        await caller.press("92")
        await hears(system, caller, choice)
        await system.kill_app()
        await system.start_app()
        await hears(system, caller, choice, 2)
        await caller.press("2")
        await carol.wait_for("CALL_INCOMING")
        await caller.hang_up()
        call = await one_record(system, caller.user, "gave_up")
    assert legs(call) == [("carol-soft", "CANCEL", False)]
    keyed = [(event.data["question"], event.data["key"]) for event in call.events if event.kind == "KeyPressed"]
    assert keyed == [("menu", "9"), ("menu", "2"), ("property", "2")]
    assert [event.data["property"] for event in call.events if event.kind == "PropertyChosen"] == ["lakeside"]


async def test_when_the_app_is_killed_while_phones_ring_then_they_are_taken_over_and_not_rung_twice(
    system: System,
) -> None:
    await system.store.run(desks.put, system.config, system.by, "resident", "agent:carol")
    async with (
        system.phone("alice-desk") as alice,
        system.phone("bob-desk") as bob,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
        system.caller() as resident,
    ):
        await system.dial(resident)
        await system.step(resident.user, "menu")
        await resident.press("41")
        await carol.wait_for("CALL_INCOMING")
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING")
        await bob.wait_for("CALL_INCOMING")
        await system.kill_app()
        await system.start_app()
        await carol.answer()
        await says_to(system, carol, resident, ANSWER)
        await alice.answer()
        await resident.hang_up()
        at_the_desk = await system.ended_call(resident.user)
        await hear_each_other(system, caller, alice)
        await bob.wait_for("CALL_CLOSED")
        await caller.hang_up()
        await alice.wait_for("CALL_CLOSED")
        call = await one_record(system, caller.user, "talked", finished=True)
        assert (alice.count("CALL_INCOMING"), bob.count("CALL_INCOMING")) == (1, 1)
    assert legs(call) == [("alice-desk", "ANSWER", True), ("bob-desk", "CANCEL", False)]
    assert (at_the_desk.kind, at_the_desk.outcome, at_the_desk.lead_id) == ("resident", "talked", None)
    assert legs(at_the_desk) == [("carol-soft", "ANSWER", True)]


async def test_when_two_phones_are_answered_while_the_app_is_away_then_the_first_has_the_caller(system: System) -> None:
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING")
        await bob.wait_for("CALL_INCOMING")
        await system.kill_app()
        await alice.answer()
        await alice.wait_for("CALL_ESTABLISHED")
        await hear_each_other(system, caller, alice)
        if bob.count("CALL_CLOSED") == 0:  # It has stopped ringing by itself on a slow machine.
            await bob.answer()
        await bob.wait_for("CALL_CLOSED")
        await system.start_app()
        await hear_each_other(system, caller, alice)
        await alice.hang_up()
        await caller.wait_for("CALL_CLOSED")
        call = await one_record(system, caller.user, "talked", finished=True)
        assert (alice.count("CALL_INCOMING"), bob.count("CALL_INCOMING")) == (1, 1)
    assert [leg[0] for leg in legs(call) if leg[2]] == ["alice-desk"]
    assert len(call.legs) == 2
    assert call.without_app


async def test_when_the_app_is_killed_between_an_answer_and_the_talk_then_the_two_are_connected(system: System) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING")
        await system.kill_app()
        # What the app had told Asterisk by then: who is to talk with whom.
        chosen = {"LL_STEP": "talk", "LL_PEER": (await system.channel_of("alice-desk"))["name"]}
        path = f"/channels/{(await system.channel_of('trunk-demo'))['id']}/variables"
        await ask_asterisk(system, "POST", path, {"variables": chosen})
        await alice.answer()
        await hear_each_other(system, caller, alice)
        await caller.hang_up()
        await alice.wait_for("CALL_CLOSED")
        await system.start_app()
        call = await one_record(system, caller.user, "talked", finished=True)
    assert legs(call) == [("alice-desk", "ANSWER", True)]


async def test_when_callers_hang_up_while_the_app_is_away_then_each_call_is_closed_once(system: System) -> None:
    """Also when the app is killed again and again in the moment it comes back."""
    async with system.phone("carol-soft") as carol, system.caller() as talker, system.caller() as newcomer:
        await connect(system, talker, carol, LAKESIDE)
        await system.dial(newcomer)
        await system.step(newcomer.user, "menu")
        await system.kill_app()
        await talker.hang_up()
        await newcomer.hang_up()
        for _ in range(2):
            await system.start_app()
            await system.kill_app()
        await system.start_app()
        await one_record(system, newcomer.user, "gave_up")
        talk = await one_record(system, talker.user, "talked", finished=True)
        await carol.wait_for("CALL_CLOSED")
    assert legs(talk) == [("carol-soft", "ANSWER", True)]


async def test_when_the_app_is_stopped_in_a_talk_and_while_a_phone_rings_then_the_next_one_takes_both_up(
    system: System,
) -> None:
    async with (
        system.phone("carol-soft") as carol,
        system.phone("alice-desk") as alice,
        system.caller() as talker,
        system.caller() as caller,
    ):
        await connect(system, talker, carol, LAKESIDE)
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING")
        await system.app.stop()
        assert alice.count("CALL_CLOSED") == 0
        await system.start_app()
        await alice.answer()
        await hear_each_other(system, caller, alice)
        await hear_each_other(system, talker, carol)
        await talker.hang_up()
        await alice.hang_up()
        assert alice.count("CALL_INCOMING") == 1
        for call in [await one_record(system, phone.user, "talked", finished=True) for phone in (talker, caller)]:
            assert [leg[1] for leg in legs(call)] == ["ANSWER"]
            assert not call.without_app


async def test_when_people_hang_up_while_the_app_is_away_then_that_time_is_on_record(system: System) -> None:
    async with system.phone("carol-soft") as carol, system.caller() as talker, system.caller() as newcomer:
        await connect(system, talker, carol, LAKESIDE)
        await system.dial(newcomer)
        await system.step(newcomer.user, "menu")
        calls = [(await system.call_from(phone.user)).id for phone in (talker, newcomer)]
        await system.kill_app()
        killed = datetime.now(UTC)
        for phone in (carol, talker, newcomer):
            await phone.hang_up()
        await system.until(lambda: all(is_logged_as_gone(system, call) for call in calls), "everybody has hung up")

        async def is_nobody_there() -> bool:
            return not await system.ari("/channels")

        await system.until(is_nobody_there, "no channel left")
        gone = datetime.now(UTC)
        await system.start_app()
        talk = await one_record(system, talker.user, "talked", finished=True)
        new = await system.ended_call(newcomer.user)
    for ended_at in (talk.ended_at, talk.legs[0].ended_at, new.ended_at):
        assert ended_at
        assert killed <= ended_at <= gone


def is_logged_as_gone(system: System, channel_id: str) -> bool:
    written = system.config.asterisk_folder / "log" / "cel-custom" / "notes.csv"
    return written.exists() and f",HANGUP,{channel_id}," in written.read_text()


async def test_when_a_channel_cannot_be_read_then_the_others_are_taken_up_all_the_same(system: System) -> None:
    """Nobody refuses an emergency call over its Call-ID, so such a channel may be there for long."""
    async with (
        scripted_trunk(system, "psap", "take_call"),
        system.phone("alice-desk") as alice,
        unreadable_call(system, "bob-desk", "933") as unreadable,
        system.caller() as caller,
    ):
        assert "error" in await system.ari("/channels"), "Asterisk lists its channels all the same"
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING")
        await system.kill_app()
        await system.start_app()
        await alice.answer()
        await system.step(caller.user, "talk")
        await caller.hang_up()
        await alice.wait_for("CALL_CLOSED")
        await one_record(system, caller.user, "talked", finished=True)
        assert await system.channels("bob-desk") == 1
        await ask_asterisk(system, "DELETE", f"/channels/{unreadable}")


async def test_when_the_app_dies_before_it_has_answered_then_everybody_gets_what_they_dialled(system: System) -> None:
    """It was told of them and did nothing yet. The blocked stay so, and the carrier's word of a number is kept."""
    await system.store.run(blocking.add, system.config, system.by, UNWANTED, is_silent=False, why="robocalls")
    failed = "TN-Validation-Failed"
    doubtful = (f'"x" <sip:{DOUBTFUL}@127.0.0.1>', f"sip:{ELM}@{system.sip}", DOUBTFUL, failed, "")
    async with (
        system.phone("alice-desk") as alice,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
        system.caller(UNWANTED) as unwanted,
    ):
        assert system.app.process is not None
        os.kill(system.app.process.pid, signal.SIGSTOP)
        for phone in (caller, unwanted):
            await phone.dial(f"sip:{ELM}@{system.sip}")
        await alice.dial(f"sip:103@{system.sip}")
        third = asyncio.create_task(raw_calls(system, [doubtful], scenario="attested_call"))
        await system.until(lambda: are_with_the_app(system, 4), "all four are with the app")
        await system.kill_app()
        await system.start_app()
        await carol.wait_for("CALL_INCOMING")
        await hears(system, caller, system.prompt("welcome"))
        await caller.press("1")
        await hears(system, unwanted, system.prompt("blocked"))
        await unwanted.wait_for("CALL_CLOSED")
        await third
        await alice.hang_up()
        await carol.wait_for("CALL_CLOSED")
        await caller.hang_up()
        await one_record(system, caller.user, "got_link")
        calls = await system.all(select(Call).where(Call.started_at >= system.started))
        assert "welcome" not in system.heard_names(unwanted)
    blocked = await system.ended_call(UNWANTED)
    assert (blocked.outcome, blocked.lead_id, await system.tasks_of(blocked)) == ("blocked", None, [])
    assert (await system.ended_call(DOUBTFUL)).attestation == failed
    assert sorted(call.direction for call in calls) == ["in", "in", "in", "internal"]


async def are_with_the_app(system: System, count: int) -> bool:
    channels = await system.ari("/channels")
    return sum(channel["dialplan"]["app_name"] == "Stasis" for channel in channels) == count
