"""Nothing that a phone or a carrier answers is ever dialed: a SIP 3xx is a call declined, or a trunk that refuses.

Each of these makes Asterisk's own originate, or a Dial() without option i, dial: 911 by the dialplan, and whatever is
written as a dial string by the trunk named there. `sink` is that trunk, and gets nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from crm.services.audit import By
from crm.services.calls import orders
from crm.services.phones import devices
from crm.store.models import Leg
from crm.views import orders as placed
from tests.mobile import forward, mobile, picks_up
from tests.outside import only_by, person
from tests.redirecting import Redirecting, redirecting_phone, redirecting_trunk
from tests.scripted_trunk import scripted_trunk
from tests.system import System
from tests.talks import connect, hear_each_other
from tests.voicemails import leave_voicemail, without_voicemails

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

EMERGENCY = "<sip:911@{here}>"
DIAL_STRING = "<sip:PJSIP%2F19005550123%40trunk-sink@{here}>"
CONTEXT = "<sip:Local%2F911%40from-staff@{here}>;q=1, <sip:911@{here}>;q=0.5"


@asynccontextmanager
async def sink(system: System) -> AsyncIterator[Redirecting]:
    """A trunk by which everything goes out; nothing may."""
    async with redirecting_trunk(system, "sink", "<sip:nobody@{here}>", "486 Busy Here", position=5) as trunk:
        yield trunk
        assert trunk.invites == []


async def test_a_phone_that_redirects_has_declined_and_the_others_ring(system: System) -> None:
    async with (
        sink(system),
        redirecting_phone(system, "alice-desk", EMERGENCY) as alice,
        redirecting_phone(system, "bob-desk", DIAL_STRING, "380 Alternative Service") as bob,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await carol.wait_for("CALL_INCOMING")
        await carol.answer()
        await system.step(caller.user, "talk")
        assert len(await system.ari("/channels")) == 2
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        assert (len(alice.invites), len(bob.invites)) == (2, 2), "once with their team, once with everybody"
    assert {(leg.device, leg.stage, leg.status) for leg in call.legs} == {
        ("alice-desk", "subteam", "BUSY"),
        ("bob-desk", "subteam", "BUSY"),
        ("alice-desk", "everyone", "BUSY"),
        ("bob-desk", "everyone", "BUSY"),
        ("carol-soft", "everyone", "ANSWER"),
    }


async def test_a_colleague_whose_phone_redirects_is_busy_also_for_one_who_is_passed_on(system: System) -> None:
    async with (
        sink(system),
        redirecting_phone(system, "bob-desk", CONTEXT, "301 Moved Permanently") as bob,
        system.phone("alice-desk") as alice,
        system.caller() as caller,
    ):
        await alice.dial(f"sip:102@{system.sip}")
        closed = await alice.wait_for("CALL_CLOSED")
        assert "486" in closed.param
        await system.store.run(devices.set_dnd, system.by, ["bob-desk"], until=None)
        await connect(system, caller, alice)
        await system.store.run(devices.clear_dnd, system.by, ["bob-desk"])
        await alice.press("*1102#")
        await system.hears(alice, system.prompt("transfer_busy"))
        await hear_each_other(system, caller, alice)
        await alice.hang_up()
        await system.ended_call(caller.user)
        assert len(bob.invites) == 2


async def test_an_agent_whose_phone_redirects_is_not_there_for_an_order_nor_for_a_message(system: System) -> None:
    await without_voicemails(system.store)
    async with (
        sink(system),
        redirecting_phone(system, "alice-desk", EMERGENCY) as alice,
        redirecting_phone(system, "bob-desk", DIAL_STRING) as bob,
    ):
        by = By("tests", datetime.now(UTC))
        order = await system.store.run(orders.place, system.config, by, agent="alice", to=system.new_number())
        await system.until(lambda: bool(alice.invites), "alice's phone rings for the order")

        async def given_up() -> bool:
            kept = await system.store.read(placed.one, order.id)
            return kept.state == "failed"

        await system.until(given_up, "the order has failed")
        voicemail_id = await leave_voicemail(system, words="Hello.", escalate_at=datetime.now(UTC), owner="bob")

        async def both_declined() -> bool:
            legs = await system.all(select(Leg).where(Leg.call_id == voicemail_id))
            return {leg.device: leg.status for leg in legs} == {"alice-desk": "BUSY", "bob-desk": "BUSY"}

        await system.until(both_declined, "both phones have declined the voicemail")
        assert bob.invites
    await without_voicemails(system.store)


async def test_a_trunk_that_redirects_has_refused_and_the_next_takes_the_call(system: System) -> None:
    async with (
        sink(system),
        person(system) as prospect,
        redirecting_trunk(system, "first", DIAL_STRING) as first,
        redirecting_trunk(system, "second", f"<sip:{prospect.user}@{{here}}>", "305 Use Proxy", position=1) as second,
        system.phone("alice-desk") as alice,
    ):
        await only_by(system, first=1, second=2, acme=3)
        await alice.dial(f"sip:{prospect.user}@{system.sip}")
        await prospect.wait_for("CALL_INCOMING")
        await prospect.answer()
        await system.step(prospect.user, "talk")
        await alice.hang_up()
        call = await system.ended_call(prospect.user)
        assert (len(first.invites), len(second.invites), prospect.count("CALL_INCOMING")) == (1, 1, 1)
    assert [(leg.device, leg.status) for leg in call.legs if leg.number] == [
        ("trunk-first", "CONGESTION"),
        ("trunk-second", "CONGESTION"),
        ("trunk-acme", "ANSWER"),
    ]


async def test_a_mobile_whose_carrier_redirects_is_asked_for_by_the_next_and_still_has_to_press_1(
    system: System,
) -> None:
    await forward(system)
    async with (
        sink(system),
        mobile(system) as cell,
        redirecting_trunk(system, "broken", f"<sip:PJSIP%2F{cell.user}%40trunk-cell@{{here}}>", position=-1) as broken,
        system.caller() as caller,
    ):
        await only_by(system, broken=-1, cell=0)
        await system.to_team(caller)
        await picks_up(cell)
        assert cell.count("CALL_INCOMING") == 1
        await system.step(caller.user, "ring")
        await cell.press("1")
        await system.step(caller.user, "talk")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        assert len(broken.invites) == 1
    assert [(leg.device, leg.status) for leg in call.legs] == [
        ("alice-mobile", "CONGESTION"),
        ("alice-mobile", "ANSWER"),
    ]


async def test_without_the_app_nothing_is_dialled_either_and_911_goes_by_the_next_trunk(system: System) -> None:
    await system.kill_app()
    try:
        async with (
            redirecting_phone(system, "alice-desk", EMERGENCY) as alice,
            system.phone("bob-desk") as bob,
            system.caller() as caller,
        ):
            async with sink(system):
                await bob.dial(f"sip:101@{system.sip}")
                assert "486" in (await bob.wait_for("CALL_CLOSED")).param
                await system.dial(caller)
                await bob.wait_for("CALL_INCOMING")
                await bob.answer()
                await hear_each_other(system, caller, bob)
                await caller.hang_up()
                await bob.wait_for("CALL_CLOSED", 2)
                assert len(alice.invites) == 2
            async with (
                redirecting_trunk(system, "first", DIAL_STRING) as first,
                scripted_trunk(system, "second", "take_call", position=1) as second,
            ):
                await bob.dial(f"sip:911@{system.sip}")
                await bob.wait_for("CALL_ESTABLISHED", 2)
                await bob.hang_up()
                await bob.wait_for("CALL_CLOSED", 3)
                assert len(first.invites) == len(second.received("INVITE")) == 1
    finally:
        await system.start_app()
    await system.ended_call(caller.user)
