"""Nobody has taken a voicemail, so phones ring about it: who passes, who is too late, and mobiles."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import selectinload

from ari_app.demo.softphone import Softphone
from crm.domain import readout
from crm.services.people import contacts
from crm.services.phones.spoken import spoken
from crm.services.routing import desks
from crm.store.models import Call, Device, Task
from tests.asterisk import Seam
from tests.flows.people import forward, hears_beginning, mobile, picks_up
from tests.voicemails import becomes, leave_voicemail, voicemail, without_voicemails

pytestmark = pytest.mark.flows

WORDS = "Hello, this is Jordan, about the two bedroom home."


@pytest.fixture(autouse=True)
async def no_voicemails(system: Seam) -> None:
    await without_voicemails(system.store)


async def due(system: Seam) -> str:
    """A voicemail whose first group is called now; the assigned agent is nobody, so that is subteam north."""
    return await leave_voicemail(system, words=WORDS, escalate_at=system.now(), owner="bob")


async def whisper(system: Seam, voicemail_id: str) -> str:
    (row,) = await system.all(select(Call).where(Call.id == voicemail_id))
    digits = row.caller.removeprefix("+1")
    spelled = ", ".join(" ".join(part) for part in (digits[:3], digits[3:6], digits[6:]))
    return readout.escalation("Elm Street Apartments", spelled, "en")


async def answers(system: Seam, phone: Softphone, voicemail_id: str) -> None:
    await phone.wait_for("CALL_INCOMING")
    await phone.answer()
    await hears_beginning(system, phone, await spoken(system.config, await whisper(system, voicemail_id)))


async def owner(system: Seam, voicemail_id: str) -> str:
    query = select(Task).where(Task.key == f"call:{voicemail_id}").options(selectinload(Task.owner))
    (task,) = await system.all(query)
    assert task.done_at is None
    return str(task.owner.slug)


async def test_of_two_who_press_1_at_once_one_is_told_that_the_other_was_first(system: Seam) -> None:
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob:
        voicemail_id = await due(system)
        await asyncio.gather(answers(system, alice, voicemail_id), answers(system, bob, voicemail_id))
        await asyncio.gather(alice.press("1"), bob.press("1"))
        await system.until(becomes(system, voicemail_id, lambda one: one.taken_at), "taken")
        taker = {"alice": alice, "bob": bob}[await owner(system, voicemail_id)]
        other = bob if taker is alice else alice
        await other.wait_for("CALL_CLOSED")
        await system.hears(taker, system.spoken(WORDS))
        await taker.hang_up()


async def test_when_one_passes_the_others_ring_on_and_then_the_next_group_is_due(system: Seam) -> None:
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob:
        voicemail_id = await due(system)
        await answers(system, alice, voicemail_id)
        await alice.press("2")
        await alice.wait_for("CALL_CLOSED")
        assert bob.count("CALL_CLOSED") == 0
        await bob.answer()
        # Neither key: answering takes nothing.
        await bob.wait_for("CALL_CLOSED", seconds=70)
    row = await voicemail(system, voicemail_id)
    assert row.taken_at is None
    assert row.escalate_at
    assert row.escalation == 2


async def test_pain_7_a_mobiles_voicemail_that_answers_takes_no_message(system: Seam) -> None:
    await forward(system)
    async with mobile(system) as cell:
        voicemail_id = await due(system)
        await picks_up(cell)
        await cell.wait_for("CALL_CLOSED", seconds=70)
    assert (await voicemail(system, voicemail_id)).taken_at is None


async def test_on_a_mobile_1_takes_it_too(system: Seam) -> None:
    await forward(system)
    async with mobile(system) as cell:
        voicemail_id = await due(system)
        await picks_up(cell)
        await system.hears(cell, await spoken(system.config, await whisper(system, voicemail_id)))
        await cell.press("1")
        await system.hears(cell, system.spoken(WORDS))
        await system.until(becomes(system, voicemail_id, lambda one: one.heard_at), "heard")
        await cell.hang_up()
    assert await owner(system, voicemail_id) == "alice"


async def test_about_a_residents_emergency_somebody_is_called_as_soon_as_the_message_is_left(system: Seam) -> None:
    await system.store.run(desks.put, system.config, system.by, "maintenance", "agent:bob", hours=[])
    await has_dnd(system, "bob-desk", True)
    async with system.phone("bob-desk") as bob, system.caller() as caller:
        await system.store.run(
            contacts.add, system.config, system.by, caller.user, kind="resident", name="Carol", property_slug="elm"
        )
        await system.dial(caller)
        await system.step(caller.user, "menu")
        await caller.press("1")
        await system.recording(caller.user)
        await caller.say(system.spoken("Water is coming through the ceiling of apartment four."))
        await has_dnd(system, "bob-desk", False)
        await caller.wait_for("CALL_CLOSED", seconds=30)
        call = await system.ended_call(caller.user)
        await answers(system, bob, call.id)
        await bob.press("1")
        await system.until(becomes(system, call.id, lambda one: one.taken_at and one.heard_at), "heard", seconds=30)
        await bob.hang_up()
        assert bob.count("CALL_INCOMING") == 1
    row = await voicemail(system, call.id)
    assert (call.desk, call.outcome, row.mailbox, row.escalation) == ("maintenance", "left_voicemail", "agent:bob", 1)
    assert await owner(system, call.id) == "bob"


async def has_dnd(system: Seam, device: str, dnd: bool) -> None:
    with system.store.writing() as session:
        session.execute(update(Device).where(Device.slug == device).values(dnd=dnd))
