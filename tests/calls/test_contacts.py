"""A resident leaves the leasing path by key."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from crm.services.routing import desks
from crm.store.models import LeadPhone
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def desk(system: System, kind: str, target: str, hours: str = "") -> None:
    await system.store.run(desks.put, system.config, system.by, kind, target, hours=[hours] if hours else [])


async def leads_of(system: System, number: str) -> int:
    with system.store.reading() as session:
        counted = select(func.count()).select_from(LeadPhone).where(LeadPhone.number == number)
        return session.scalar(counted) or 0


async def keyed(system: System, number: str, key: str) -> None:
    """Waits until the caller's key has been understood."""

    async def so() -> bool:
        events = (await system.call_from(number)).events
        return any(event.kind == "KeyPressed" and event.data["key"] == key for event in events)

    await system.until(so, f"key {key} of {number}")


async def test_when_4_and_1_are_pressed_then_the_residents_desk_rings_and_no_lead_is_made(system: System) -> None:
    await desk(system, "resident", "agent:bob")
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        await system.dial(caller)
        await system.step(caller.user, "menu")
        await caller.press("4")
        await keyed(system, caller.user, "4")
        await caller.press("1")
        await bob.wait_for("CALL_INCOMING")
        await bob.answer()
        await system.step(caller.user, "talk")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        assert alice.count("CALL_INCOMING") == 0
        assert await leads_of(system, caller.user) == 0
    assert (call.kind, call.desk, call.outcome, call.lead_id) == ("resident", "resident", "talked", None)
    assert [leg.stage for leg in call.legs] == ["desk"]
    assert await system.tasks_of(call) == []
