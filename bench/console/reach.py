"""Whether everybody can use every page of the console: what axe finds, and what Tab does not come to."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright

from asterisk_conf import programs
from bench.console.figure import Figure
from crm.words.console import LANGUAGES
from tests.browser.checks import AXE, out_of_reach, violations
from tests.browser.console.desk import KINDS, running_desk
from tests.browser.console.person import DESKTOP, PHONE, TABLET, Person


async def figures() -> list[Figure]:
    """Of each kind of page, in each language, on three screens and in the dark."""
    found: list[str] = []
    without: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        async with running_desk(Path(scratch)) as desk, async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=programs.chromium(),
                args=["--disable-gpu"],
                env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": "disabled:"},
            )
            person = Person(desk, browser)
            for kind in KINDS:
                for language in LANGUAGES:
                    page = await person.page(kind.role, language=language)
                    await page.goto(desk.where(kind))
                    await page.evaluate(AXE)
                    for size in (PHONE, TABLET, DESKTOP):
                        await page.set_viewport_size(size)
                        found += await violations(page)
                    await page.emulate_media(color_scheme="dark")
                    found += await violations(page, "color-contrast")
                    if lost := await out_of_reach(page):
                        without += [f"{kind.name}: {lost}"]
                    await page.context.close()
            await browser.close()
    for one in (*found, *without):
        print(one)
    pages = f"of {len(KINDS)} pages in {len(LANGUAGES)} languages"
    return [
        Figure(f"axe violations {pages}", [len(found)], 0, "violations", "sum"),
        Figure(f"without a keyboard path {pages}", [len(without)], 0, "pages", "sum"),
    ]
