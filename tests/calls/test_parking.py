"""A caller is parked by the phone's transfer key, and picked up there."""

from __future__ import annotations

import pytest

from crm.services.phones.spoken import spoken
from tests.system import System
from tests.talks import connect, hear_each_other

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def lamp(system: System, slot: str) -> str:
    return await system.device_state(f"park-{slot}")


async def test_when_a_caller_is_parked_then_the_parker_hears_the_slot_and_a_colleague_has_them_from_there(
    system: System,
) -> None:
    async with system.phone("alice-desk") as alice, system.phone("carol-soft") as carol, system.caller() as caller:
        await connect(system, caller, alice)
        await alice.transfer(f"sip:700@{system.sip}")
        await system.step(caller.user, "parked")
        await system.hears(alice, await spoken(system.config, "Parked at 7 0 1."))
        await alice.wait_for("CALL_CLOSED")
        await system.hears_music(caller)
        assert await lamp(system, "701") == "INUSE"
        await carol.dial(f"sip:701@{system.sip}")
        await carol.wait_for("CALL_ESTABLISHED")
        await hear_each_other(system, caller, carol)
        assert await lamp(system, "701") == "NOT_INUSE"
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
