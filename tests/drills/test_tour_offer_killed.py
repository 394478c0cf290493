"""The app is killed when a tour was booked by key: the caller hears the same tour, and none is booked twice."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, select

from crm.domain.tours import TourKind
from crm.services import tour_times
from crm.services.audit import By
from crm.store.models import Tour, TourHours
from tests.system import System

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]


async def test_when_the_app_is_killed_after_a_booking_then_the_same_tour_is_confirmed(system: System) -> None:
    by = By("tests", datetime.now(UTC))
    await tour_times.set_hours(system.store, by, "elm", ["mon-sun 00:00-24:00"], kind=TourKind.ACCOMPANIED, minutes=60)
    try:
        async with system.caller() as caller:
            await system.dial(caller)
            await system.step(caller.user, "menu")
            await caller.press("3")
            await system.step(caller.user, "tour_offer")
            await caller.press("1")
            await system.hears(caller, system.prompt("tour_done"))
            await system.kill_app()
            await system.start_app()
            await system.hears(caller, system.prompt("tour_done"), 2)
            await caller.hang_up()
            call = await system.ended_call(caller.user)
        assert call.outcome == "booked"
        assert len(await system.all(select(Tour).where(Tour.lead_id == call.lead_id))) == 1
    finally:
        async with system.store.write() as session:
            await session.execute(delete(TourHours))
