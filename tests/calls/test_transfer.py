"""Agents pass callers on, by their phone's transfer key and by a code; a caller who is not taken comes back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from crm.services.phones import devices
from crm.services.phones.spoken import spoken
from crm.store.models import Dialled
from tests.outside import only_by, person
from tests.scripted_trunk import scripted_trunk
from tests.system import ELM, System
from tests.talks import connect, hear_each_other, said_in

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

COSTLY = "That is a premium-rate number, so it is blocked."
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


async def test_when_whoever_passed_the_caller_on_is_gone_then_the_team_rings(system: System) -> None:
    async with system.phone("alice-desk") as alice, system.phone("carol-soft") as carol, system.caller() as caller:
        await connect(system, caller, alice)
        await system.store.run(devices.set_dnd, system.by, ["alice-desk"], until=None)
        await alice.transfer(f"sip:177@{system.sip}")
        await alice.wait_for("TRANSFER_FAILED")
        await carol.wait_for("CALL_INCOMING")
        await carol.answer()
        await hear_each_other(system, caller, carol)
        await carol.hang_up()
        call = await system.ended_call(caller.user)
    assert {leg.device for leg in call.legs if leg.answered_at} == {"alice-desk", "carol-soft"}


@pytest.mark.parametrize("dnd", [True, False])
async def test_when_the_colleague_does_not_take_the_caller_then_the_one_who_keyed_the_code_has_them_back(
    system: System, dnd: bool
) -> None:
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        await system.store.run(devices.set_dnd, system.by, ["bob-desk"], until=None)
        await connect(system, caller, alice)
        if not dnd:
            await system.store.run(devices.clear_dnd, system.by, ["bob-desk"])
        await alice.press("*1")
        await system.hears(alice, system.prompt("transfer_to"))
        await alice.press("102#")
        if not dnd:
            await bob.wait_for("CALL_INCOMING")
            await bob.hang_up()
        await system.hears(alice, system.prompt("transfer_unavailable" if dnd else "transfer_busy"))
        await hear_each_other(system, caller, alice)
        assert bob.count("CALL_INCOMING") == (0 if dnd else 1)
        still_talking = datetime.now(UTC)
        await alice.hang_up()
        call = await system.ended_call(caller.user)
        await caller.wait_for("CALL_CLOSED")
    [talked] = [leg for leg in call.legs if leg.answered_at]
    assert talked.device == "alice-desk"
    assert talked.ended_at
    assert talked.ended_at > still_talking


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


async def test_when_the_agent_comes_back_from_the_colleague_then_they_talk_with_the_caller_again(
    system: System,
) -> None:
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
        await alice.press("*0")
        await bob.wait_for("CALL_CLOSED")
        await hear_each_other(system, caller, alice)
        await caller.hang_up()
        await system.ended_call(caller.user)


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


# --- to a number outside ---


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


async def test_when_the_number_outside_may_not_be_dialled_then_the_agent_hears_why_and_has_the_caller_back(
    system: System,
) -> None:
    async with (
        system.phone("alice-desk") as alice,
        system.caller() as caller,
        scripted_trunk(system, "first", "take_call", emergency=False) as carrier,
    ):
        await only_by(system, first=1)
        await connect(system, caller, alice)
        await alice.press("*1")
        await system.hears(alice, system.prompt("transfer_to"))
        await alice.press("9005550123#")
        await system.hears(alice, await spoken(system.config, COSTLY))
        await hear_each_other(system, caller, alice)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        await alice.wait_for("CALL_CLOSED")
        assert carrier.received("INVITE") == []
    assert [leg.device for leg in call.legs] == ["alice-desk"]
    [failed] = await facts(system, caller.user, "TransferFailed")
    assert (failed["target"], failed["why"], failed["from_leg"]) == ("9005550123", COSTLY, call.legs[0].id)
    [dialled] = await system.all(select(Dialled).where(Dialled.call_id == call.id))
    assert (dialled.purpose, dialled.allowed, dialled.reason) == ("transfer", False, COSTLY)


async def test_when_nobody_is_reached_outside_then_the_agent_has_the_caller_back(system: System) -> None:
    async with (
        system.phone("alice-desk") as alice,
        system.caller() as caller,
        scripted_trunk(system, "first", "busy", emergency=False) as carrier,
    ):
        await only_by(system, first=1)
        number = system.new_number()
        await connect(system, caller, alice)
        await alice.press("*1")
        await system.hears(alice, system.prompt("transfer_to"))
        await alice.press(f"{number.removeprefix('+1')}#")
        await system.hears(alice, system.prompt("transfer_failed"))
        await hear_each_other(system, caller, alice)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        await alice.wait_for("CALL_CLOSED")
        assert len(carrier.received("INVITE")) == 1
    assert [(leg.number, leg.status) for leg in call.legs if leg.number] == [(number, "BUSY")]
    [failed] = await facts(system, caller.user, "TransferFailed")
    assert failed["why"] == "Nobody was reached outside (BUSY)."


# --- nobody answers ---


async def test_when_the_colleague_lets_it_ring_then_the_one_who_keyed_the_code_has_the_caller_back(
    system: System,
) -> None:
    await system.store.run(devices.set_dnd, system.by, ["bob-desk"], until=None)
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        await connect(system, caller, alice)
        await system.store.run(devices.clear_dnd, system.by, ["bob-desk"])
        await alice.press("*1")
        await system.hears(alice, system.prompt("transfer_to"))
        await alice.press("102#")
        await bob.wait_for("CALL_INCOMING")
        await bob.wait_for("CALL_CLOSED")
        await system.hears(alice, system.prompt("transfer_failed"))
        await hear_each_other(system, caller, alice)
        await alice.hang_up()
        await caller.wait_for("CALL_CLOSED")
        call = await system.ended_call(caller.user)
    legs = sorted(call.legs, key=lambda leg: leg.started_at)
    assert [(leg.device, leg.status) for leg in legs] == [("alice-desk", "ANSWER"), ("bob-desk", "NOANSWER")]
    [failed] = await facts(system, caller.user, "TransferFailed")
    assert (failed["target"], failed["why"]) == ("102", "The colleague did not answer.")


async def test_when_the_colleague_lets_it_ring_then_the_phone_that_has_passed_the_caller_on_rings_again(
    system: System,
) -> None:
    """Many phones hang up as soon as their REFER is accepted."""
    await system.store.run(devices.set_dnd, system.by, ["bob-desk"], until=None)
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        await connect(system, caller, alice)
        await system.store.run(devices.clear_dnd, system.by, ["bob-desk"])
        await alice.transfer(f"sip:102@{system.sip}")
        await bob.wait_for("CALL_INCOMING")
        await alice.hang_up()
        await alice.wait_for("CALL_CLOSED")
        await bob.wait_for("CALL_CLOSED")
        await alice.wait_for("CALL_INCOMING", 2)
        await alice.answer()
        await hear_each_other(system, caller, alice)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        await alice.wait_for("CALL_CLOSED", 2)
    legs = sorted(call.legs, key=lambda leg: leg.started_at)
    assert [(leg.device, leg.stage, leg.status) for leg in legs] == [
        ("alice-desk", "subteam", "ANSWER"),
        ("bob-desk", "transfer", "NOANSWER"),
        ("alice-desk", "return", "ANSWER"),
    ]
    assert [fact["why"] for fact in await facts(system, caller.user, "TransferFailed")] == [
        "The colleague did not answer."
    ]


# --- a call of ours ---


async def test_when_the_agent_had_called_the_person_then_the_colleague_has_them_and_the_record_follows(
    system: System,
) -> None:
    async with (
        system.phone("alice-desk") as alice,
        system.phone("bob-desk") as bob,
        person(system) as prospect,
    ):
        await alice.dial(f"sip:{prospect.user}@{system.sip}")
        await prospect.wait_for("CALL_INCOMING")
        await prospect.answer()
        await hear_each_other(system, alice, prospect)
        await alice.press("*1")
        await system.hears(alice, system.prompt("transfer_to"))
        await alice.press("102#")
        await bob.wait_for("CALL_INCOMING")
        await system.hears_music(prospect)
        await bob.answer()
        await alice.wait_for("CALL_CLOSED")
        await hear_each_other(system, prospect, bob)
        await bob.hang_up()
        await prospect.wait_for("CALL_CLOSED")
        call = await system.ended_call(prospect.user)
    assert (call.direction, call.outcome, call.ended_by) == ("out", "talked", "agent")
    legs = {leg.device: leg for leg in call.legs}
    assert {device: (leg.stage, leg.status) for device, leg in legs.items()} == {
        "alice-desk": ("desk", "ANSWER"),
        "trunk-acme": ("outside", "ANSWER"),
        "bob-desk": ("transfer", "ANSWER"),
    }
    alices, bobs = legs["alice-desk"], legs["bob-desk"]
    assert alices.ended_at
    assert bobs.answered_at
    assert bobs.ended_at
    assert alices.ended_at <= bobs.answered_at < bobs.ended_at
    assert await facts(system, prospect.user, "Transferred") == [
        {"from_leg": alices.id, "to_leg": bobs.id, "way": "blind"}
    ]


async def test_when_the_agent_who_called_leaves_the_person_without_a_target_then_the_team_has_them(
    system: System,
) -> None:
    async with (
        system.phone("alice-desk") as alice,
        system.phone("bob-desk") as bob,
        person(system) as prospect,
    ):
        await alice.dial(f"sip:{prospect.user}@{system.sip}")
        await prospect.wait_for("CALL_INCOMING")
        await prospect.answer()
        await alice.wait_for("CALL_ESTABLISHED")
        await system.step(prospect.user, "talk")
        await alice.press("*1")
        await system.hears(alice, system.prompt("transfer_to"))
        await alice.hang_up()
        await bob.wait_for("CALL_INCOMING")
        await bob.answer()
        await hear_each_other(system, prospect, bob)
        await prospect.hang_up()
        call = await system.ended_call(prospect.user)
        await bob.wait_for("CALL_CLOSED")
    assert {leg.device for leg in call.legs if leg.answered_at} == {"alice-desk", "trunk-acme", "bob-desk"}
