"""Leaseline is stopped, or its app replaced, with people on the line."""

from __future__ import annotations

import asyncio
import dataclasses
import signal

import pytest

from ari_app import ending
from tests.drills.witness import hears, legs, one_record, up
from tests.system import LAKESIDE, System
from tests.talks import connect, hear_each_other
from tests.visitors import visitors

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]


async def test_when_leaseline_stops_then_whoever_talks_hears_it_and_is_called_back(system: System) -> None:
    """New callers are Asterisk's alone meanwhile."""
    said: list[str] = []
    async with (
        system.phone("carol-soft") as carol,
        system.phone("alice-desk") as alice,
        system.caller() as talker,
        system.caller() as latecomer,
    ):
        await connect(system, talker, carol, LAKESIDE)
        stopping = asyncio.create_task(
            ending.end(system.config, system.asterisk, system.app, asyncio.Event(), said.append)
        )
        await system.until(lambda: ending.beat_of(system.config).get("stopping") is True, "no new calls")
        await system.dial(latecomer)
        await alice.wait_for("CALL_INCOMING")
        await latecomer.hang_up()
        await hears(system, talker, system.prompt("stopping"))
        await hears(system, carol, system.prompt("stopping"))
        await talker.wait_for("CALL_CLOSED")
        await stopping
        assert not system.asterisk.is_alive
        cut = await system.ended_call(talker.user)
        await system.asterisk.start()
        await system.start_app()
    assert (cut.outcome, cut.ended_by) == ("interrupted", "system")
    [task] = await system.tasks_of(cut)
    assert (task.kind, task.owner.slug) == ("call_back", "carol")
    assert "stopped in the middle of the talk" in task.why
    assert said
    assert said[0].startswith("1 call goes on")
    late = await system.ended_call(latecomer.user)
    assert (late.outcome, late.without_app) == ("gave_up", True)


async def test_when_the_line_is_busy_meanwhile_and_a_second_signal_ends_all_then_both_callers_are_called_back(
    system: System,
) -> None:
    """The keeper is sent twice what Ctrl-C sends, long before the calls' time is over."""
    setting = "[stopping]\nlongest_seconds = "
    async with (
        system.with_setting(f"{setting}6.0", f'{setting}120.0\nnew_calls = "busy"'),
        system.phone("carol-soft") as carol,
        system.caller() as talker,
        system.caller() as latecomer,
    ):
        await connect(system, talker, carol, LAKESIDE)
        async with up(system) as keeper:
            keeper.send_signal(signal.SIGINT)
            await system.until(lambda: ending.beat_of(system.config).get("stopping") is True, "no new calls")
            await latecomer.dial(f"sip:{LAKESIDE}@{system.sip}")
            assert "486" in (await latecomer.wait_for("CALL_CLOSED")).param
            assert system.asterisk.is_alive
            keeper.send_signal(signal.SIGINT)
            async with asyncio.timeout(60):
                assert await keeper.wait() == 0
        await talker.wait_for("CALL_CLOSED")
        assert await system.times_heard(talker, system.prompt("stopping")) == 0
        await system.asterisk.start()
        await system.start_app()
        cut, late = await system.ended_call(talker.user), await system.ended_call(latecomer.user)
    assert (cut.outcome, late.outcome) == ("interrupted", "gave_up")
    assert [task.kind for call in (cut, late) for task in await system.tasks_of(call)] == ["call_back", "call_back"]


async def test_when_the_app_is_replaced_then_every_caller_goes_on_where_they_were(system: System) -> None:
    async with system.phone("carol-soft") as carol, system.caller() as talker, system.caller() as asker:
        await connect(system, talker, carol, LAKESIDE)
        await system.dial(asker)
        await system.step(asker.user, "menu")
        await replace_app(system)
        await hear_each_other(system, talker, carol)
        await asker.press("1")
        await system.step(asker.user, "text_offer")
        await asker.hang_up()
        await talker.hang_up()
        await carol.wait_for("CALL_CLOSED")
        asked = await one_record(system, asker.user, "got_link")
        talk = await one_record(system, talker.user, "talked", finished=True)
    assert legs(talk) == [("carol-soft", "ANSWER", True)]
    assert not asked.without_app


async def test_when_the_app_is_replaced_then_no_carrier_is_refused(system: System) -> None:
    ports = system.config.ports
    async with visitors([f"http://127.0.0.1:{port}/" for port in (ports.web, ports.webhooks)]) as carriers:
        for _ in range(2):
            await replace_app(system)
    assert carriers.refused == []


async def replace_app(system: System) -> None:
    before = system.app.process
    await ending.replace(system.config, system.app, lambda text: None)
    assert system.app.successor is not None
    assert before is not None
    assert before.returncode == 0
    system.app = dataclasses.replace(system.app, process=system.app.successor, successor=None)
