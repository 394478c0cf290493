"""Callers wait in the park until somebody picks them up there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crm.services.phones import devices
from crm.services.phones.spoken import spoken
from tests.asterisk import Seam
from tests.talks import connect, hear_each_other

pytestmark = pytest.mark.flows


def lamp(system: Seam, slot: str) -> str:
    return system.pbx.device_states.get(f"park-{slot}", "")


async def test_when_a_caller_is_parked_then_the_parker_hears_the_slot_and_a_colleague_has_them_from_there(
    system: Seam,
) -> None:
    async with system.phone("alice-desk") as alice, system.phone("carol-soft") as carol, system.caller() as caller:
        await connect(system, caller, alice)
        await alice.press("*4")
        await system.step(caller.user, "parked")
        await system.hears(alice, await spoken(system.config, "Parked at 7 0 1."))
        await alice.wait_for("CALL_CLOSED")
        await system.hears_music(caller)
        assert lamp(system, "701") == "INUSE"
        await carol.dial(f"sip:701@{system.sip}")
        await carol.wait_for("CALL_ESTABLISHED")
        await hear_each_other(system, caller, carol)
        assert lamp(system, "701") == "NOT_INUSE"
        await carol.hang_up()
        await caller.wait_for("CALL_CLOSED")
        call = await system.ended_call(caller.user)
    legs = sorted(call.legs, key=lambda leg: leg.started_at)
    assert [(leg.device, leg.stage, bool(leg.answered_at)) for leg in legs] == [
        ("alice-desk", "subteam", True),
        ("carol-soft", "parked", True),
    ]
    assert [event.data["slot"] for event in call.events if event.kind == "Parked"] == ["701"]
    assert call.outcome == "talked"


async def test_when_the_clock_is_set_back_in_the_talk_then_who_hangs_up_in_the_park_is_called_back(
    system: Seam,
) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await connect(system, caller, alice)
        system.pbx.loop.set_back(timedelta(minutes=10))
        await alice.press("*4")
        await system.step(caller.user, "parked")
        await alice.wait_for("CALL_CLOSED")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        [task] = await system.tasks_of(call)
    assert (call.outcome, task.kind) == ("talked", "call_back")
    assert call.talk_started_at
    assert call.ended_at
    assert call.talk_started_at <= call.ended_at


async def test_when_nobody_picks_a_parked_caller_up_then_the_parker_rings_then_the_team_then_the_mailbox(
    system: Seam,
) -> None:
    async with system.phone("alice-desk") as alice, system.phone("carol-soft") as carol, system.caller() as caller:
        await connect(system, caller, alice)
        await alice.press("*4")
        await system.step(caller.user, "parked")
        await alice.wait_for("CALL_CLOSED")
        await alice.wait_for("CALL_INCOMING", 2)
        await system.rings(caller.user, "return", "alice-desk")
        await system.store.run(devices.set_dnd, system.by, ["alice-desk"], until=None)
        await carol.wait_for("CALL_INCOMING")
        await system.step(caller.user, "voicemail")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert call.outcome == "talked"


async def test_when_a_slot_is_empty_then_that_is_said(system: Seam) -> None:
    async with system.phone("alice-desk") as alice:
        await alice.dial(f"sip:702@{system.sip}")
        await system.hears(alice, system.prompt("nobody_parked"))
        await alice.wait_for("CALL_CLOSED")


async def test_when_a_parked_caller_hangs_up_then_the_slot_is_free_and_they_are_called_back(system: Seam) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await connect(system, caller, alice)
        await alice.press("*4")
        await system.step(caller.user, "parked")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        await system.until(lambda: _is_free(system), "slot 701 free")
        await alice.wait_for("CALL_CLOSED")
    assert (call.outcome, call.ended_by) == ("talked", "caller")
    assert [(task.kind, task.done_at) for task in await system.tasks_of(call)] == [("call_back", None)]


def _is_free(system: Seam) -> bool:
    return lamp(system, "701") == "NOT_INUSE"
