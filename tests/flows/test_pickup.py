"""Agents take calls that ring elsewhere."""

from __future__ import annotations

import pytest

from crm.services.phones.spoken import spoken
from tests.asterisk import Seam
from tests.talks import hear_each_other

pytestmark = pytest.mark.flows


@pytest.mark.parametrize("code", ["*8", "*8101"])
async def test_when_a_ringing_call_is_picked_up_then_that_phone_has_it_and_the_others_stop(
    system: Seam, code: str
) -> None:
    """Pain 5: the others show a call that was answered elsewhere, not a missed one."""
    async with system.phone("alice-desk") as alice, system.phone("carol-soft") as carol, system.caller() as caller:
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING")
        await carol.dial(f"sip:{code}@{system.sip}")
        await carol.wait_for("CALL_ESTABLISHED")
        await alice.wait_for("CALL_CLOSED")
        await hear_each_other(system, caller, carol)
        await carol.hang_up()
        await caller.wait_for("CALL_CLOSED")
        call = await system.ended_call(caller.user)
    assert sorted((leg.device, leg.stage, leg.status) for leg in call.legs) == [
        ("alice-desk", "subteam", "CANCEL"),
        ("carol-soft", "pickup", "ANSWER"),
    ]


async def test_when_nothing_rings_then_that_is_said(system: Seam) -> None:
    async with system.phone("alice-desk") as alice:
        await alice.dial(f"sip:*8@{system.sip}")
        await system.hears(alice, system.prompt("nothing_rings"))
        await alice.wait_for("CALL_CLOSED")


async def test_when_nothing_rings_for_a_colleague_then_their_name_is_said(system: Seam) -> None:
    async with system.phone("alice-desk") as alice:
        for dialled, says in (
            ("*8102", await spoken(system.config, "No call is ringing for Bob.")),
            ("*8199", system.prompt("extension_unavailable")),
        ):
            await alice.dial(f"sip:{dialled}@{system.sip}")
            await system.hears(alice, says)
            await alice.wait_for("CALL_CLOSED")


async def test_when_a_colleagues_call_rings_then_it_can_be_picked_up_by_the_extension(system: Seam) -> None:
    async with (
        system.phone("alice-desk") as alice,
        system.phone("carol-soft") as carol,
        system.phone("bob-desk") as bob,
    ):
        await bob.dial(f"sip:101@{system.sip}")
        await alice.wait_for("CALL_INCOMING")
        await carol.dial(f"sip:*8101@{system.sip}")
        await bob.wait_for("CALL_ESTABLISHED")
        await hear_each_other(system, bob, carol)
        await bob.hang_up()
        await carol.wait_for("CALL_CLOSED")
