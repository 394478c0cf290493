"""One system for all call tests of a worker; each test must leave it as quiet as it found it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from tests.hurried import sentences_hurried
from tests.system import Shared, System, setting_of


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shared]:
    shared = Shared(lambda: tmp_path_factory.mktemp("system"))
    with sentences_hurried():
        yield shared
        await shared.close()


@pytest_asyncio.fixture(loop_scope="session")
async def system(_shared: Shared, request: pytest.FixtureRequest) -> AsyncIterator[System]:
    """The system with no call in it, before and after the test."""
    running = await _shared.system()
    await running.runs_with(*setting_of(request))
    await running.office_as_new()
    running.started = datetime.now(UTC)
    yield running
    await running.until(running.is_quiet, "no channel, bridge or open call left", seconds=60)
