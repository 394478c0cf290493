"""Residents, owners, vendors, and whoever has a concern: they leave the leasing path."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from crm.services.people import contacts
from crm.services.routing import desks
from crm.store.models import Interest, Lead, LeadPhone
from tests.asterisk import Seam
from tests.flows.people import NUMBER, mobile, picks_up

pytestmark = pytest.mark.flows

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


async def desk(system: Seam, kind: str, target: str, hours: str = "") -> None:
    await system.store.run(desks.put, system.config, system.by, kind, target, hours=[hours] if hours else [])


async def leads_of(system: Seam, number: str) -> int:
    with system.store.reading() as session:
        counted = select(func.count()).select_from(LeadPhone).where(LeadPhone.number == number)
        return session.scalar(counted) or 0


async def test_when_a_known_resident_has_an_emergency_then_the_maintenance_number_rings_and_1_connects(
    system: Seam,
) -> None:
    await desk(system, "maintenance", NUMBER)
    async with system.phone("alice-desk") as alice, mobile(system) as cell, system.caller() as caller:
        await system.store.run(
            contacts.add, system.config, system.by, caller.user, kind="resident", name="Carol", property_slug="elm"
        )
        await system.dial(caller)
        await system.step(caller.user, "menu")
        await caller.press("1")
        await picks_up(cell)
        await system.hears(cell, system.prompt("whisper_two_keys"))
        await cell.press("1")
        await system.step(caller.user, "talk")
        await cell.say(system.spoken("Maintenance, which apartment is it?"))
        await system.hears(caller, system.spoken("Maintenance, which apartment is it?"))
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        assert alice.count("CALL_INCOMING") == 0
        assert await leads_of(system, caller.user) == 0
    assert (call.kind, call.desk, call.outcome) == ("resident", "maintenance", "handed_over")
    assert [(leg.stage, leg.number, leg.status) for leg in call.legs] == [("desk", NUMBER, "ANSWER")]
    assert await system.tasks_of(call) == []
    assert await system.texts_of(caller.user) == []


async def test_when_0_is_pressed_then_the_person_for_concerns_rings_and_nothing_is_automated(system: Seam) -> None:
    await desk(system, "concern", "agent:carol")
    async with system.phone("carol-soft") as carol, system.caller() as caller:
        await system.dial(caller)
        await system.step(caller.user, "menu")
        await caller.press("0")
        await carol.wait_for("CALL_INCOMING")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert (call.kind, call.desk, call.outcome) == ("prospect", "concern", "gave_up")
    [task] = await system.tasks_of(call)
    assert (task.kind, task.owner.slug) == ("call_back", "carol")
    assert task.why.startswith("A concern, for a person: ")
    assert await system.texts_of(caller.user) == []
    assert await system.all(select(Interest).join(Lead).where(Lead.id == call.lead_id)) == []


async def test_when_the_vendors_desk_is_closed_then_their_message_has_its_owner_and_they_are_no_lead(
    system: Seam,
) -> None:
    # Open two days from now only, so that the test holds at any time of any day.
    day = DAYS[(system.now().astimezone(system.config.tz) + timedelta(days=2)).weekday()]
    await desk(system, "vendor", "agent:bob", f"{day} 09:00-17:00")
    async with system.phone("bob-desk") as bob, system.caller() as caller:
        await system.store.run(contacts.add, system.config, system.by, caller.user, kind="vendor")
        await system.dial(caller)
        await system.step(caller.user, "menu")
        await caller.press("2")
        await system.hears(caller, system.prompt("desk_closed"))
        await system.recording(caller.user)
        await caller.say(system.spoken("I have a question about my last invoice, please call me back."))
        await caller.wait_for("CALL_CLOSED", seconds=30)
        call = await system.ended_call(caller.user)
        assert bob.count("CALL_INCOMING") == 0
        assert await leads_of(system, caller.user) == 0
    assert (call.kind, call.desk, call.outcome, call.legs) == ("vendor", "vendor", "left_voicemail", [])
    assert call.voicemail
    assert call.voicemail.mailbox == "agent:bob"
    [task] = await system.tasks_of(call)
    assert (task.kind, task.owner.slug, task.lead_id) == ("listen", "bob", None)
    assert task.why.startswith("A vendor of Elm Street Apartments called and left a voicemail")
    assert await system.texts_of(caller.user) == []
