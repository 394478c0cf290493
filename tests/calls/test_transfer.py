"""Agents pass callers on, by their phone's transfer key and by a code; a caller who is not taken comes back."""

from __future__ import annotations

import asyncio

import pytest

from ari_app.edge.softphone import Softphone
from crm.services import devices
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

QUESTION = "Is the two bedroom home on the second floor still available?"
ANSWER = "Yes it is, and you are welcome to see it tomorrow afternoon."
ASIDE = "I have somebody on the line who would like to see the corner unit."


async def connect(system: System, caller: Softphone, agent: Softphone) -> None:
    calls = agent.count("CALL_INCOMING")
    await system.to_team(caller)
    await agent.wait_for("CALL_INCOMING", calls + 1)
    await agent.answer()
    await system.step(caller.user, "talk")


async def talk(system: System, one: Softphone, other: Softphone) -> None:
    await one.say(system.spoken(QUESTION))
    await other.say(system.spoken(ANSWER))
    await asyncio.gather(system.hears(other, system.spoken(QUESTION)), system.hears(one, system.spoken(ANSWER)))


async def facts(system: System, number: str, kind: str) -> list[dict[str, object]]:
    return [event.data for event in (await system.call_from(number)).events if event.kind == kind]


async def test_when_the_phone_passes_the_caller_on_then_the_colleague_has_them_and_the_record_follows(
    system: System,
) -> None:
    """Pain 8: the call's record says who talked when."""
    await devices.set_dnd(system.store, system.by, ["bob-desk"], until=None)
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        await connect(system, caller, alice)
        await devices.clear_dnd(system.store, system.by, ["bob-desk"])
        await alice.transfer(f"sip:102@{system.sip}")
        await bob.wait_for("CALL_INCOMING")
        await system.hears_music(caller)
        await bob.answer()
        await alice.wait_for("CALL_CLOSED")
        await talk(system, caller, bob)
        await bob.hang_up()
        await caller.wait_for("CALL_CLOSED")
        call = await system.ended_call(caller.user)
    assert (call.outcome, call.ended_by) == ("talked", "agent")
    alices, bobs = sorted(call.legs, key=lambda leg: leg.started_at)
    assert [(leg.device, leg.stage, leg.status) for leg in (alices, bobs)] == [
        ("alice-desk", "subteam", "ANSWER"), ("bob-desk", "transfer", "ANSWER"),
    ]  # fmt: skip
    assert alices.answered_at
    assert alices.ended_at
    assert bobs.answered_at
    assert alices.answered_at < bobs.started_at <= alices.ended_at <= bobs.answered_at < bobs.ended_at
    assert await facts(system, caller.user, "Transferred") == [
        {"from_leg": alices.id, "to_leg": bobs.id, "way": "blind"}
    ]


async def test_when_nobody_takes_the_caller_then_a_phone_that_has_hung_up_rings_again(system: System) -> None:
    """baresip hangs up when its transfer fails, without a word."""
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await connect(system, caller, alice)
        await alice.transfer(f"sip:177@{system.sip}")
        await alice.wait_for("CALL_INCOMING", 2)
        await alice.answer()
        await talk(system, caller, alice)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        await alice.wait_for("CALL_CLOSED")
    assert [leg.stage for leg in sorted(call.legs, key=lambda leg: leg.started_at)] == ["subteam", "return"]
    [failed] = await facts(system, caller.user, "TransferFailed")
    assert (failed["target"], failed["why"]) == ("177", "There is no such extension.")


async def test_when_whoever_passed_the_caller_on_is_gone_then_the_team_rings(system: System) -> None:
    async with system.phone("alice-desk") as alice, system.phone("carol-soft") as carol, system.caller() as caller:
        await connect(system, caller, alice)
        await devices.set_dnd(system.store, system.by, ["alice-desk"], until=None)
        await alice.transfer(f"sip:177@{system.sip}")
        await alice.wait_for("TRANSFER_FAILED")
        await carol.wait_for("CALL_INCOMING")
        await carol.answer()
        await talk(system, caller, carol)
        await carol.hang_up()
        call = await system.ended_call(caller.user)
    assert {leg.device for leg in call.legs if leg.answered_at} == {"alice-desk", "carol-soft"}


@pytest.mark.parametrize("dnd", [True, False])
async def test_when_the_colleague_does_not_take_the_caller_then_the_one_who_keyed_the_code_has_them_back(
    system: System, dnd: bool
) -> None:
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        await devices.set_dnd(system.store, system.by, ["bob-desk"], until=None)
        await connect(system, caller, alice)
        if not dnd:
            await devices.clear_dnd(system.store, system.by, ["bob-desk"])
        await alice.press("*1")
        await system.hears(alice, system.prompt("transfer_to"))
        await alice.press("102#")
        if not dnd:
            await bob.wait_for("CALL_INCOMING")
            await bob.hang_up()
        await system.hears(alice, system.prompt("transfer_unavailable" if dnd else "transfer_busy"))
        await talk(system, caller, alice)
        assert bob.count("CALL_INCOMING") == (0 if dnd else 1)
        await alice.hang_up()
        call = await system.ended_call(caller.user)
        await caller.wait_for("CALL_CLOSED")
    [talked] = [leg for leg in call.legs if leg.answered_at]
    assert talked.device == "alice-desk"
    assert talked.ended_at
    assert call.ended_at
    assert (call.ended_at - talked.ended_at).total_seconds() < 1


async def test_when_the_agent_talks_to_the_colleague_first_then_hanging_up_connects_the_caller(system: System) -> None:
    await devices.set_dnd(system.store, system.by, ["bob-desk"], until=None)
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        await connect(system, caller, alice)
        await devices.clear_dnd(system.store, system.by, ["bob-desk"])
        await alice.press("*2")
        await system.hears(alice, system.prompt("transfer_to"))
        await alice.press("102#")
        await bob.wait_for("CALL_INCOMING")
        await bob.answer()
        await bob.wait_for("CALL_ESTABLISHED")
        await alice.say(system.spoken(ASIDE))
        await asyncio.gather(system.hears(bob, system.spoken(ASIDE)), system.hears_music(caller))
        await alice.hang_up()
        await talk(system, caller, bob)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        assert system.spoken(ASIDE).stem not in system.heard_of(caller, ASIDE)
    assert [(leg.device, bool(leg.answered_at)) for leg in sorted(call.legs, key=lambda leg: leg.started_at)] == [
        ("alice-desk", True), ("bob-desk", True),
    ]  # fmt: skip
    assert [fact["way"] for fact in await facts(system, caller.user, "Transferred")] == ["attended"]


async def test_when_the_agent_comes_back_from_the_colleague_then_they_talk_with_the_caller_again(
    system: System,
) -> None:
    await devices.set_dnd(system.store, system.by, ["bob-desk"], until=None)
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        await connect(system, caller, alice)
        await devices.clear_dnd(system.store, system.by, ["bob-desk"])
        await alice.press("*2")
        await system.hears(alice, system.prompt("transfer_to"))
        await alice.press("102#")
        await bob.wait_for("CALL_INCOMING")
        await bob.answer()
        await bob.wait_for("CALL_ESTABLISHED")
        await alice.press("*0")
        await bob.wait_for("CALL_CLOSED")
        await talk(system, caller, alice)
        await caller.hang_up()
        await system.ended_call(caller.user)


async def test_when_the_phone_joins_its_two_calls_then_caller_and_colleague_talk(system: System) -> None:
    """REFER with Replaces (RFC 3891): on the call with the person, naming the call with the colleague."""
    await devices.set_dnd(system.store, system.by, ["bob-desk"], until=None)
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        await connect(system, caller, alice)
        await devices.clear_dnd(system.store, system.by, ["bob-desk"])
        await alice.dial(f"sip:102@{system.sip}")
        await bob.wait_for("CALL_INCOMING")
        await bob.answer()
        await bob.wait_for("CALL_ESTABLISHED")
        second = await system.channel_of("alice-desk", newest=True)
        await system.until(lambda: system.is_in_bridge(second["id"]), "colleagues connected")
        # Once the first call is on hold, that is the one which baresip transfers.
        await alice.wait_for("CALL_ANSWERED", 2)
        await alice.transfer(await system.replacing(second, "102"))
        await alice.wait_for("CALL_CLOSED", 2)
        await talk(system, caller, bob)
        await bob.hang_up()
        await caller.wait_for("CALL_CLOSED")
        call = await system.ended_call(caller.user)
    legs = sorted(call.legs, key=lambda leg: leg.started_at)
    assert [(leg.device, leg.stage, bool(leg.answered_at)) for leg in legs] == [
        ("alice-desk", "subteam", True), ("bob-desk", "joined", True),
    ]  # fmt: skip
    assert [fact["way"] for fact in await facts(system, caller.user, "Transferred")] == ["attended"]
