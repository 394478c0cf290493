"""One system for all drills of a worker. A drill may leave the app or Asterisk dead; the next one finds them alive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from tests.system import SETTINGS, System, running_system, spoken_prompts

pytest.register_assert_rewrite("tests.drills.witness")


DRILL_SETTINGS = (
    SETTINGS.replace("deadman_seconds = 6", "deadman_seconds = 10")
    .replace("subteam_seconds = 4.0", "subteam_seconds = 8.0")
    .replace("colleague_seconds = 10.0", "colleague_seconds = 30.0")
)
"""A busy machine takes seconds to start the app again."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    async with running_system(tmp_path_factory.mktemp("drills"), spoken_prompts(), DRILL_SETTINGS) as system:
        yield system


@pytest_asyncio.fixture(loop_scope="session")
async def system(_running: System) -> AsyncIterator[System]:
    """The system with its app running and no call in it, before and after the drill."""
    await _running.office_as_new()
    # Asterisk notes times in whole seconds.
    _running.started = datetime.now(UTC).replace(microsecond=0)
    try:
        yield _running
    finally:
        if _running.asterisk.process is None or _running.asterisk.process.returncode is not None:
            await _running.asterisk.start()
        if _running.app.process is None or _running.app.process.returncode is not None:
            await _running.start_app()
    await _running.until(_running.is_quiet, "no channel, bridge or open call left", seconds=20)
