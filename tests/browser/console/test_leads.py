"""Leads in a real browser, with the scripts of the console: what is pressed is done, and the frame stays as it is."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from crm.domain.access import Role
from crm.services.audit import By
from crm.services.people import leads
from crm.store.models import Lead, Notice
from tests.browser.console.desk import NOW, Desk
from tests.browser.console.person import PHONE, Person

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def person(desk: Desk, browser: Browser) -> AsyncIterator[Person]:
    found = Person(desk, browser)
    yield found
    await found.leave()


@pytest.fixture
def lead(desk: Desk) -> int:
    """Somebody nobody has called yet, who comes first in the list."""
    with desk.crm.store.writing() as session:
        count = len(session.scalars(select(Lead.id)).all())
        by = By("alice", NOW - timedelta(seconds=1))
        phones = [f"+1512555{2000 + count}"]
        found, _ = leads.add(session, desk.crm.config, by, name=f"Quentin {count}", phones=phones)
        return found.id


def card(desk: Desk, id: int) -> Lead:
    with desk.crm.store.reading() as session:
        return session.get_one(Lead, id)


async def marked(page: Page) -> None:
    """Marks the frame, so that it is seen whether it was loaded anew."""
    await page.evaluate("document.body.dataset.mark = 'the same'")


async def test_hot_or_cold_by_one_click_and_many_given_at_once(desk: Desk, person: Person, lead: int) -> None:
    page = await person.page(Role.MANAGER)
    await page.goto("/leads")
    await marked(page)
    row = page.locator(f"#lead-{lead}")
    await row.get_by_role("button", name="hot").click()
    await expect(row.get_by_role("button", name="cold")).to_be_visible()
    assert not card(desk, lead).is_hot
    await row.get_by_role("checkbox").check()
    await page.get_by_label("Give the chosen ones to").select_option("bob")
    await page.get_by_role("button", name="Give").click()
    await expect(page.locator(".said", has_text="Leads given: 1.")).to_be_visible()
    await expect(row.get_by_text("bob")).to_be_visible()
    assert await page.locator("body").get_attribute("data-mark") == "the same"


async def test_leads_are_given_in_turn_from_the_list_and_from_the_card(desk: Desk, person: Person) -> None:
    with desk.crm.store.writing() as session:
        by, config = By("alice", NOW), desk.crm.config
        ids = [
            leads.add(session, config, by, name=f"Turner {n}", phones=[f"+151255520{n}"], property_slug="elm")[0].id
            for n in range(10, 13)
        ]
    page = await person.page(Role.MANAGER)
    await page.goto("/leads")
    await marked(page)
    for id in ids[:2]:
        await page.locator(f"#lead-{id}").get_by_role("checkbox").check()
    await page.get_by_label("Give the chosen ones to").select_option("Whoever is next")
    await page.get_by_role("button", name="Give").click()
    await expect(page.locator(".said", has_text="Leads given: 2.")).to_be_visible()
    await page.goto(f"/leads/{ids[2]}")
    await page.get_by_text("Give to an agent", exact=True).click()
    form = page.locator("form[action$=assignment]")
    await form.get_by_label("Agent").select_option("Whoever is next")
    await form.get_by_role("button", name="Give").click()
    await expect(page.locator(".said")).to_be_visible()
    with desk.crm.store.reading() as session:
        given = [session.get_one(Lead, id).assigned_agent for id in ids]
        told = session.scalars(select(Notice.lead_id).where(Notice.lead_id == ids[2])).all()
    names = [one.slug for one in given if one]
    assert names[0] != names[1] != names[2]
    assert len(set(names)) == 2, "all of the property's subteam in turn"
    assert told == [ids[2]]


async def test_two_who_edit_the_same_card_see_both(desk: Desk, person: Person, lead: int) -> None:
    pages = [await person.page(Role.AGENT), await person.page(Role.MANAGER)]
    for page in pages:
        await page.goto(f"/leads/{lead}")
        await page.get_by_text("Edit", exact=True).click()
    ours, theirs = pages
    await theirs.get_by_label("Pets").fill("2 cats")
    await theirs.locator("#edit").get_by_role("button", name="Save").click()
    await expect(theirs.locator(".said", has_text="Saved.")).to_be_visible()
    await ours.get_by_label("Pets").fill("a parrot")
    await ours.locator("#edit").get_by_role("button", name="Save").click()
    await expect(ours.locator("main").get_by_role("alert")).to_contain_text("Nothing of yours is lost")
    await expect(ours.get_by_label("Pets")).to_have_value("a parrot")
    # Chromium says of each answer that is not 200 that it "failed to load".
    assert [one for one in person.complaints if "409" not in one] == []
    person.complaints.clear()
    assert card(desk, lead).pets == "2 cats"
    await ours.locator("#edit").get_by_role("button", name="Save").click()
    await expect(ours.locator(".said", has_text="Saved.")).to_be_visible()
    assert card(desk, lead).pets == "a parrot"


async def test_a_number_can_be_called_at_phone_width_frappe_crm_1128(desk: Desk, person: Person, lead: int) -> None:
    page = await person.page(Role.AGENT, PHONE)
    for path in ("/leads", f"/leads/{lead}"):
        await page.goto(path)
        within = page.locator(f"#lead-{lead}") if path == "/leads" else page.locator("main")
        number = within.get_by_role("link", name=re.compile(r"\(512\) 555-\d{4}")).first
        await expect(number).to_be_in_viewport() if path != "/leads" else await number.scroll_into_view_if_needed()
        box = await number.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE["width"]
        assert str(await number.get_attribute("data-call")).startswith("+1512555")


async def test_at_phone_width_it_says_of_which_of_two_leads_a_value_is(person: Person, lead: int, desk: Desk) -> None:
    with desk.crm.store.writing() as session:
        by = By("alice", NOW)
        other, _ = leads.add(
            session, desk.crm.config, by, name="Pat Goes", phones=["+15125550193"], property_slug="elm"
        )
        id = other.id
    page = await person.page(Role.AGENT)
    await page.set_viewport_size(PHONE)
    await page.goto(f"/leads/{lead}/merge?other={id}&keep={lead}")
    goes = page.locator("td", has_text="Pat Goes").first
    await expect(goes).to_have_attribute("data-label", f"Lead {id} goes")


async def test_the_file_is_downloaded_and_the_page_stays(desk: Desk, person: Person, lead: int) -> None:
    page = await person.page(Role.MANAGER)
    await page.goto("/leads")
    async with page.expect_download() as waiting:
        await page.get_by_role("button", name="Download as CSV").click()
    download = await waiting.value
    assert download.suggested_filename.startswith("leads-2026-03-02")
    assert card(desk, lead).name in (await download.path()).read_text()
    await expect(page.get_by_role("heading", name="Leads")).to_be_visible()
