"""The public site behind the real server, and a real browser: Debian's Chromium, one process for all tests."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from asterisk_conf import programs
from tests.browser.office import Site, running_site
from tests.browser.visitor import Visitor


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with running_site(tmp_path_factory.mktemp("site")) as found:
        yield found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(
            executable_path=programs.chromium(),
            # No page asks for another machine, and neither does the browser for itself.
            args=["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost", "--disable-gpu"],
            env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": "disabled:"},
        )
        yield found
        await found.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(site: Site, browser: Browser) -> AsyncIterator[Visitor]:
    """Whoever opens pages; afterwards their browser has complained of nothing, and asked no other machine."""
    found = Visitor(site, browser)
    yield found
    await found.leave()
