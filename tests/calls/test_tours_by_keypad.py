"""Tours booked by key: while the office is closed, while it is open, and when somebody else is quicker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select

from crm.services.office import hours
from crm.services.tours import booking, times
from crm.services.tours.dialogue import aloud
from crm.store.models import Interest, Tour
from tests.calls.test_hours import DAYS
from tests.mobile import hears_beginning
from tests.showings import shown_at_every_hour
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def offered(system: System) -> AsyncIterator[System]:
    async with shown_at_every_hour(system):
        yield system


async def closed_until(system: System) -> datetime:
    """Closes the office for two days; the time at which it opens."""
    day = DAYS[(datetime.now(system.config.tz) + timedelta(days=2)).weekday()]
    await system.store.run(hours.replace, system.by, [f"{day} 09:00-18:00"])
    return (await system.store.read(hours.schedule, system.config)).next_open(datetime.now(UTC))


async def said(system: System, phrase: str, name: str, key: str = "", language: str = "en") -> Path:
    return await system.phrase(phrase, language, name=name, key=key)


async def test_when_the_office_is_closed_then_times_are_offered_and_a_key_books_one(offered: System) -> None:
    system = offered
    await closed_until(system)
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller)
        await system.hears(caller, await said(system, "reached", "Elm Street Apartments"))
        await caller.press("2")
        await hears_beginning(system, caller, system.prompt("closed_now"))
        await caller.press("1")
        await hears_beginning(system, caller, system.prompt("tour_done"))
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        text = await system.carrier.text_to(caller.user)
        assert alice.count("CALL_INCOMING") == 0
        [tour] = await system.all(select(Tour).where(Tour.call_id == call.id))
        found, place = await system.store.read(booking.get, tour.id)
        tz = times.zone(system.config, place)
        when = aloud(found.slot.starts_at, tz, "en")
        await hears_beginning(system, caller, await said(system, "tour_booked", when))
    assert (call.outcome, call.ended_by) == ("booked", "caller")
    assert (found.booked_by, found.version) == ("keypad", 1)
    assert booking.in_words(found.slot.starts_at, tz, "en") in text
    assert await system.tasks_of(call) == []
    assert {one.purpose for one in await system.texts_of(caller.user)} <= {"tour", "tour_reminder"}
    [interest] = await system.all(select(Interest).where(Interest.lead_id == call.lead_id))
    assert interest.stage == "showing_booked"
