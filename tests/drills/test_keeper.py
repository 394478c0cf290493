"""The supervisor (`leaseline up`) is killed: what it kept runs on, and is found again."""

from __future__ import annotations

import json

import pytest

from ari_app.heartbeat import beat_of
from crm.edge import processes
from tests.drills.witness import up
from tests.system import LAKESIDE, System
from tests.talks import connect, hear_each_other

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]


async def test_when_the_supervisor_is_killed_then_the_next_one_takes_over_and_down_ends_what_is_left(
    system: System,
) -> None:
    await system.app.stop()
    await system.asterisk.stop()
    async with up(system):
        first = processes.running(system.config)
        assert set(first) == {"Asterisk", "the app", "the web pages"}
    assert processes.running(system.config) == first
    _, told = await system.leaseline("doctor")
    assert "`leaseline up` takes them over, `leaseline down` ends them." in " ".join(told.split())
    async with up(system):
        assert processes.running(system.config) == first
        status, told = await system.leaseline("reload")
        assert (status, told) == (0, "Nothing in leaseline.toml has changed.\nA new app has taken over.\n")
        second = processes.running(system.config)
        assert second["Asterisk"] == first["Asterisk"]
        assert second["the app"] != first["the app"]
        assert beat_of(system.config)["pid"] == second["the app"].pid
        # Last of all.
        await system.until(
            lambda: processes.running(system.config).get("the web pages") not in (None, first["the web pages"]),
            "the web pages replaced",
        )
    status, told = await system.leaseline("down")
    assert (status, told.splitlines()[-1]) == (0, "Leaseline has stopped.")
    assert processes.running(system.config) == {}
    async with up(system) as keeper:
        assert await system.leaseline("down") == (
            0,
            "Leaseline stops once nobody is on the line.\nLeaseline has stopped.\n",
        )
        assert await keeper.wait() == 0
    assert processes.running(system.config) == {}


async def test_a_changed_port_waits_for_a_restart_and_that_for_the_end_of_a_talk(system: System) -> None:
    await system.app.stop()
    await system.asterisk.stop()
    file = system.config.home / "leaseline.toml"
    before = file.read_text()
    dialplan = system.config.asterisk_folder / "etc" / "extensions.conf"
    port = system.config.ports.rtp_first - 2
    try:
        async with up(system):
            first = processes.running(system.config)
            await system.leaseline("config", "set", "ports.agi", str(port))
            await system.leaseline("config", "set", "ring.colleague_seconds", "31")
            status, told = await system.leaseline("reload", "--json")
            assert status == 0, told
            assert {one["key"]: (one["after"], one["waits"]) for one in json.loads(told)} == {
                "ports.agi": (port, True),
                "ring.colleague_seconds": (31, False),
            }
            second = processes.running(system.config)
            assert second["Asterisk"] == first["Asterisk"]
            assert second["the app"] != first["the app"]
            # If Asterisk dies now, it starts as it was, and the app finds it.
            assert f":{port}" not in dialplan.read_text()
            # Not the callback number: after an earlier drill's 911 call, who calls that rings through.
            async with system.phone("carol-soft") as carol, system.caller() as caller:
                await connect(system, caller, carol, LAKESIDE)
                status, told = await system.leaseline("restart")
                assert status == 0, told
                assert "so Asterisk keeps running" in " ".join(told.split())
                assert processes.running(system.config)["Asterisk"] == first["Asterisk"]
                await hear_each_other(system, caller, carol)
                await caller.hang_up()
                assert (await system.ended_call(caller.user)).outcome == "talked"
            status, told = await system.leaseline("restart")
            assert (status, told) == (0, "Asterisk was restarted, and a new app has taken over.\n")
            assert processes.running(system.config)["Asterisk"] != first["Asterisk"]
            assert f":{port}" in dialplan.read_text()
            status, told = await system.leaseline("reload", "--dry-run")
            assert told == "Nothing in leaseline.toml has changed.\n"
            async with system.phone("carol-soft") as carol, system.caller() as caller:
                await connect(system, caller, carol, LAKESIDE)
                await caller.hang_up()
                assert (await system.ended_call(caller.user)).outcome == "talked"
            status, told = await system.leaseline("down")
            assert status == 0, told
    finally:
        file.write_text(before)
