"""Agents pass callers on; a caller who is not taken comes back."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from crm.services.phones import devices
from crm.services.phones.spoken import spoken
from crm.store.models import Dialled
from tests.asterisk import Seam
from tests.flows.people import only_by, person, trunk
from tests.talks import connect, hear_each_other

pytestmark = pytest.mark.flows

COSTLY = "That is a premium-rate number, so it is blocked."


async def facts(system: Seam, number: str, kind: str) -> list[dict[str, object]]:
    return [event.data for event in (await system.call_from(number)).events if event.kind == kind]


async def test_when_whoever_passed_the_caller_on_is_gone_then_the_team_rings(system: Seam) -> None:
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
    system: Seam, dnd: bool
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
        still_talking = system.now()
        await alice.hang_up()
        call = await system.ended_call(caller.user)
        await caller.wait_for("CALL_CLOSED")
    [talked] = [leg for leg in call.legs if leg.answered_at]
    assert talked.device == "alice-desk"
    assert talked.ended_at
    assert talked.ended_at > still_talking


async def test_when_the_agent_comes_back_from_the_colleague_then_they_talk_with_the_caller_again(
    system: Seam,
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


async def test_when_the_number_outside_may_not_be_dialled_then_the_agent_hears_why_and_has_the_caller_back(
    system: Seam,
) -> None:
    async with (
        system.phone("alice-desk") as alice,
        system.caller() as caller,
        trunk(system, "first", "+19005550123") as carrier,
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
        assert carrier.count("CALL_INCOMING") == 0
    assert [leg.device for leg in call.legs] == ["alice-desk"]
    [failed] = await facts(system, caller.user, "TransferFailed")
    assert (failed["target"], failed["why"], failed["from_leg"]) == ("9005550123", COSTLY, call.legs[0].id)
    [dialled] = await system.all(select(Dialled).where(Dialled.call_id == call.id))
    assert (dialled.purpose, dialled.allowed, dialled.reason) == ("transfer", False, COSTLY)


async def test_when_nobody_is_reached_outside_then_the_agent_has_the_caller_back(system: Seam) -> None:
    async with (
        system.phone("alice-desk") as alice,
        system.caller() as caller,
        trunk(system, "first", "", says=486) as carrier,
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
        assert carrier.called == 1
    assert [(leg.number, leg.status) for leg in call.legs if leg.number] == [(number, "BUSY")]
    [failed] = await facts(system, caller.user, "TransferFailed")
    assert failed["why"] == "Nobody was reached at the outside number (BUSY)."


# --- nobody answers ---


async def test_when_the_colleague_lets_it_ring_then_the_one_who_keyed_the_code_has_the_caller_back(
    system: Seam,
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
    system: Seam,
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
    system: Seam,
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
    system: Seam,
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
