"""The app is killed while an agent calls somebody outside."""

from __future__ import annotations

import asyncio

import pytest

from tests.drills.witness import in_plain_bridge
from tests.outside import person
from tests.system import System

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]

QUESTION = "Hello, you had asked about the two bedroom home."
ANSWER = "Yes, thank you for calling, is it still free?"


async def test_when_the_app_dies_while_it_rings_outside_then_the_two_talk_all_the_same(system: System) -> None:
    async with system.phone("alice-desk") as alice, person(system) as prospect:
        await alice.dial(f"sip:{prospect.user}@{system.sip}")
        await prospect.wait_for("CALL_INCOMING")
        await system.kill_app()
        await system.start_app()
        await prospect.answer()
        await alice.wait_for("CALL_ESTABLISHED")
        await system.step(prospect.user, "talk")
        await alice.say(system.spoken(QUESTION))
        await system.hears(prospect, system.spoken(QUESTION))
        assert prospect.count("CALL_INCOMING") == 1, "nobody is dialed twice"
        await alice.hang_up()
        call = await system.ended_call(prospect.user)
    assert (call.direction, call.outcome) == ("out", "talked")


async def test_when_the_app_dies_during_a_talk_outside_then_it_goes_on_and_is_on_record(system: System) -> None:
    async with system.phone("alice-desk") as alice, person(system) as prospect:
        await alice.dial(f"sip:{prospect.user}@{system.sip}")
        await prospect.wait_for("CALL_INCOMING")
        await prospect.answer()
        await system.step(prospect.user, "talk")
        await system.kill_app()
        await alice.say(system.spoken(QUESTION))
        await system.hears(prospect, system.spoken(QUESTION))
        await system.start_app()
        await prospect.say(system.spoken(ANSWER))
        await system.hears(alice, system.spoken(ANSWER))
        await prospect.hang_up()
        await alice.wait_for("CALL_CLOSED")
        call = await system.ended_call(prospect.user)
    assert (call.direction, call.outcome) == ("out", "talked")
    assert await system.tasks_of(call) == []


async def test_when_the_app_stays_away_then_who_answers_outside_is_connected_and_it_is_on_record(
    system: System,
) -> None:
    async with system.phone("alice-desk") as alice, person(system) as prospect:
        await alice.dial(f"sip:{prospect.user}@{system.sip}")
        await prospect.wait_for("CALL_INCOMING")
        await system.kill_app()
        try:
            await prospect.answer()
            await alice.wait_for("CALL_ESTABLISHED")
            await alice.say(system.spoken(QUESTION))
            await system.hears(prospect, system.spoken(QUESTION))
            await alice.hang_up()
            await asyncio.gather(prospect.wait_for("CALL_CLOSED"), alice.wait_for("CALL_CLOSED"))
        finally:
            await system.start_app()
        call = await system.ended_call(prospect.user)
    assert (call.direction, call.outcome, call.without_app) == ("out", "talked", True)


async def test_when_the_app_stays_away_during_a_talk_outside_then_the_two_are_not_cut(system: System) -> None:
    async with system.phone("alice-desk") as alice, person(system) as prospect:
        await alice.dial(f"sip:{prospect.user}@{system.sip}")
        await prospect.wait_for("CALL_INCOMING")
        await prospect.answer()
        await system.step(prospect.user, "talk")
        await system.kill_app()
        try:
            await system.until(lambda: in_plain_bridge(system), "the talk goes on without the app", seconds=30)
            await alice.say(system.spoken(QUESTION))
            await system.hears(prospect, system.spoken(QUESTION))
            await prospect.hang_up()
            await alice.wait_for("CALL_CLOSED")
        finally:
            await system.start_app()
        call = await system.ended_call(prospect.user)
    assert (call.direction, call.outcome) == ("out", "talked")
