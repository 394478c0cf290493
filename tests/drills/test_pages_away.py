"""The process of the web pages is killed or hangs, or the app or the voice agent beside it is killed: none takes the
others along."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import aiohttp
import pytest
from sqlalchemy import update

from crm.domain.route_inputs import AiAnswers
from crm.edge import processes
from crm.store.models import Line
from tests.drills.witness import up
from tests.system import LAKESIDE, System
from tests.talks import connect, hear_each_other

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture
def voice_is_kept(system: System) -> Iterator[None]:
    """The voice agent is to run, and takes no call from the phones here."""
    toml = system.config.home / "leaseline.toml"
    former = toml.read_text()
    toml.write_text(former + '\n[ai]\nanswers = "always"\n')
    with system.store.writing() as session:
        session.execute(update(Line).values(ai_answers=AiAnswers.OFF))
    yield
    toml.write_text(former)


@pytest.mark.usefixtures("voice_is_kept")
async def test_when_pages_voice_or_app_are_killed_then_nobody_in_a_talk_hears_it_and_they_come_back(
    system: System,
) -> None:
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

    def is_new(name: str) -> bool:
        return processes.running(system.config).get(name) not in (None, first[name])

    async with up(system):
        await system.until(is_served, "the console served", seconds=40)
        first = processes.running(system.config)
        assert set(first) == {processes.ASTERISK, processes.APP, processes.WEB, processes.VOICE}
        async with system.phone("carol-soft") as carol, system.caller() as caller:
            await connect(system, caller, carol, LAKESIDE)
            first[processes.WEB].send_signal(signal.SIGKILL)
            await first[processes.WEB].ended()
            first[processes.VOICE].send_signal(signal.SIGKILL)
            # What carriers post is taken by the app.
            assert await status_of(system.config.ports.webhooks, "/texts/telnyx") == 405
            await hear_each_other(system, caller, carol)
            await caller.hang_up()
            assert (await system.ended_call(caller.user)).outcome == "talked"
        await system.until(is_served, "the console served again", seconds=40)
        await system.until(lambda: is_new(processes.VOICE), "the voice agent is back")
        second = processes.running(system.config)
        assert is_new(processes.WEB)
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
