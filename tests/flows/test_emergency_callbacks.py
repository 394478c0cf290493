"""Somebody calls the number that one of our phones has just shown to the emergency service."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from crm.services.people import blocking
from crm.services.phones import devices
from crm.store.models import Agent, Call, Device, Lead, RoutingDecision
from tests.asterisk import Seam
from tests.talks import hear_each_other

pytestmark = pytest.mark.flows


@pytest.fixture
def dialed_911(system: Seam) -> Seam:
    """Alice's desk phone has, and is off duty since, with DND. Bob is off duty, too."""
    system.dialplan.back_to = "alice-desk"
    with system.store.writing() as session:
        session.execute(update(Agent).where(Agent.slug.in_(("alice", "bob"))).values(on_duty=False))
        session.execute(update(Device).where(Device.slug == "alice-desk").values(dnd=True))
    return system


async def test_an_unknown_caller_reaches_that_phone_at_once_and_can_be_transferred(dialed_911: Seam) -> None:
    system = dialed_911
    async with (
        system.phone("alice-desk") as alice,
        system.phone("bob-desk") as bob,
        system.phone("carol-soft") as carol,
        system.caller() as service,
    ):
        await system.store.run(blocking.add, system.config, system.by, service.user, why="robocalls")
        await system.dial(service)
        await alice.wait_for("CALL_INCOMING")
        await carol.wait_for("CALL_INCOMING")
        await alice.answer()
        await hear_each_other(system, service, alice)
        await carol.wait_for("CALL_CLOSED")
        assert (bob.count("CALL_INCOMING"), carol.count("CALL_INCOMING")) == (0, 1)
        await alice.press("*1")
        await system.hears(alice, system.prompt("transfer_to"))
        await alice.press("103#")
        await carol.wait_for("CALL_INCOMING", 2)
        await carol.answer()
        await hear_each_other(system, service, carol)
        await service.hang_up()
        call = await system.ended_call(service.user)
        assert await system.texts_of(service.user) == []
    assert (call.outcome, call.without_app) == ("talked", False)
    assert [leg.stage for leg in call.legs if leg.device == "alice-desk"] == ["emergency"]
    [routed] = await system.all(select(RoutingDecision).where(RoutingDecision.call_id == call.id))
    assert routed.rule == "emergency"
    # Whoever has been taken for the service is so next time, though the call has made a lead of them.
    with system.store.writing() as session:
        session.execute(update(Lead).values(created_at=system.now() - timedelta(days=1)))
    async with system.phone("alice-desk") as alice, system.caller(service.user) as again:
        await system.dial(again)
        await alice.wait_for("CALL_INCOMING")
        await again.hang_up()
        await system.until(
            lambda: len(system.rows(select(Call.id).where(Call.ended_at.is_not(None)))) == 2, "both are over"
        )
        assert await system.texts_of(service.user) == []


async def test_a_lead_who_calls_then_hears_the_menu(dialed_911: Seam) -> None:
    system = dialed_911
    async with system.phone("alice-desk") as alice, system.phone("carol-soft") as carol, system.caller() as prospect:
        await system.add_lead(prospect.user)
        with system.store.writing() as session:
            session.execute(update(Lead).values(created_at=system.now() - timedelta(days=1)))
        await system.dial(prospect)
        await system.hears(prospect, system.prompt("menu"))
        await prospect.hang_up()
        call = await system.ended_call(prospect.user)
        assert (alice.count("CALL_INCOMING"), carol.count("CALL_INCOMING")) == (0, 0)
    assert call.legs == []


async def test_an_agents_own_mobile_hears_the_menu(dialed_911: Seam) -> None:
    system = dialed_911
    async with system.phone("alice-desk") as alice, system.caller() as agent:
        await system.store.run(devices.add_mobile, system.config, system.by, "bob-cell", agent="bob", number=agent.user)
        await system.dial(agent)
        await system.hears(agent, system.prompt("menu"))
        await agent.hang_up()
        await system.ended_call(agent.user)
        assert alice.count("CALL_INCOMING") == 0


async def test_when_nobody_answers_the_emergency_service_then_it_can_leave_a_message(dialed_911: Seam) -> None:
    system = dialed_911
    async with system.phone("alice-desk") as alice, system.caller() as service:
        await system.dial(service)
        await alice.wait_for("CALL_INCOMING")
        await system.recording(service.user)
        await service.say(system.spoken("This is the dispatch center, please call us back."))
        await service.wait_for("CALL_CLOSED", seconds=30)
        call = await system.ended_call(service.user)
        assert await system.texts_of(service.user) == []
    assert call.outcome == "left_voicemail"


async def test_an_app_that_starts_anew_still_knows_that_it_may_be_the_service(dialed_911: Seam) -> None:
    system = dialed_911
    async with system.phone("alice-desk") as alice, system.caller() as service:
        await system.dial(service)
        await alice.wait_for("CALL_INCOMING")
        await system.stop_app()
        await system.start_app()
        await alice.answer()
        await hear_each_other(system, service, alice)
        await service.hang_up()
        call = await system.ended_call(service.user)
    assert call.outcome == "talked"
