"""Agents pass callers on, by their phone's transfer key and by a code; a caller who is not taken comes back."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from crm.services.phones import devices
from crm.store.models import Dialled
from tests.outside import person
from tests.system import ELM, System
from tests.talks import connect, hear_each_other, said_in

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]
ASIDE = "I have somebody on the line who would like to see the corner unit."


async def facts(system: System, number: str, kind: str) -> list[dict[str, object]]:
    return [event.data for event in (await system.call_from(number)).events if event.kind == kind]


async def test_when_the_phone_passes_the_caller_on_then_the_colleague_has_them_and_the_record_follows(
    system: System,
) -> None:
    """Pain 8: the call's record says who talked when."""
    await system.store.run(devices.set_dnd, system.by, ["bob-desk"], until=None)
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        await connect(system, caller, alice)
        await system.store.run(devices.clear_dnd, system.by, ["bob-desk"])
        await alice.transfer(f"sip:102@{system.sip}")
        await bob.wait_for("CALL_INCOMING")
        await system.hears_music(caller)
        await bob.answer()
        await alice.wait_for("CALL_CLOSED")
        await hear_each_other(system, caller, bob)
        await bob.hang_up()
        await caller.wait_for("CALL_CLOSED")
        call = await system.ended_call(caller.user)
    assert (call.outcome, call.ended_by) == ("talked", "agent")
    alices, bobs = sorted(call.legs, key=lambda leg: leg.started_at)
    assert [(leg.device, leg.stage, leg.status) for leg in (alices, bobs)] == [
        ("alice-desk", "subteam", "ANSWER"),
        ("bob-desk", "transfer", "ANSWER"),
    ]
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
        await hear_each_other(system, caller, alice)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        await alice.wait_for("CALL_CLOSED")
    assert [leg.stage for leg in sorted(call.legs, key=lambda leg: leg.started_at)] == ["subteam", "return"]
    [failed] = await facts(system, caller.user, "TransferFailed")
    assert (failed["target"], failed["why"]) == ("177", "There is no such extension.")


async def test_when_the_agent_talks_to_the_colleague_first_then_hanging_up_connects_the_caller(system: System) -> None:
    await system.store.run(devices.set_dnd, system.by, ["bob-desk"], until=None)
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        await connect(system, caller, alice)
        await system.store.run(devices.clear_dnd, system.by, ["bob-desk"])
        await alice.press("*2")
        await system.hears(alice, system.prompt("transfer_to"))
        await alice.press("102#")
        await bob.wait_for("CALL_INCOMING")
        await bob.answer()
        await bob.wait_for("CALL_ESTABLISHED")
        await alice.say(system.spoken(ASIDE))
        await asyncio.gather(system.hears(bob, system.spoken(ASIDE)), system.hears_music(caller))
        await alice.hang_up()
        await hear_each_other(system, caller, bob)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        assert said_in(system, caller.heard, ASIDE) == []
    assert [(leg.device, bool(leg.answered_at)) for leg in sorted(call.legs, key=lambda leg: leg.started_at)] == [
        ("alice-desk", True),
        ("bob-desk", True),
    ]
    assert [fact["way"] for fact in await facts(system, caller.user, "Transferred")] == ["attended"]


async def test_when_the_phone_joins_its_two_calls_then_caller_and_colleague_talk(system: System) -> None:
    """REFER with Replaces (RFC 3891): on the call with the person, naming the call with the colleague."""
    await system.store.run(devices.set_dnd, system.by, ["bob-desk"], until=None)
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        await connect(system, caller, alice)
        await system.store.run(devices.clear_dnd, system.by, ["bob-desk"])
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
        await hear_each_other(system, caller, bob)
        await bob.hang_up()
        await caller.wait_for("CALL_CLOSED")
        call = await system.ended_call(caller.user)
    legs = sorted(call.legs, key=lambda leg: leg.started_at)
    assert [(leg.device, leg.stage, bool(leg.answered_at)) for leg in legs] == [
        ("alice-desk", "subteam", True),
        ("bob-desk", "joined", True),
    ]
    assert [fact["way"] for fact in await facts(system, caller.user, "Transferred")] == ["attended"]


# --- to an outside number ---


async def test_when_the_code_passes_the_caller_on_to_a_number_outside_then_they_talk_and_it_is_on_record(
    system: System,
) -> None:
    async with (
        system.phone("alice-desk") as alice,
        system.caller() as caller,
        person(system) as prospect,
    ):
        await connect(system, caller, alice)
        await alice.press("*1")
        await system.hears(alice, system.prompt("transfer_to"))
        await alice.press(f"{prospect.user.removeprefix('+1')}#")
        incoming = await prospect.wait_for("CALL_INCOMING")
        assert ELM in incoming.param, "our line is the caller ID"
        await system.hears_music(caller)
        await prospect.answer()
        await alice.wait_for("CALL_CLOSED")
        await hear_each_other(system, caller, prospect)
        # Whoever was reached outside is no agent: what they key is not for us.
        await prospect.press("*1")
        await prospect.say(system.spoken(ASIDE))
        await system.hears(caller, system.spoken(ASIDE))
        await prospect.hang_up()
        await caller.wait_for("CALL_CLOSED")
        call = await system.ended_call(caller.user)
    alices, outside = sorted(call.legs, key=lambda leg: leg.started_at)
    assert [(leg.device, leg.stage, leg.number, leg.status) for leg in (alices, outside)] == [
        ("alice-desk", "subteam", None, "ANSWER"),
        ("trunk-acme", "transfer", prospect.user, "ANSWER"),
    ]
    assert alices.ended_at
    assert outside.answered_at
    assert outside.ended_at
    assert alices.ended_at <= outside.answered_at < outside.ended_at
    assert call.outcome == "talked"
    assert await facts(system, caller.user, "Transferred") == [
        {"from_leg": alices.id, "to_leg": outside.id, "way": "blind"}
    ]
    [dialled] = await system.all(select(Dialled).where(Dialled.call_id == call.id))
    assert (dialled.number, dialled.purpose, dialled.allowed) == (prospect.user, "transfer", True)
