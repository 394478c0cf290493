"""What all pages of the console have: a frame that stays while one goes from page to page, and keys for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from crm.domain.access import Role
from tests.browser.checks import AXE, BY_LAYOUT, out_of_reach, violations
from tests.browser.console.person import DESKTOP, PHONE, SMALLEST, TABLET, TABLET_ACROSS, Person, shoot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

GALLERY = (Path(__file__).parent / "gallery.html").read_text(encoding="utf-8")


async def has_started(page: Page) -> None:
    await expect(page.locator("html")).to_have_attribute("data-has-scripts", "")


async def put(page: Page, html: str) -> None:
    """Puts this into the page, as htmx would."""
    await page.evaluate("html => document.getElementById('main').insertAdjacentHTML('beforeend', html)", html)


async def test_going_from_page_to_page_leaves_the_frame_alone(person: Person) -> None:
    page = await person.page(Role.ADMIN)
    await page.goto("/tasks")
    await has_started(page)
    await page.evaluate("document.querySelector('header.top').dataset.call = 'talking'")
    phone = page.locator("header.top[data-call=talking]")
    await page.get_by_role("link", name="Reports").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Reports")
    await expect(page).to_have_title("Reports – Leaseline")
    await expect(phone).to_have_count(1)
    await expect(page.get_by_role("link", name="Reports")).to_have_attribute("aria-current", "page")
    await expect(page.get_by_role("link", name="Tasks")).not_to_have_attribute("aria-current", "page")
    # Who uses a screen reader hears where they are, and reads on from there.
    await expect(page.locator("#main")).to_be_focused()
    await expect(page.locator("#announcer")).to_contain_text("Reports – Leaseline")
    await page.go_back()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Tasks")
    await expect(page).to_have_url(f"{person.desk.url}/tasks")
    await expect(phone).to_have_count(1)


async def test_sections_are_opened_by_keys_but_not_while_somebody_types(person: Person) -> None:
    page = await person.page(Role.ADMIN)
    await page.goto("/tasks")
    await has_started(page)
    await page.keyboard.press("g")
    await page.keyboard.press("p")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Reports")
    await put(page, "<p><label for=q>Search</label><input type=search id=q></p>")
    await page.keyboard.press("/")
    await expect(page.locator("#q")).to_be_focused()
    await put(page, "<p><a rel=next href='/leads'>Show more</a></p>")
    await page.keyboard.type("gtn?/")
    await expect(page.locator("#q")).to_have_value("gtn?/")
    await expect(page.locator("#display")).to_be_hidden()
    await expect(page).to_have_url(f"{person.desk.url}/reports")
    await page.locator("#q").blur()
    await page.keyboard.press("n")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Leads")


async def test_keys_are_shown_and_can_be_switched_off(person: Person) -> None:
    page = await person.page(Role.ADMIN)
    await page.goto("/tasks")
    await has_started(page)
    await page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Display and keys")
    await expect(dialog).to_contain_text("Reports")
    await page.evaluate(AXE)
    assert await violations(page) == []
    # A dialog keeps the keys to itself.
    await page.keyboard.press("g")
    await page.keyboard.press("p")
    await page.get_by_label("Use them in this browser").uncheck()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await page.keyboard.press("?")
    await expect(dialog).to_be_hidden()
    await page.reload()
    await has_started(page)
    await page.keyboard.press("?")
    await expect(dialog).to_be_hidden()
    await page.get_by_role("button", name="Display and keys").click()
    await page.get_by_label("Use them in this browser").check()
    await page.get_by_role("button", name="Close").click()
    await page.keyboard.press("?")
    await expect(dialog).to_be_visible()
    await expect(page).to_have_url(f"{person.desk.url}/tasks")


async def test_colors_are_chosen_once_and_the_next_page_comes_in_them(person: Person) -> None:
    page = await person.page(Role.ADMIN)
    await page.goto("/tasks")
    await has_started(page)
    await page.get_by_role("button", name="Display and keys").click()
    await page.get_by_label("Dark", exact=True).check()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    answer = await page.goto("/reports")
    assert answer is not None
    assert 'data-theme="dark"' in await answer.text()
    await expect(page.locator("body")).to_have_css("background-color", "rgb(14, 19, 17)")
    await page.evaluate(AXE)
    assert await violations(page, "color-contrast") == []
    await page.get_by_role("button", name="Display and keys").click()
    await page.get_by_label("As this device has them").check()
    await page.reload()
    await expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")


async def test_what_cannot_be_undone_is_asked_before(person: Person) -> None:
    page = await person.page(Role.ADMIN)
    await page.goto("/tasks")
    await has_started(page)
    form = '<form action="/reports" data-confirm="Delete it?" data-confirm-yes="Delete"><button>Remove</button></form>'
    await put(page, form)
    remove = page.get_by_role("button", name="Remove")
    await remove.click()
    dialog = page.get_by_role("dialog", name="Delete it?")
    await expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(dialog).to_be_hidden()
    await remove.click()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(page).to_have_url(f"{person.desk.url}/tasks")
    await remove.click()
    await dialog.get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Reports")


async def test_what_is_said_is_shown_read_out_and_closed(person: Person) -> None:
    page = await person.page(Role.ADMIN)
    await page.goto("/tasks")
    await has_started(page)
    said = "detail => document.dispatchEvent(new CustomEvent('lease:toast', {detail}))"
    await page.evaluate(said, {"text": "<b>Not</b> sent", "kind": "bad"})
    # Text of others stays text.
    await expect(page.locator("#toasts .bad span")).to_have_text("<b>Not</b> sent")
    await expect(page.locator("#announcer [role=alert]")).to_have_text("<b>Not</b> sent")
    await page.evaluate(AXE)
    assert await violations(page) == []
    await page.locator("#toasts").get_by_role("button", name="Close").click()
    await expect(page.locator("#toasts .toast")).to_have_count(0)


async def test_parts_that_come_later_are_alive_too(person: Person) -> None:
    page = await person.page(Role.ADMIN, PHONE)
    await page.goto("/tasks")
    await has_started(page)
    await put(page, GALLERY)
    # The office's clock, not this computer's, says how long ago it was.
    await expect(page.locator("time.ago").first).to_have_text("5 min. ago")
    await expect(page.locator("time.ago").first).to_have_attribute("title", "Mar 2, 9:55 AM")
    await expect(page.locator("lease-clock").first).to_have_text("0:07")
    await expect(page.locator("table.list td[data-label=Who]", has_text="Pat Smith")).to_be_visible()


async def test_the_menu_of_a_phone_opens_and_closes(person: Person) -> None:
    page = await person.page(Role.ADMIN, PHONE)
    await page.goto("/tasks")
    await has_started(page)
    reports = page.get_by_role("link", name="Reports")
    await expect(reports).to_be_hidden()
    await page.get_by_role("button", name="Menu").click()
    await page.evaluate(AXE)
    assert await violations(page) == []
    await reports.click()
    await expect(page).to_have_url(f"{person.desk.url}/reports")
    await expect(reports).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everybody_can_use_all_parts_of_the_style(person: Person, scheme: str) -> None:
    page = await person.page(Role.ADMIN)
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    await page.goto("/tasks")
    await has_started(page)
    await page.evaluate("document.getElementById('main').replaceChildren()")
    await put(page, GALLERY)
    await page.evaluate(AXE)
    for size in (DESKTOP, PHONE, SMALLEST):
        await page.set_viewport_size(size)
        await shoot(page, f"gallery-{scheme}-{size['width']}")
        assert await violations(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"], "it scrolls sideways"
    await page.set_viewport_size(DESKTOP)
    assert await out_of_reach(page) == []


@pytest.mark.parametrize("role", [Role.ADMIN, Role.AGENT])
async def test_everybody_can_use_the_frame_in_the_language_with_the_longer_words(person: Person, role: Role) -> None:
    page = await person.page(role, language="es")
    await page.goto("/tasks")
    await has_started(page)
    await page.evaluate(AXE)
    for size in (PHONE, SMALLEST, TABLET, TABLET_ACROSS):
        await page.set_viewport_size(size)
        assert await violations(page, *BY_LAYOUT) == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"], "it scrolls sideways"
    await page.set_viewport_size(DESKTOP)
    assert await violations(page) == []
    assert await out_of_reach(page) == []
    await page.emulate_media(color_scheme="dark")
    assert await violations(page, "color-contrast") == []


async def test_pages_work_without_scripts(person: Person) -> None:
    page = await person.page(Role.ADMIN, scripts=False)
    await page.goto("/tasks")
    await page.get_by_role("link", name="Reports").click()
    assert await page.get_by_role("heading", level=1).text_content() == "Reports"
    assert not await page.get_by_role("button", name="Display and keys").is_visible()
