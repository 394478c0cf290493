"""One system for all drills of a worker. A drill may leave the app or Asterisk dead; the next one finds them alive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from tests.hurried import sentences_hurried
from tests.system import SETTINGS, Shared, System, setting_of

pytest.register_assert_rewrite("tests.drills.witness")


DRILL_SETTINGS = (
    SETTINGS.replace("confirm_seconds = 10.0", "confirm_seconds = 20.0")
    .replace("subteam_seconds = 4.0", "subteam_seconds = 8.0")
    .replace("colleague_seconds = 10.0", "colleague_seconds = 30.0")
)
"""A busy machine takes seconds to start the app again."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shared]:
    shared = Shared(lambda: tmp_path_factory.mktemp("drills"), DRILL_SETTINGS)
    with sentences_hurried():
        yield shared
        await shared.close()


@pytest_asyncio.fixture(loop_scope="session")
async def system(_shared: Shared, request: pytest.FixtureRequest) -> AsyncIterator[System]:
    """The system with its app running and no call in it, before and after the drill."""
    running = await _shared.system()
    await running.runs_with(*setting_of(request))
    await running.office_as_new()
    # Asterisk logs times in whole seconds.
    running.started = datetime.now(UTC).replace(microsecond=0)
    try:
        yield running
    finally:
        if running.asterisk.process is None or running.asterisk.process.returncode is not None:
            await running.asterisk.start()
        if running.app.process is None or running.app.process.returncode is not None:
            await running.start_app()
    await running.until(running.is_quiet, "no channel, bridge or open call left", seconds=20)
