"""A tour is booked by key."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import select

from crm.store.models import Tour
from tests.showings import shown_at_every_hour
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def offered(system: System) -> AsyncIterator[System]:
    async with shown_at_every_hour(system):
        yield system


async def test_when_key_3_is_pressed_while_open_then_times_are_offered_and_any_key_leads_on_to_the_team(
    offered: System,
) -> None:
    system = offered
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller)
        await system.step(caller.user, "menu")
        await caller.press("3")
        await system.step(caller.user, "tour_offer")
        await caller.press("1")
        # Who listens to all that is said about it has a second left to press a key.
        await system.until(lambda: bool(system.rows(select(Tour.id))), "the tour is booked")
        await caller.press("9")
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await system.step(caller.user, "talk")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert call.outcome == "talked"
    [tour] = await system.all(select(Tour).where(Tour.call_id == call.id))
    assert tour.lead_id == call.lead_id
