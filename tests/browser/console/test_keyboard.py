"""A walk through every section of the console with the keyboard alone, as on a tablet with keys and at a desk."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, ViewportSize, expect

from crm.domain.access import Role
from tests.browser.console.person import DESKTOP, TABLET, Person, shoot
from tests.browser.console.test_frame import has_started

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

IS_SEEN = """() => {
    const one = document.activeElement
    const {outlineStyle, outlineWidth} = getComputedStyle(one)
    return one.checkVisibility() && outlineStyle !== "none" && parseFloat(outlineWidth) >= 2
}"""


async def tabs_to(page: Page, name: str, most: int = 12) -> None:
    """Presses Tab until something with this name has the focus, and looks whether that is seen."""
    for _ in range(most):
        await page.keyboard.press("Tab")
        if (await page.evaluate("document.activeElement.textContent.trim()")).startswith(name):
            assert await page.evaluate(IS_SEEN), f"{name} does not show that it has the focus"
            return
    raise AssertionError(f"Tab does not come to {name}")


@pytest.mark.parametrize("size", [TABLET, DESKTOP], ids=["tablet", "desktop"])
async def test_each_section_is_opened_by_keys_and_begins_with_a_way_past_the_frame(
    person: Person, size: ViewportSize
) -> None:
    page = await person.page(Role.ADMIN, size)
    await page.goto("/tasks")
    await has_started(page)
    keys = await page.evaluate("""[...document.querySelectorAll("#sections a[data-key]")].map((one) =>
        [one.dataset.key, one.getAttribute("href")])""")
    assert len(keys) > 12
    for key, path in keys:
        await page.keyboard.press("g")
        await page.keyboard.press(key)
        # The settings begin with the first of their pages.
        await expect(page).to_have_url(re.compile(rf"{re.escape(person.desk.url + path)}(/hours)?$"))
        assert await page.evaluate("document.activeElement.id") == "main", "whoever goes on is not in the new page"
        await shoot(page, f"keys-{path.strip('/') or 'board'}-{size['width']}")
        await page.keyboard.press("Tab")
        assert await page.evaluate('document.activeElement.closest("main") !== null'), path
        assert await page.evaluate(IS_SEEN), path
        # In a field the keys are letters.
        await page.evaluate("document.activeElement.blur()")
    await page.reload()
    await has_started(page)
    await page.keyboard.press("Tab")
    await expect(page.locator("a.skip")).to_be_focused()
    assert await page.evaluate(IS_SEEN)
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    assert await page.evaluate('document.activeElement.closest("main") !== null')


async def test_the_menu_of_a_tablet_is_opened_gone_through_and_closed_by_keys(person: Person) -> None:
    page = await person.page(Role.ADMIN, TABLET)
    await page.goto("/tasks")
    await has_started(page)
    await tabs_to(page, "Menu")
    await page.keyboard.press("Enter")
    sections = page.locator("#sections")
    await expect(sections).to_be_visible()
    await tabs_to(page, "Recent")
    await page.keyboard.press("Escape")
    await expect(sections).to_be_hidden()
    await expect(page.get_by_role("button", name="Menu")).to_be_focused()
    await page.keyboard.press("Enter")
    await tabs_to(page, "Reports", 20)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Reports")


async def test_what_is_folded_and_the_panel_of_the_phone_open_and_close_by_keys(person: Person) -> None:
    page = await person.page(Role.AGENT)
    await page.goto("/leads")
    await has_started(page)
    await page.locator("form.filters summary").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("form.filters details")).to_have_attribute("open", "")
    await page.evaluate("""document.querySelector('[data-part="panel"]').showPopover()""")
    panel = page.locator('[data-part="panel"]')
    await panel.locator('[data-part="to"]').focus()
    await page.keyboard.press("Escape")
    await expect(panel).to_be_hidden()
    await expect(page.locator('[data-part="bell"]')).to_be_focused()
