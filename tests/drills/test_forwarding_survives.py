"""The app is killed while a mobile rings, whispers or talks: a caller is neither lost nor swallowed by voicemail."""

from __future__ import annotations

import pytest

from crm.services.phones import forwarding
from tests.drills.witness import hears, legs, one_record
from tests.mobile import NUMBER, about, forward, mobile, picks_up
from tests.system import System
from tests.talks import hear_each_other

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]


async def test_when_the_app_is_killed_while_a_mobile_rings_then_the_next_one_whispers(system: System) -> None:
    await forward(system)
    async with mobile(system) as cell, system.caller() as caller:
        await system.to_team(caller)
        await cell.wait_for("CALL_INCOMING")
        await system.kill_app()
        await system.start_app()
        await picks_up(cell)
        await hears(system, cell, await about(system, caller.user))
        await cell.press("1")
        await hear_each_other(system, caller, cell)
        await caller.hang_up()
        await cell.wait_for("CALL_CLOSED")
        call = await one_record(system, caller.user, "talked", finished=True)
        assert cell.count("CALL_INCOMING") == 1
    assert legs(call) == [("alice-mobile", "ANSWER", True)]


async def test_when_the_app_is_away_then_a_mobile_s_voicemail_gets_no_caller_pain_7(system: System) -> None:
    await forward(system)
    async with mobile(system) as cell, system.caller() as caller:
        await system.to_team(caller)
        await cell.wait_for("CALL_INCOMING")
        await system.kill_app()
        await picks_up(cell)
        await cell.say(system.spoken("Hello, please leave a message after the tone."))
        await hears(system, cell, system.prompt("whisper_alone"))
        await cell.wait_for("CALL_CLOSED", seconds=40)
        await hears(system, caller, system.prompt("last_resort_greeting"))
        await caller.hang_up()
        assert cell.count("CALL_INCOMING") == 1, "the last resort dials no mobile"
        await system.start_app()
        call = await one_record(system, caller.user, "gave_up")
    assert [(leg.device, leg.answered_at) for leg in call.legs] == [("alice-mobile", None)]


async def test_when_the_app_is_away_then_a_digit_connects_a_mobile_all_the_same(system: System) -> None:
    await forward(system)
    async with mobile(system) as cell, system.caller() as caller:
        await system.to_team(caller)
        await cell.wait_for("CALL_INCOMING")
        await system.kill_app()
        await picks_up(cell)
        await hears(system, cell, system.prompt("whisper_alone"))
        await cell.press("1")
        await hear_each_other(system, caller, cell)
        await system.start_app()
        await hear_each_other(system, caller, cell)
        await cell.hang_up()
        await caller.wait_for("CALL_CLOSED")
        call = await one_record(system, caller.user, "talked", finished=True)
    assert legs(call) == [("alice-mobile", "ANSWER", True)]
    assert call.without_app


async def test_when_the_app_is_killed_during_the_whisper_then_the_next_one_whispers_again(system: System) -> None:
    await forward(system)
    async with mobile(system) as cell, system.caller() as caller:
        await system.to_team(caller)
        await picks_up(cell)
        await hears(system, cell, await about(system, caller.user))
        await system.kill_app()
        await system.start_app()
        await hears(system, cell, await about(system, caller.user), 2)
        await cell.press("1")
        await hear_each_other(system, caller, cell)
        await cell.hang_up()
        await caller.wait_for("CALL_CLOSED")
        call = await one_record(system, caller.user, "talked", finished=True)
    assert legs(call) == [("alice-mobile", "ANSWER", True)]
    assert not call.without_app


async def test_when_the_app_stays_away_after_the_whisper_began_then_asterisk_asks_for_the_digit(
    system: System,
) -> None:
    await forward(system)
    async with mobile(system) as cell, system.caller() as caller:
        await system.to_team(caller)
        await picks_up(cell)
        await hears(system, cell, await about(system, caller.user))
        await system.kill_app()
        await hears(system, cell, system.prompt("whisper_alone"))
        await cell.press("1")
        await hear_each_other(system, caller, cell)
        await caller.hang_up()
        await cell.wait_for("CALL_CLOSED")
        await system.start_app()
        call = await one_record(system, caller.user, "talked", finished=True)
    assert [(leg.device, leg.answered_at is not None) for leg in call.legs] == [("alice-mobile", True)]


async def test_when_the_app_is_killed_after_1_was_pressed_then_the_talk_goes_on(system: System) -> None:
    await forward(system)
    async with mobile(system) as cell, system.caller() as caller:
        await system.to_team(caller)
        await picks_up(cell)
        await cell.press("1")
        await system.step(caller.user, "talk")
        await system.kill_app()
        await hear_each_other(system, caller, cell)
        await system.start_app()
        await hear_each_other(system, caller, cell)
        await caller.hang_up()
        await cell.wait_for("CALL_CLOSED")
        call = await one_record(system, caller.user, "talked", finished=True)
    assert legs(call) == [("alice-mobile", "ANSWER", True)]


async def test_when_the_app_is_killed_while_the_office_s_number_rings_then_it_is_not_rung_twice(
    system: System,
) -> None:
    await system.store.run(forwarding.forward_office, system.config, system.by, to=NUMBER, confirm=True)
    async with mobile(system) as cell, system.caller() as caller:
        await system.to_team(caller)
        await cell.wait_for("CALL_INCOMING")
        await system.kill_app()
        await system.start_app()
        await picks_up(cell)
        await hears(system, cell, system.prompt("whisper_two_keys"))
        await cell.press("1")
        await hear_each_other(system, caller, cell)
        await caller.hang_up()
        await cell.wait_for("CALL_CLOSED")
        call = await one_record(system, caller.user, "handed_over", finished=True)
        assert cell.count("CALL_INCOMING") == 1
    assert [(leg.stage, leg.number, leg.status) for leg in call.legs] == [("office", NUMBER, "ANSWER")]
