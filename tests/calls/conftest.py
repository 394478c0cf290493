"""One system for all call tests of a worker; each test must leave it as quiet as it found it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from tests.system import System, running_system, spoken_prompts


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    async with running_system(tmp_path_factory.mktemp("system"), spoken_prompts()) as system:
        yield system


@pytest_asyncio.fixture(loop_scope="session")
async def system(_running: System) -> AsyncIterator[System]:
    """The system with no call in it, before and after the test."""
    await _running.office_as_new()
    _running.started = datetime.now(UTC)
    yield _running
    await _running.until(_running.is_quiet, "no channel, bridge or open call left", seconds=20)
