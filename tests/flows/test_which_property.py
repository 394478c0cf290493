"""A line without a property: the caller says by key which one it is about."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from crm.services.phones import lines
from crm.store.models import Call, Property
from tests.asterisk import Seam
from tests.flows.people import hears_beginning

pytestmark = pytest.mark.flows

CENTRAL = "+15125550150"


async def about(system: Seam, call: Call) -> list[str]:
    """Slugs of the property that a call is about."""
    return [one.slug for one in await system.all(select(Property).where(Property.id == call.property_id))]


async def test_when_a_property_is_chosen_then_its_subteam_rings_and_it_is_offered_first_the_next_time(
    system: Seam,
) -> None:
    await system.store.run(lines.add, system.by, system.config, CENTRAL)
    async with system.phone("alice-desk") as alice, system.phone("carol-soft") as carol, system.caller() as caller:
        await system.to_team(caller, CENTRAL)
        await system.hears(caller, await system.phrase("property_choice", name="Elm Street Apartments", key="1"))
        await caller.press("2")
        await carol.wait_for("CALL_INCOMING")
        await system.rings(caller.user, "subteam", "carol-soft")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        body = await system.carrier.text_to(caller.user)
        assert await about(system, call) == ["lakeside"]
        assert "https://demo.example/lakeside" in body

        await system.to_team(caller, CENTRAL)
        await system.hears(caller, await system.phrase("same_property", name="Lakeside Homes"))
        await caller.press("1")
        await carol.wait_for("CALL_INCOMING", 2)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        assert await about(system, call) == ["lakeside"]
        assert alice.count("CALL_INCOMING") == 0
    lead = await system.lead_of(caller.user)
    assert lead
    assert [event.data["question"] for event in call.events if event.kind == "KeyPressed"] == ["menu", "same"]


async def test_when_the_caller_names_none_then_nobody_rings_and_the_question_is_a_task_that_is_due_soon(
    system: Seam,
) -> None:
    await system.store.run(lines.add, system.by, system.config, CENTRAL)
    question = system.spoken("I saw a yellow house near the river, is it for rent?")
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.to_team(caller, CENTRAL)
        await caller.press("70")
        await system.step(caller.user, "question")
        await system.recording(caller.user)
        await system.speak(caller, question)
        await caller.press("#")
        await caller.wait_for("CALL_CLOSED", seconds=30)
        call = await system.ended_call(caller.user)
        await hears_beginning(system, caller, system.prompt("question"))
        assert await system.has_heard(caller, system.prompt("message_thanks"))
        assert alice.count("CALL_INCOMING") == 0
    assert (call.outcome, call.legs, call.property_id) == ("left_voicemail", [], None)
    assert call.lead
    [task] = await system.tasks_of(call)
    assert task.kind == "listen"
    assert task.owner.slug
    assert call.ended_at
    assert task.due_at == call.ended_at + timedelta(minutes=system.config.tasks.question_minutes)
