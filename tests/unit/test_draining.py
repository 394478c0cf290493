"""When Leaseline may stop: nobody is on the line any more, or their time is over; never in an emergency call."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ari_app import draining
from ari_app.call.registry import Calls
from ari_app.edge.errors import AsteriskUnreachable
from crm.config import Config, Stopping

pytestmark = pytest.mark.unit

EMERGENCY = "ll1-1772460000.1"


def context(tmp_path: Path, looks: list[Any], seconds: float = 0) -> Any:
    """With an Asterisk that has these channels, one entry each time it is asked; None where it does not answer."""

    async def channel_ids() -> dict[str, list[str]]:
        if (found := looks.pop(0)) is None:
            raise AsteriskUnreachable("away")
        return {"alice-desk": found}

    config = Config(tmp_path, stopping=Stopping(longest_seconds=seconds))
    config.spool_folder.mkdir()
    return SimpleNamespace(
        config=config, client=SimpleNamespace(channel_ids=channel_ids), calls=Calls(), stopping=asyncio.Event()
    )


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draining, "LOOK_SECONDS", 0)


async def drained(tmp_path: Path, looks: list[Any], seconds: float = 0) -> list[Any]:
    """Drains; gives what Asterisk was not asked any more."""
    async with asyncio.timeout(60):
        await draining.drain(context(tmp_path, looks, seconds))
    return looks


async def test_it_waits_for_calls_while_they_have_time(tmp_path: Path) -> None:
    assert await drained(tmp_path, [["c1"], ["c1"], [], "not asked"], seconds=60) == ["not asked"]


async def test_it_does_not_wait_when_their_time_is_over(tmp_path: Path) -> None:
    assert await drained(tmp_path, [["c1"], "not asked"]) == ["not asked"]


async def test_it_waits_for_an_emergency_call_whatever_the_time(tmp_path: Path) -> None:
    looks = [["c1", EMERGENCY], [EMERGENCY], [EMERGENCY], [], "not asked"]
    entry = f"{EMERGENCY} started 1772460000 911 alice-desk +15125550100 -"
    running = context(tmp_path, looks)
    (running.config.spool_folder / f"{EMERGENCY}.emergency").write_text(f"{entry}\n")
    async with asyncio.timeout(60):
        await draining.drain(running)
    assert looks == ["not asked"]


async def test_an_asterisk_that_is_gone_has_no_calls(tmp_path: Path) -> None:
    assert await drained(tmp_path, [["c1"], None, None, None, "not asked"], seconds=60) == ["not asked"]
