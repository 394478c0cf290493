"""INVITE with Replaces (RFC 3891): a phone or trunk takes over a call that another has, as attended transfers end."""

from __future__ import annotations

import pytest

from tests.scripted_phone import replacing_call
from tests.system import System
from tests.talks import connect, hear_each_other, talk_with

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def is_gone(system: System, channel_id: str) -> bool:
    return "message" in await system.ari(f"/channels/{channel_id}")


async def test_when_a_colleague_takes_the_talk_over_then_it_goes_on_with_them(system: System) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await connect(system, caller, alice)
        async with replacing_call(system, "bob-desk", await system.channel_of("alice-desk")):
            await alice.wait_for("CALL_CLOSED")
            await system.until(lambda: talk_with(system, "trunk-demo", "bob-desk"), "bob talks with the caller")
            await caller.hang_up()
            await system.until(system.is_quiet, "all is over")
        call = await system.ended_call(caller.user)
    assert (call.outcome, len(await system.calls_from(caller.user))) == ("talked", 1)
    assert sorted((leg.device, leg.stage, leg.status, leg.answered_at is not None) for leg in call.legs) == [
        ("alice-desk", "subteam", "ANSWER", True),
        ("bob-desk", "replaced", "ANSWER", True),
    ]


async def test_when_the_carrier_moves_a_caller_then_they_stay_where_they_are(system: System) -> None:
    """While it rings, when one channel becomes the other, and in a talk, where they change places."""
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING")
        async with replacing_call(system, "trunk-demo", await system.channel_of("trunk-demo")):
            await caller.wait_for("CALL_CLOSED")
            await alice.answer()
            await system.step(caller.user, "talk")
            talking = await system.channel_of("trunk-demo")
            async with replacing_call(system, "trunk-demo", talking):
                await system.until(lambda: is_gone(system, talking["id"]), "the first of the carrier's calls is over")
                await system.until(lambda: talk_with(system, "trunk-demo", "alice-desk"), "the second talks with alice")
                await alice.hang_up()
                await system.until(system.is_quiet, "all is over")
        call = await system.ended_call(caller.user)
    assert (call.outcome, len(await system.calls_from(caller.user))) == ("talked", 1)
    assert [(leg.device, leg.status) for leg in call.legs] == [("alice-desk", "ANSWER")]


async def test_when_a_trunk_asks_for_an_agent_s_place_then_the_two_talk_on(system: System) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await connect(system, caller, alice)
        async with replacing_call(system, "trunk-demo", await system.channel_of("alice-desk")):
            await system.until(lambda: talk_with(system, "trunk-demo", "alice-desk"), "the two talk")
            await hear_each_other(system, caller, alice)
        await caller.hang_up()
        await alice.wait_for("CALL_CLOSED")
        call = await system.ended_call(caller.user)
    assert [(leg.device, leg.status) for leg in call.legs] == [("alice-desk", "ANSWER")]
