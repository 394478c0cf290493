"""An agent takes a call that rings elsewhere."""

from __future__ import annotations

import pytest

from tests.system import System
from tests.talks import hear_each_other

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def test_when_a_ringing_call_is_picked_up_then_that_phone_has_it_and_the_others_stop(
    system: System,
) -> None:
    """Pain 5: the others show a call that was answered elsewhere, not a missed one."""
    async with system.phone("alice-desk") as alice, system.phone("carol-soft") as carol, system.caller() as caller:
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING")
        await carol.dial(f"sip:*8@{system.sip}")
        await carol.wait_for("CALL_ESTABLISHED")
        await alice.wait_for("CALL_CLOSED")
        picked_up = await system.channel_of("carol-soft")
        assert await system.variable(picked_up["id"], "CONNECTEDLINE(num)") == caller.user
        await hear_each_other(system, caller, carol)
        await carol.hang_up()
        await caller.wait_for("CALL_CLOSED")
        call = await system.ended_call(caller.user)
    assert sorted((leg.device, leg.stage, leg.status) for leg in call.legs) == [
        ("alice-desk", "subteam", "CANCEL"),
        ("carol-soft", "pickup", "ANSWER"),
    ]
