"""The phone in the page before it has a line: everybody can use it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from crm.domain.access import Role
from tests.browser.checks import AXE, invalid_html, out_of_reach, violations
from tests.browser.console.desk import Desk
from tests.browser.console.person import DESKTOP, SMALLEST, Person, shoot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_home_assistant_11611_the_phone_and_its_settings_are_for_everybody(
    desk: Desk, person: Person, browser: Browser, tmp_path: Path
) -> None:
    """By keyboard, with a screen reader, and on a phone's screen."""
    page = await person.page(Role.AGENT)
    answer = await page.goto("/tasks")
    assert answer is not None
    assert await invalid_html(tmp_path, {"phone": await answer.text()}) == []
    await page.evaluate(AXE)
    bell, panel = page.locator('[data-do="bell"]'), page.locator('[data-part="panel"]')
    await expect(panel).to_be_hidden()
    await bell.focus()
    await page.keyboard.press("Enter")
    # Chromium has no microphone here.
    await page.locator('[data-part="trouble"]').get_by_text("microphone").wait_for()
    await expect(panel).to_be_visible()
    await panel.locator('[data-do="close"]').click()
    await expect(panel).to_be_hidden()
    await bell.click()
    assert await violations(page) == []
    await page.evaluate("localStorage.setItem('leaseline-phone-on', 'on')")
    await page.reload()
    await page.evaluate(AXE)
    await page.locator('lease-phone[data-line="connecting"]').wait_for()
    place = page.locator('dialog[data-part="place"]')
    await place.wait_for()
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    await place.wait_for(state="hidden")
    await bell.click()
    for size in (DESKTOP, SMALLEST):
        await page.set_viewport_size(size)
        await shoot(page, f"phone-{size['width']}")
        assert await violations(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert await out_of_reach(page) == []
    await page.locator('[data-do="settings"]').click()
    settings = page.locator('dialog[data-part="settings"]')
    await settings.locator("select[name=dnd]").first.wait_for()
    await shoot(page, "phone-settings")
    assert await violations(page) == []
    await settings.locator('[data-do="shut"]').click()
    await page.locator('[data-do="off"]').click()
    await page.locator('lease-phone[data-line="off"]').wait_for()


async def test_there_is_no_phone_for_who_may_not_call_or_is_no_agent(person: Person) -> None:
    for role in (Role.READ_ONLY, Role.ADMIN):
        page = await person.page(role)
        await page.goto("/tasks")
        assert await page.locator("lease-phone").count() == 0
