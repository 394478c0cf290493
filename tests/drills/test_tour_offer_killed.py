"""The app is killed when a tour was booked by key: the caller hears the same tour, and none is booked twice."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from crm.store.models import Tour
from tests.drills.witness import hears, times_heard
from tests.showings import shown_at_every_hour
from tests.system import System

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]


async def test_when_the_app_is_killed_after_a_booking_then_the_same_tour_is_confirmed(system: System) -> None:
    async with shown_at_every_hour(system), system.caller() as caller:
        await system.dial(caller)
        await system.step(caller.user, "menu")
        await caller.press("3")
        await system.step(caller.user, "tour_offer")
        await caller.press("1")
        # As soon as it is booked: a second after they have heard so, nobody is on the line any more.
        await system.until(lambda: bool(system.rows(select(Tour.id))), "the tour is booked")
        await system.kill_app()
        heard = await times_heard(caller, system.prompt("tour_done"))
        await system.start_app()
        await hears(system, caller, system.prompt("tour_done"), heard + 1)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert call.outcome == "booked"
    assert len(await system.all(select(Tour).where(Tour.lead_id == call.lead_id))) == 1
