"""A recording is seen as a picture, in which one jumps by click, by key, and by a turn of the talk."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from crm.domain.access import Role
from tests.browser.console.person import Person

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_recording_is_played_by_keys_and_from_where_something_was_said(person: Person) -> None:
    page = await person.page(Role.ADMIN)
    await page.goto(f"/calls/{person.desk.values['call']}")
    wave = page.get_by_role("slider", name="Position in the recording")
    await expect(wave).to_be_visible()
    # A click plays, because nothing was loaded before.
    await wave.click(position={"x": 2, "y": 20})
    await expect(wave).to_have_attribute("aria-valuemax", "8")
    await wave.focus()
    audio = page.locator("lease-wave audio")
    if not await audio.evaluate("audio => audio.paused"):
        await page.keyboard.press("Space")
    await page.keyboard.press("Home")
    await expect(wave).to_have_attribute("aria-valuenow", "0")
    await page.keyboard.press("ArrowRight")
    await expect(wave).to_have_attribute("aria-valuetext", "0:05 / 0:08")
    await expect(page.locator("#said [aria-current=true]")).to_contain_text("wish noted")
    await page.keyboard.press("Home")
    turn = page.locator("#said [data-at='2.0']")
    await turn.press("Enter")
    await expect(turn).to_have_attribute("aria-current", "true")
    await expect(audio).to_have_js_property("paused", False)
    # Going on to another page stops it.
    sound = await audio.element_handle()
    await page.locator("a[data-section=tasks]").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Tasks")
    assert sound is not None
    assert await sound.evaluate("audio => audio.paused")
