"""Each page of the public site: whether its HTML is valid, and whether everybody can use it, on any screen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from crm.words.site import LANGUAGES
from tests.browser.checks import AXE, BY_LAYOUT, invalid_html, violations
from tests.browser.office import Site
from tests.browser.pages import KINDS, Kind, fetch, show
from tests.browser.visitor import DESKTOP, PHONE, SMALLEST, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def page(site: Site, browser: Browser) -> AsyncIterator[tuple[Visitor, Page]]:
    """One page for all tests: in a new one, Chromium would compile axe again each time."""
    visitor = Visitor(site, browser)
    shown = await visitor.page(PHONE)
    await shown.add_init_script(AXE)
    yield visitor, shown
    await visitor.leave()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_everybody_can_use_the_page_in_each_language_on_any_screen(
    site: Site, page: tuple[Visitor, Page], kind: Kind
) -> None:
    visitor, shown = page
    for language in LANGUAGES:
        is_first = language == "en"
        await shown.set_viewport_size(PHONE)
        await show(shown, site, kind, language)
        assert await shown.locator("html").get_attribute("lang") == language
        assert await violations(shown, *(() if is_first else BY_LAYOUT)) == []
        await shown.set_viewport_size(SMALLEST)
        assert await shown.evaluate("document.documentElement.scrollWidth") <= SMALLEST["width"], "it scrolls sideways"
        await shown.set_viewport_size(DESKTOP)
        if not is_first:
            assert await violations(shown) == []
    if not kind.sent:
        await shown.emulate_media(color_scheme="dark")
        assert await violations(shown, "color-contrast") == []
        await shown.emulate_media(color_scheme="light")
    assert visitor.complaints == []


async def test_every_page_is_valid_html(site: Site, tmp_path: Path) -> None:
    found = {}
    async with httpx.AsyncClient(base_url=site.url) as http:
        for language in LANGUAGES:
            for kind in KINDS:
                found[f"{kind.name}, {language}"] = await fetch(http, site, kind, language)
    assert "\n".join(await invalid_html(tmp_path, found)) == ""
