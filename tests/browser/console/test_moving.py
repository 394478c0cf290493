"""Tours are moved in the calendar, and drafts are kept, as somebody types and drags in a real browser."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.async_api import expect
from sqlalchemy import select

from crm.domain.access import Role
from crm.domain.tours import TourKind
from crm.edge.carrier import IncomingText
from crm.services.audit import By
from crm.services.texts import messages
from crm.services.tours import booking, times
from crm.store.models import InboxDraft, InboxThread, LeadPhone, Line, Property, Tour
from tests.browser.console.desk import Desk
from tests.browser.console.person import Person

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def booked(desk: Desk, number: str) -> tuple[int, str]:
    """A tour tomorrow at a property's first free time, and its day."""
    crm, now = desk.crm, desk.crm.now()
    with crm.store.writing() as session:
        property = session.scalars(select(Property).order_by(Property.id).limit(1)).one()
        by, first = By("test", now), now + timedelta(days=1)
        week = ["mon-sun 09:00-17:00"]
        times.set_hours(session, by, property.slug, week, kind=TourKind.SELF_GUIDED, minutes=60)
        [slot, *_] = times.free_on(session, crm.config, property.slug, now, first, 0, TourKind.SELF_GUIDED)
        tour = booking.book(
            session,
            crm.config,
            crm.secrets,
            by,
            person=number,
            property_slug=property.slug,
            at=slot.starts_at,
            key=f"moving:{number}",
            kind=TourKind.SELF_GUIDED,
        ).tour
        return tour.id, slot.starts_at.date().isoformat()


def version(desk: Desk, id: int) -> int:
    with desk.crm.store.reading() as session:
        return session.get_one(Tour, id).version


async def test_a_tour_is_moved_by_keyboard_after_saying_who_is_told(desk: Desk, person: Person) -> None:
    id, day = booked(desk, "+15125550151")
    page = await person.page(Role.ADMIN)
    await page.goto(f"/tours?on={day}")
    await expect(page.locator("html")).to_have_attribute("data-has-scripts", "")
    tour = page.locator(f"#tour-{id}")
    await tour.focus()
    await page.keyboard.press("m")
    await expect(page.locator(".slot.free").first).to_be_visible()
    await page.keyboard.press("ArrowRight")
    await expect(page.locator(".slot.over")).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(page.locator(".slot.free")).to_have_count(0)
    await page.keyboard.press("m")
    await expect(page.locator(".slot.free").first).to_be_visible()
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    asked = page.locator("#confirm")
    await expect(asked).to_contain_text("They are told at once, by text.")
    assert version(desk, id) == 1, "nothing has happened yet"
    await asked.get_by_role("button", name="Move").click()
    await expect(page.locator(".said")).to_contain_text("The tour is moved to")
    assert version(desk, id) == 2


async def test_a_tour_is_dragged_to_a_free_time(desk: Desk, person: Person) -> None:
    id, day = booked(desk, "+15125550152")
    page = await person.page(Role.ADMIN)
    await page.goto(f"/tours?on={day}")
    await expect(page.locator("html")).to_have_attribute("data-has-scripts", "")
    tour = page.locator(f"#tour-{id}")
    await tour.hover()
    await page.mouse.down()
    corner = page.locator(".calendar .head").nth(1)
    await corner.hover()
    await expect(page.locator(".slot.free").first).to_be_visible()
    there = page.locator(".slot.free").last
    await there.hover()
    await there.hover()
    await page.mouse.up()
    await page.locator("#confirm").get_by_role("button", name="Move").click()
    await expect(page.locator(".said")).to_contain_text("The tour is moved to")
    assert version(desk, id) == 2


async def test_chatwoot_775_a_draft_is_the_threads_and_two_writers_see_each_other(desk: Desk, person: Person) -> None:
    crm = desk.crm
    with crm.store.writing() as session:
        line = session.scalars(select(Line.number).where(Line.property_id.is_not(None)).limit(1)).one()
        incoming = IncomingText("twilio", "moving", "+15125550153", line, "Hello", crm.now())
        messages.receive(session, crm.config, incoming, crm.now())
        found = select(InboxThread.id).join(LeadPhone, LeadPhone.lead_id == InboxThread.lead_id)
        id = session.scalars(found.where(LeadPhone.number == "+15125550153")).one()
    page, other = await person.page(Role.ADMIN), await person.page(Role.MANAGER)
    await page.goto(f"/inbox/{id}")
    await expect(page.locator("html")).to_have_attribute("data-has-scripts", "")
    await other.goto(f"/inbox/{id}")
    await expect(other.locator("html")).to_have_attribute("data-live", "yes")
    await page.locator("#text-body").press_sequentially("Hi Pat €")
    await expect(page.locator("#text-weighed")).to_contain_text("1 segment, 9 characters (GSM-7)")
    await expect(page.locator("#text-weighed [name=version]")).to_have_value("1")
    await expect(other.locator("lease-typing")).to_contain_text("is writing, too")
    await other.reload()
    await expect(other.locator("#text-body")).to_have_value("Hi Pat €")
    await expect(other.locator("#text-weighed")).to_contain_text("is writing, too")
    await page.get_by_role("button", name="Send text").click()
    await expect(page.locator(".said")).to_contain_text("The text goes out now.")
    await expect(page.locator(".bubble.out")).to_contain_text("Hi Pat €")
    with crm.store.reading() as session:
        assert session.scalars(select(InboxDraft).where(InboxDraft.thread_id == id)).all() == []
