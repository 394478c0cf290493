"""Each page of the console: whether its HTML is valid, and whether everybody can use it, on any screen.

What is around a page is the same on all, and `test_frame.py` looks at it; so Tab, and what another language, screen or
scheme makes of a page, are looked at within <main>. Spanish has the longer words: whether a page that several roles see
has room for them is looked at once. Contrast is looked at on a phone and on a desktop, and what axe says of places also
on a tablet: no width between brings anything that none of these has.

A page is added to a module of tests/browser/console/kinds. With SHOTS=folder in the environment, pictures of all pages
are kept there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from crm.domain.access import Role
from crm.words.console import LANGUAGES
from tests.browser.checks import AXE, BY_LAYOUT, invalid_html, out_of_reach, too_small, violations
from tests.browser.console.desk import KINDS, Desk
from tests.browser.console.kind import Kind
from tests.browser.console.person import DESKTOP, PHONE, SMALLEST, TABLET, TABLET_ACROSS, Person, shoot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

FIRST = list({(kind.path, kind.status): kind for kind in reversed(KINDS)}.values())
"""Each page as the first of its roles sees it."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pages(desk: Desk, browser: Browser) -> AsyncIterator[tuple[Person, dict[tuple[Role, str], Page]]]:
    """One page per role and language for all tests: in a new one, Chromium would compile axe again each time."""
    person = Person(desk, browser)
    yield person, {}
    await person.leave()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_everybody_can_use_the_page_in_each_language_on_any_screen(
    desk: Desk, pages: tuple[Person, dict[tuple[Role, str], Page]], kind: Kind
) -> None:
    person, opened = pages
    for language in LANGUAGES if kind in FIRST else ("en",):
        is_first = language == "en"
        if (kind.role, language) not in opened:
            opened[kind.role, language] = await person.page(kind.role, language=language)
            await opened[kind.role, language].add_init_script(AXE)
        page = opened[kind.role, language]
        await page.set_viewport_size(PHONE)
        answer = await page.goto(desk.where(kind))
        assert answer is not None
        assert answer.status == kind.status
        assert await page.locator("html").get_attribute("lang") == language
        await shoot(page, f"{kind.name}-{language}-phone")
        if is_first:
            assert await violations(page) == []
        await page.set_viewport_size(SMALLEST)
        await shoot(page, f"{kind.name}-{language}-smallest")
        assert await page.evaluate("document.documentElement.scrollWidth") <= SMALLEST["width"], "it scrolls sideways"
        assert await too_small(page) == []
        for size in (TABLET, TABLET_ACROSS):
            await page.set_viewport_size(size)
            await shoot(page, f"{kind.name}-{language}-{size['width']}")
            assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"], "it scrolls sideways"
            if size is TABLET and not is_first:
                assert await violations(page, *BY_LAYOUT, within="main") == []
        await page.set_viewport_size(DESKTOP)
        await shoot(page, f"{kind.name}-{language}-desktop")
        if is_first:
            assert await out_of_reach(page, "main") == []
            await page.emulate_media(color_scheme="dark")
            await shoot(page, f"{kind.name}-{language}-dark")
            assert await violations(page, "color-contrast", within="main") == []
            await page.emulate_media(color_scheme="light")
        else:
            assert await violations(page, within="main") == []
    assert person.complaints == []


async def test_every_page_is_valid_html(desk: Desk, tmp_path: Path) -> None:
    found = {}
    async with httpx.AsyncClient(base_url=desk.url) as http:
        for language in LANGUAGES:
            for role in Role:
                cookie = "; ".join(f"{name}={value}" for name, value in desk.sign_in(role, language).items())
                for kind in KINDS:
                    if kind.role is role:
                        answer = await http.get(desk.where(kind), headers={"Cookie": cookie})
                        assert answer.status_code == kind.status
                        found[f"{kind.name}, {language}"] = answer.text
    assert "\n".join(await invalid_html(tmp_path, found)) == ""
