"""The console behind the real server, for a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.console.desk import Desk, running_desk
from tests.browser.console.person import Person


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with running_desk(tmp_path_factory.mktemp("desk")) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def person(desk: Desk, browser: Browser) -> AsyncIterator[Person]:
    """Whoever opens pages; afterwards their browser has complained of nothing, and asked no other machine."""
    found = Person(desk, browser)
    yield found
    await found.leave()
