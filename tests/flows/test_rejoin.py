"""An agent's browser vanishes in a talk: who hears what, who rings, and what is on record."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from crm.store.models import Call
from tests.asterisk import Seam
from tests.busy import only_on_duty
from tests.flows.browsers import has_a_browser, vanishes
from tests.flows.people import person
from tests.talks import connect, hear_each_other

pytestmark = pytest.mark.flows


async def test_when_the_browser_is_back_in_time_then_it_rings_and_the_talk_goes_on_in_the_same_call(
    system: Seam,
) -> None:
    await only_on_duty(system, "alice")
    web = await has_a_browser(system)
    async with system.caller() as caller:
        async with system.phone(web) as before:
            await connect(system, caller, before)
            await vanishes(system, before, caller)
            assert before.channel
            assert before.channel.gone.is_set(), "the agent does not count as busy"
        await system.pass_time(15)
        async with system.phone("alice-desk") as desk, system.phone(web) as back:
            await back.wait_for("CALL_INCOMING")
            await back.answer()
            await hear_each_other(system, caller, back)
            await back.hang_up()
            assert desk.count("CALL_INCOMING") == 0
        call = await system.ended_call(caller.user)
    assert len(await system.calls_from(caller.user)) == 1
    assert (call.outcome, await system.tasks_of(call)) == ("talked", [])
    assert [(leg.stage, leg.device, leg.status) for leg in call.legs] == [
        ("subteam", web, "ANSWER"),
        ("return", web, "ANSWER"),
    ]
    assert "line_lost" not in system.heard_names(caller)


async def test_when_the_browser_stays_away_then_the_agents_other_phone_rings_and_then_the_team(system: Seam) -> None:
    await only_on_duty(system, "alice", "bob")
    web = await has_a_browser(system)
    async with system.phone(web) as browser, system.caller() as caller:
        await connect(system, caller, browser)
        async with system.phone("alice-desk") as desk, system.phone("bob-desk") as bob:
            await vanishes(system, browser, caller)
            await system.pass_time(15)
            assert desk.count("CALL_INCOMING") == 0
            await desk.wait_for("CALL_INCOMING")
            assert bob.count("CALL_INCOMING") == 0
            assert system.heard_names(caller)[-1] == "line_lost"
            await bob.wait_for("CALL_INCOMING")
            await bob.answer()
            await hear_each_other(system, caller, bob)
            await caller.hang_up()
            call = await system.ended_call(caller.user)
    assert (call.outcome, len(await system.calls_from(caller.user))) == ("talked", 1)


async def test_when_nobody_else_is_there_then_the_caller_can_leave_a_message(system: Seam) -> None:
    await only_on_duty(system, "alice")
    web = await has_a_browser(system)
    async with system.phone(web) as browser, system.caller() as caller:
        await connect(system, caller, browser)
        await vanishes(system, browser, caller)
        await system.step(caller.user, "voicemail")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert [task.kind for task in await system.tasks_of(call)] == ["call_back"]


async def test_when_the_caller_gives_up_while_the_browser_is_away_then_that_agent_has_to_call_back(
    system: Seam,
) -> None:
    await only_on_duty(system, "alice")
    web = await has_a_browser(system)
    async with system.phone(web) as browser, system.caller() as caller:
        await connect(system, caller, browser)
        await vanishes(system, browser, caller)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert (call.outcome, call.step) == ("interrupted", "rejoin")
    [task] = await system.tasks_of(call)
    assert task.kind == "call_back"
    assert task.owner
    assert task.owner.slug == "alice"


async def test_when_only_the_connection_closes_then_the_two_talk_on(system: Seam) -> None:
    await only_on_duty(system, "alice")
    web = await has_a_browser(system)
    async with system.phone(web) as browser, system.caller() as caller:
        await connect(system, caller, browser)
        system.pbx.removed(browser)
        await system.pass_time(30)
        await hear_each_other(system, caller, browser)
        await browser.hang_up()
        call = await system.ended_call(caller.user)
    assert (call.outcome, len(call.legs)) == ("talked", 1)


async def test_when_a_browser_vanishes_again_and_again_then_it_is_waited_for_three_times(system: Seam) -> None:
    await only_on_duty(system, "alice", "bob")
    web = await has_a_browser(system)
    async with system.caller() as caller:
        async with system.phone(web) as browser:
            await connect(system, caller, browser)
            system.pbx.vanish(browser)
        for _ in range(3):
            async with system.phone(web) as browser:
                await browser.wait_for("CALL_INCOMING")
                await browser.answer()
                await system.step(caller.user, "talk")
                system.pbx.vanish(browser)
        async with system.phone("bob-desk") as bob:
            await bob.wait_for("CALL_INCOMING", seconds=15)
            await bob.answer()
            await hear_each_other(system, caller, bob)
            await bob.hang_up()
        call = await system.ended_call(caller.user)
    assert [leg.stage for leg in call.legs] == ["subteam", *["return"] * 3, "subteam"]


async def test_when_the_app_is_restarted_while_the_browser_is_away_then_it_is_still_waited_for(system: Seam) -> None:
    await only_on_duty(system, "alice")
    web = await has_a_browser(system)
    async with system.caller() as caller:
        async with system.phone(web) as before:
            await connect(system, caller, before)
            await vanishes(system, before, caller)
        await system.stop_app()
        await system.start_app()
        async with system.phone(web) as back:
            await back.wait_for("CALL_INCOMING")
            await system.stop_app()
            await system.start_app()
            await back.answer()
            await hear_each_other(system, caller, back)
            assert back.count("CALL_INCOMING") == 1
            await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert (call.outcome, len(await system.calls_from(caller.user))) == ("talked", 1)


async def test_when_a_colleagues_browser_vanishes_then_the_one_who_called_hears_music_until_it_is_back(
    system: Seam,
) -> None:
    web = await has_a_browser(system)
    async with system.phone("bob-desk") as bob:
        async with system.phone(web) as before:
            await bob.dial(f"sip:101@{system.sip}")
            await before.wait_for("CALL_INCOMING")
            await before.answer()
            await bob.wait_for("CALL_ESTABLISHED")
            await vanishes(system, before, bob)
        async with system.phone(web) as back:
            await back.wait_for("CALL_INCOMING")
            await back.answer()
            await hear_each_other(system, bob, back)
            await bob.hang_up()
            await system.until(system.is_quiet, "all is over")


async def test_when_the_browser_loses_its_network_then_it_rings_as_soon_as_it_has_registered_again(
    system: Seam,
) -> None:
    await only_on_duty(system, "alice")
    web = await has_a_browser(system)
    async with system.phone(web) as browser, system.phone("alice-desk") as desk, system.caller() as caller:
        await connect(system, caller, browser)
        await system.pass_time(20)
        system.pbx.lose_network(browser)
        await system.hears_music(caller)
        await system.pass_time(10)
        assert browser.called == 2, "it seemed to be there"
        assert desk.count("CALL_INCOMING") == 1, "only at the beginning"
        browser.says = 180
        system.pbx.tell_contact(browser, "Reachable")
        await browser.wait_for("CALL_INCOMING", 2)
        await browser.answer()
        await hear_each_other(system, caller, browser)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert [(leg.stage, leg.device, leg.status) for leg in call.legs if leg.device == web] == [
        ("subteam", web, "ANSWER"),
        ("return", web, "NOANSWER"),
        ("return", web, "ANSWER"),
    ]


async def test_when_the_browser_of_one_who_calls_out_vanishes_then_the_person_hears_music_until_it_is_back(
    system: Seam,
) -> None:
    web = await has_a_browser(system)
    async with person(system) as acme:
        async with system.phone(web) as before:
            await before.dial(f"sip:{acme.user}@{system.sip}")
            await acme.wait_for("CALL_INCOMING")
            await acme.answer()
            await before.wait_for("CALL_ESTABLISHED")
            await hear_each_other(system, acme, before)
            await vanishes(system, before, acme)
        async with system.phone(web) as back:
            await back.wait_for("CALL_INCOMING")
            await back.answer()
            await hear_each_other(system, acme, back)
            await back.hang_up()
            await acme.wait_for("CALL_CLOSED")
        await system.until(system.is_quiet, "all is over")
        [call] = await system.all(select(Call).where(Call.started_at >= system.started))
    assert (call.direction, call.outcome) == ("out", "talked")
