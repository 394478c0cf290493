"""The process of the web pages is killed or hangs, or the app beside it is killed: neither takes the other along."""

from __future__ import annotations

import signal

import aiohttp
import pytest

from crm.edge import processes
from tests.drills.witness import up
from tests.system import LAKESIDE, System
from tests.talks import connect, hear_each_other

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]


async def test_when_the_pages_are_killed_in_a_talk_then_nobody_hears_it_and_they_come_back(system: System) -> None:
    await system.app.stop()
    await system.asterisk.stop()

    async def status_of(port: int, path: str) -> int:
        try:
            async with system.http.get(f"http://127.0.0.1:{port}{path}") as answer:
                return answer.status
        except aiohttp.ClientError:
            return 0

    async def is_served() -> bool:
        return await status_of(system.config.ports.console, "/sign-in") == 200

    async with up(system):
        await system.until(is_served, "the console served", seconds=40)
        first = processes.running(system.config)
        assert set(first) == {processes.ASTERISK, processes.APP, processes.WEB}
        async with system.phone("carol-soft") as carol, system.caller() as caller:
            await connect(system, caller, carol, LAKESIDE)
            first[processes.WEB].send_signal(signal.SIGKILL)
            await first[processes.WEB].ended()
            # What carriers post is taken by the app.
            assert await status_of(system.config.ports.webhooks, "/texts/telnyx") == 405
            await hear_each_other(system, caller, carol)
            await caller.hang_up()
            assert (await system.ended_call(caller.user)).outcome == "talked"
        await system.until(is_served, "the console served again", seconds=40)
        second = processes.running(system.config)
        assert second[processes.WEB] != first[processes.WEB]
        assert {second[name] for name in (processes.ASTERISK, processes.APP)} == {
            first[name] for name in (processes.ASTERISK, processes.APP)
        }
        second[processes.APP].send_signal(signal.SIGKILL)
        await second[processes.APP].ended()
        assert await is_served()
        assert processes.running(system.config)[processes.WEB] == second[processes.WEB]
        _, told = await system.leaseline("status")
        assert "pages up" in " ".join(told.split())
        second[processes.WEB].send_signal(signal.SIGSTOP)
        _, told = await system.leaseline("status")
        assert "pages HANGS" in " ".join(told.split())
        await second[processes.WEB].ended()
        await system.until(is_served, "the console served once more", seconds=40)
    status, told = await system.leaseline("down")
    assert (status, told.splitlines()[-1]) == (0, "Leaseline has stopped.")
    assert processes.running(system.config) == {}
