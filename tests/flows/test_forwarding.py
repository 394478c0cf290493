"""An agent's calls ring their mobile, too, and only a digit connects."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import Select, select, update

from crm.services.office import agents
from crm.services.phones import devices, forwarding
from crm.store import facts
from crm.store.models import Agent, Dialled
from tests.asterisk import Seam
from tests.flows.people import about, forward, hears_beginning, mobile, picks_up, trunk

pytestmark = pytest.mark.flows

HELLO = "Good morning, this is the leasing office."


async def test_when_no_phone_is_online_then_the_mobile_rings_at_once(system: Seam) -> None:
    await forward(system, after=60)
    async with mobile(system) as cell, system.caller() as caller:
        await system.to_team(caller)
        await picks_up(cell)
        await cell.press("1")
        await system.step(caller.user, "talk")
        await caller.hang_up()
        await cell.wait_for("CALL_CLOSED")
        call = await system.ended_call(caller.user)
    assert [(leg.device, leg.status) for leg in call.legs] == [("alice-mobile", "ANSWER")]
    assert call.outcome == "talked"


async def test_when_the_desk_phone_is_switched_off_while_it_rings_then_the_mobile_need_not_wait(system: Seam) -> None:
    await forward(system, after=60)
    async with (
        system.phone("alice-desk", says=603),
        mobile(system) as cell,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await cell.wait_for("CALL_INCOMING")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert {leg.device: leg.status for leg in call.legs} == {"alice-desk": "BUSY", "alice-mobile": "CANCEL"}


async def test_when_the_mobile_passes_then_the_others_ring_on(system: Seam) -> None:
    await forward(system)
    async with (
        system.phone("bob-desk") as bob,
        mobile(system) as cell,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await bob.wait_for("CALL_INCOMING")
        await picks_up(cell)
        await cell.press("2")
        await cell.wait_for("CALL_CLOSED")
        assert bob.count("CALL_CLOSED") == 0
        await bob.answer()
        await system.step(caller.user, "talk")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert {leg.device: leg.status for leg in call.legs} == {"alice-mobile": "NOANSWER", "bob-desk": "ANSWER"}


async def test_when_the_mobile_presses_3_then_the_caller_is_promised_a_call_and_others_ring_on(system: Seam) -> None:
    await forward(system)
    async with (
        system.phone("bob-desk") as bob,
        mobile(system) as cell,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await bob.wait_for("CALL_INCOMING")
        await picks_up(cell)
        await cell.press("3")
        await system.hears(caller, system.prompt("callback_promised"))
        await system.hears(cell, system.prompt("callback_noted"))
        await cell.wait_for("CALL_CLOSED")
        await bob.answer()
        await system.step(caller.user, "talk")
        await bob.say(system.spoken(HELLO))
        await system.hears(caller, system.spoken(HELLO))
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    [promise] = [event for event in call.events if event.kind == "CallbackPromised"]
    mobiles = [leg for leg in call.legs if leg.device == "alice-mobile"]
    told = facts.whole(call.id, promise.kind, promise.data)
    assert told == {"leg_id": mobiles[0].id, "agent": "alice", "minutes": 10}
    assert [leg.status for leg in mobiles] == ["NOANSWER"]


async def test_when_3_is_pressed_and_nobody_else_is_there_then_the_caller_hears_it_all_and_may_leave_a_message(
    system: Seam,
) -> None:
    await forward(system)
    async with mobile(system) as cell, system.caller() as caller:
        await system.to_team(caller)
        await picks_up(cell)
        await cell.press("3")
        await system.hears(caller, system.prompt("callback_promised"))
        await system.step(caller.user, "voicemail")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        assert cell.count("CALL_INCOMING") == 1, "who has promised a call is not rung again"
    assert [event.kind for event in call.events].count("CallbackPromised") == 1


async def test_when_the_desk_phone_is_answered_while_the_mobile_rings_then_that_stops(system: Seam) -> None:
    await forward(system)
    async with (
        system.phone("alice-desk") as desk,
        mobile(system) as cell,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await cell.wait_for("CALL_INCOMING")
        await desk.answer()
        await cell.wait_for("CALL_CLOSED")
        await system.step(caller.user, "talk")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert {leg.device: leg.status for leg in call.legs} == {"alice-desk": "ANSWER", "alice-mobile": "CANCEL"}


async def test_when_the_caller_hangs_up_during_the_whisper_then_that_is_said_and_they_are_missed_once_pain_3_pain_4(
    system: Seam,
) -> None:
    await forward(system)
    async with mobile(system) as cell, system.caller() as caller:
        await system.to_team(caller)
        await picks_up(cell)
        await hears_beginning(system, cell, await about(system, caller.user))
        await caller.hang_up()
        await system.hears(cell, system.prompt("caller_hung_up"))
        await cell.wait_for("CALL_CLOSED")
        call = await system.ended_call(caller.user)
        await system.carrier.text_to(caller.user)
    assert (call.outcome, call.ended_by, call.step) == ("gave_up", "caller", "ring")
    assert [(leg.device, leg.status) for leg in call.legs] == [("alice-mobile", "CANCEL")]
    assert [(task.kind, task.done_at) for task in await system.tasks_of(call)] == [("call_back", None)]
    assert len(system.carrier.texts_to(caller.user)) == 1


async def test_when_an_agent_talks_on_the_mobile_then_their_desk_phone_is_not_rung_pain_6(system: Seam) -> None:
    await forward(system)
    async with mobile(system) as cell, system.caller() as first:
        await system.to_team(first)
        await picks_up(cell)
        await cell.press("1")
        await system.step(first.user, "talk")
        async with (
            system.phone("alice-desk") as desk,
            system.phone("bob-desk") as bob,
            system.caller() as second,
        ):
            await system.to_team(second)
            await bob.wait_for("CALL_INCOMING")
            await second.hang_up()
            await system.ended_call(second.user)
            assert await system.rang(second.user) == {"subteam": {"bob-desk"}}
            assert desk.count("CALL_INCOMING") == 0
        assert cell.count("CALL_INCOMING") == 1
        await first.hang_up()
        await system.ended_call(first.user)


@pytest.mark.parametrize("why", ["dnd", "off duty", "forwarding off"])
async def test_when_the_mobile_is_not_to_ring_then_it_does_not(system: Seam, why: str) -> None:
    await forward(system)
    if why == "dnd":
        await system.store.run(devices.set_dnd, system.by, ["alice-mobile"], until=None)
    elif why == "off duty":
        await system.store.run(agents.change, system.config, system.by, "alice", on_duty=False)
    else:
        await system.store.run(forwarding.switch_off, system.by, "alice")
    async with mobile(system) as cell, system.phone("bob-desk") as bob, system.caller() as caller:
        await system.to_team(caller)
        await bob.wait_for("CALL_INCOMING")
        await caller.hang_up()
        await system.ended_call(caller.user)
        assert await system.rang(caller.user) == {"subteam": {"bob-desk"}}
        assert cell.count("CALL_INCOMING") == 0


async def test_when_dnd_of_a_mobile_has_ended_then_it_rings_again_pain_18(system: Seam) -> None:
    await forward(system)
    until = system.now() + timedelta(seconds=1)
    await system.store.run(devices.set_dnd, system.by, ["alice-mobile"], until=until)
    async with mobile(system) as cell, system.caller() as caller:
        await system.until(lambda: system.now() > until, "the end of DND")
        await system.to_team(caller)
        await cell.wait_for("CALL_INCOMING")
        await caller.hang_up()
        await system.ended_call(caller.user)


async def test_when_the_agent_may_not_dial_outside_any_more_then_nothing_is_dialled_and_it_is_on_record(
    system: Seam,
) -> None:
    await forward(system)
    with system.store.writing() as session:
        session.execute(update(Agent).where(Agent.slug == "alice").values(dialing="none"))
    try:
        async with mobile(system) as cell, system.phone("bob-desk") as bob, system.caller() as caller:
            await system.to_team(caller)
            await bob.wait_for("CALL_INCOMING")
            call = await system.call_from(caller.user)
            refused = select(Dialled).where(Dialled.call_id == call.id)
            await system.until(lambda: any_of(system, refused), "the refusal is on record")
            await caller.hang_up()
            await system.ended_call(caller.user)
            assert await system.rang(caller.user) == {"subteam": {"bob-desk"}}
            assert cell.count("CALL_INCOMING") == 0
        assert not any(dialled.allowed for dialled in await system.all(refused))
    finally:
        with system.store.writing() as session:
            session.execute(update(Agent).values(dialing="allowed"))


async def any_of(system: Seam, query: Select[tuple[Dialled]]) -> bool:
    return bool(await system.all(query))


async def test_when_the_first_trunk_is_out_of_order_then_the_mobile_rings_by_the_next(system: Seam) -> None:
    await forward(system)
    async with (
        trunk(system, "broken", "", position=-1, says=503),
        mobile(system) as cell,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await picks_up(cell)
        await cell.press("1")
        await system.step(caller.user, "talk")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert [(leg.device, leg.status) for leg in call.legs] == [
        ("alice-mobile", "CONGESTION"),
        ("alice-mobile", "ANSWER"),
    ]


@pytest.mark.parametrize("first", ["mobile", "desk"])
async def test_when_two_press_1_at_the_same_moment_then_one_has_the_caller_and_the_other_is_told(
    system: Seam, first: str
) -> None:
    await forward(system)
    await system.store.run(devices.change, system.config, system.by, "bob-desk", whisper=True)
    async with mobile(system) as cell, system.phone("bob-desk") as bob, system.caller() as caller:
        await system.to_team(caller)
        await asyncio.gather(picks_up(cell), picks_up(bob))
        both = [cell, bob] if first == "mobile" else [bob, cell]
        await asyncio.gather(*(phone.press("1") for phone in both))
        await system.step(caller.user, "talk")
        await system.until(lambda: cell.count("CALL_CLOSED") + bob.count("CALL_CLOSED") == 1, "one is hung up")
        winner, loser = (bob, cell) if cell.count("CALL_CLOSED") else (cell, bob)
        await hears_beginning(system, loser, system.prompt("colleague_was_quicker"))
        await winner.say(system.spoken(HELLO))
        await system.hears(caller, system.spoken(HELLO))
        await winner.hang_up()
        call = await system.ended_call(caller.user)
    assert sorted(leg.status for leg in call.legs) == ["ANSWER", "CANCEL"]
    assert len([leg for leg in call.legs if leg.answered_at]) == 1
