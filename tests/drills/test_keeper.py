"""The supervisor (`leaseline up`) is killed: what it kept runs on, and is found again."""

from __future__ import annotations

import pytest

from ari_app.heartbeat import beat_of
from crm.edge import processes
from tests.drills.witness import leaseline, up
from tests.system import System

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]


async def test_when_the_supervisor_is_killed_then_the_next_one_takes_over_and_down_ends_what_is_left(
    system: System,
) -> None:
    await system.app.stop()
    await system.asterisk.stop()
    async with up(system):
        first = processes.running(system.config)
        assert set(first) == {"Asterisk", "the app"}
    assert processes.running(system.config) == first
    _, told = await leaseline(system, "doctor")
    assert "`leaseline up` takes them over, `leaseline down` ends them." in " ".join(told.split())
    async with up(system):
        assert processes.running(system.config) == first
        status, told = await leaseline(system, "restart")
        assert (status, told) == (0, "A new app has taken over.\n")
        second = processes.running(system.config)
        assert second["Asterisk"] == first["Asterisk"]
        assert second["the app"] != first["the app"]
        assert beat_of(system.config)["pid"] == second["the app"].pid
    status, told = await leaseline(system, "down")
    assert (status, told.splitlines()[-1]) == (0, "Leaseline has stopped.")
    assert processes.running(system.config) == {}
    async with up(system) as keeper:
        assert await leaseline(system, "down") == (
            0,
            "Leaseline stops once nobody is on the line.\nLeaseline has stopped.\n",
        )
        assert await keeper.wait() == 0
    assert processes.running(system.config) == {}
