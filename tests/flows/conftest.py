"""Each test has an app and an office of its own, on an Asterisk without SIP and sound (`tests.asterisk`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.asterisk import Seam, Template, template
from tests.asterisk.clock import JumpingLoop, threads_watched
from tests.system import port_block
from tests.watching import watching


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> dict[str, Callable[[], JumpingLoop]]:
    """Time passes only when nobody has anything to do."""
    return {"jumping": JumpingLoop}


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    with port_block() as first, template(tmp_path_factory.mktemp("template"), first) as made:
        yield made


@pytest.fixture
async def system(home: Template, tmp_path: Path) -> AsyncIterator[Seam]:
    """The system with no call in it, before and after the test."""
    with threads_watched():
        async with Seam.running(home, tmp_path) as running:
            yield running
            await running.until(running.is_quiet, "no channel, bridge or open call left", seconds=20)
            async with watching(running) as watcher:
                await running.until(lambda: not watcher.link.calls, "no call is told of any more")
                await running.until(lambda: not watcher.busy, "no phone is told to be in a call any more")
            assert not running.pbx.taken_back, "a last resort had to take a call"
