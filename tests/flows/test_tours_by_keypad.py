"""Tours booked by key: while the office is closed, and when somebody else is quicker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from crm.services.audit import By
from crm.services.office import hours
from crm.services.tours import booking, times
from crm.services.tours.dialogue import aloud
from crm.store.models import Interest, Tour
from tests.asterisk import Seam
from tests.flows.people import hears_beginning
from tests.flows.test_hours import DAYS
from tests.showings import shown_at_every_hour

pytestmark = pytest.mark.flows


@pytest.fixture
async def offered(system: Seam) -> AsyncIterator[Seam]:
    async with shown_at_every_hour(system):
        yield system


async def closed_until(system: Seam) -> datetime:
    """Closes the office for two days; the time at which it opens."""
    day = DAYS[(system.now().astimezone(system.config.tz) + timedelta(days=2)).weekday()]
    await system.store.run(hours.replace, system.by, [f"{day} 09:00-18:00"])
    return (await system.store.read(hours.schedule, system.config)).next_open(system.now())


async def said(system: Seam, phrase: str, name: str, key: str = "", language: str = "en") -> Path:
    return await system.phrase(phrase, language, name=name, key=key)


async def test_when_the_office_is_closed_then_times_are_offered_and_a_key_books_one(offered: Seam) -> None:
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
        found, property = await system.store.read(booking.get, tour.id)
        tz = times.zone(system.config, property)
        when = aloud(found.slot.starts_at, tz, "en")
        await hears_beginning(system, caller, await said(system, "tour_booked", when))
    assert (call.outcome, call.ended_by) == ("booked", "caller")
    assert (found.booked_by, found.version) == ("keypad", 1)
    assert booking.in_words(found.slot.starts_at, tz, "en") in text
    assert await system.tasks_of(call) == []
    assert {one.purpose for one in await system.texts_of(caller.user)} <= {"tour", "tour_reminder"}
    [interest] = await system.all(select(Interest).where(Interest.lead_id == call.lead_id))
    assert interest.stage == "showing_booked"


async def test_who_speaks_spanish_hears_the_times_books_and_gets_the_text_in_spanish(offered: Seam) -> None:
    system, number = offered, offered.new_number()
    await closed_until(system)
    await system.add_lead(number, language="es")
    async with system.caller(number) as caller:
        await system.dial(caller)
        await system.step(number, "menu")
        await caller.press("3")
        await hears_beginning(system, caller, system.prompt("closed_now", "es"))
        await hears_beginning(system, caller, await said(system, "tour_times", "Elm Street Apartments", language="es"))
        await caller.press("1")
        await hears_beginning(system, caller, system.prompt("tour_done", "es"))
        await caller.press("9")
        await system.recording(number)
        await caller.hang_up()
        call = await system.ended_call(number)
        text = await system.carrier.text_to(number)
        [tour] = await system.all(select(Tour).where(Tour.call_id == call.id))
        found, property = await system.store.read(booking.get, tour.id)
        when = found.slot.starts_at, times.zone(system.config, property), "es"
        booked = await said(system, "tour_booked", aloud(*when), language="es")
        await hears_beginning(system, caller, booked)
    assert (call.outcome, call.step) == ("booked", "voicemail")
    assert booking.in_words(*when) in text


async def test_when_somebody_else_is_quicker_then_that_is_told_and_who_takes_nothing_leaves_a_message(
    offered: Seam,
) -> None:
    system = offered
    opens = await closed_until(system)
    async with system.caller() as caller:
        await system.dial(caller)
        await system.step(caller.user, "menu")
        await caller.press("3")
        await system.hears(caller, system.prompt("closed_now"))
        # Before the caller has heard them all, the first is gone.
        first = (await system.store.read(times.offer, system.config, "elm", system.now())).slots[0]
        await system.store.run(
            booking.book,
            system.config,
            system.secrets,
            By("tests", system.now()),
            person="+15125559090",
            property_slug="elm",
            at=first.starts_at,
            key="quicker",
        )
        await caller.press("1")
        await system.hears(caller, system.prompt("tour_taken"))
        await caller.press("9")
        await system.recording(caller.user)
        await caller.say(system.spoken("I would like to see a home on Saturday, please call me back."))
        await caller.wait_for("CALL_CLOSED", seconds=30)
        call = await system.ended_call(caller.user)
    assert (call.outcome, call.step) == ("left_voicemail", "voicemail")
    assert await system.all(select(Tour).where(Tour.lead_id == call.lead_id)) == []
    [task] = await system.tasks_of(call)
    assert task.kind == "listen"
    assert opens <= task.due_at <= opens + timedelta(hours=1)
