"""The app loses Asterisk, or its events: calls go on, and the app finds them again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest

from ari_app import heartbeat
from tests.drills.witness import hears, legs, one_record
from tests.system import LAKESIDE, System
from tests.talks import connect, hear_each_other

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]


class Wire:
    """The TCP connections between the app and Asterisk's HTTP server, which can be cut."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._writers: set[asyncio.StreamWriter] = set()
        self._is_cut = False

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            there_reader, there = await asyncio.open_connection("127.0.0.1", self._to_port)
            if self._is_cut:
                there.transport.abort()
            else:
                self._writers |= {writer, there}
                await asyncio.gather(_copy(reader, there), _copy(there_reader, writer))
        writer.transport.abort()

    def cut(self) -> None:
        self._is_cut = True
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def repair(self) -> None:
        self._is_cut = False


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


@contextlib.asynccontextmanager
async def wired(system: System) -> AsyncIterator[Wire]:
    """The app reaches Asterisk through a wire of ours, until the block is left."""
    port = system.config.ports.http
    wire = Wire(port)
    ours, _ = system.phone_ports()
    server = await asyncio.start_server(wire.carry, "127.0.0.1", ours)
    toml = system.config.home / "leaseline.toml"
    text = toml.read_text()
    try:
        toml.write_text(text.replace(f"http = {port}\n", f"http = {ours}\n"))
        await system.app.stop()
        await system.start_app()
        yield wire
    finally:
        toml.write_text(text)
        await system.app.stop()
        wire.cut()
        server.close()
        await system.start_app()


async def connected_since(system: System, since: datetime) -> None:
    await system.until(lambda: heartbeat.is_connected(system.config, since), "app connected again", seconds=30)


async def test_when_the_event_socket_is_lost_then_calls_go_on_and_new_ones_find_a_phone(system: System) -> None:
    """Pain 9."""
    async with (
        wired(system) as wire,
        system.phone("carol-soft") as carol,
        system.phone("alice-desk") as alice,
        system.caller() as talker,
        system.caller() as newcomer,
        system.caller() as latecomer,
    ):
        await connect(system, talker, carol, LAKESIDE)
        await system.dial(newcomer)
        await hears(system, newcomer, system.prompt("welcome"))
        wire.cut()
        await system.dial(latecomer)
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await hear_each_other(system, latecomer, alice)
        wire.repair()
        await connected_since(system, datetime.now(UTC))
        await hears(system, newcomer, system.prompt("welcome"), 2)
        await hear_each_other(system, talker, carol)
        await newcomer.hang_up()
        await talker.hang_up()
        await alice.hang_up()
        await one_record(system, newcomer.user, "gave_up")
        talk = await one_record(system, talker.user, "talked", finished=True)
        late = await one_record(system, latecomer.user, "talked", finished=True)
    assert legs(talk) == [("carol-soft", "ANSWER", True)]
    assert legs(late) == [("alice-desk", "ANSWER", True)]


async def test_when_another_program_takes_the_app_s_name_then_the_app_takes_it_back(system: System) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        auth = aiohttp.encode_basic_auth("leaseline", system.secrets.get("ari"))
        url = f"http://127.0.0.1:{system.config.ports.http}/ari/events?app=leaseline"
        since = datetime.now(UTC)
        async with (
            aiohttp.ClientSession(headers={"Authorization": auth}) as session,
            session.ws_connect(url) as other,
        ):
            async with asyncio.timeout(60):
                while "ApplicationReplaced" not in str((await other.receive()).data):
                    pass
        await connected_since(system, since)
        await connect(system, caller, alice)
        await hear_each_other(system, caller, alice)
        await caller.hang_up()
        await one_record(system, caller.user, "talked", finished=True)


async def test_when_asterisk_is_killed_then_each_call_has_its_outcome_and_the_next_one_works(system: System) -> None:
    """Whoever was cut off in a talk is called back by whom they talked with."""
    async with (
        system.phone("carol-soft") as carol,
        system.caller() as talker,
        system.caller() as caller,
        system.caller() as following,
    ):
        await connect(system, talker, carol, LAKESIDE)
        await system.dial(caller)
        await system.step(caller.user, "menu")
        assert system.asterisk.process is not None
        system.asterisk.process.kill()
        await system.asterisk.process.wait()
        since = datetime.now(UTC)
        await system.asterisk.start()
        await connected_since(system, since)
        back = datetime.now(UTC)
        await one_record(system, caller.user, "gave_up")
        cut = await system.ended_call(talker.user)
        assert cut.outcome == "interrupted"
        assert cut.ended_at
        assert cut.ended_at < back
        assert [(task.kind, task.owner.slug) for task in await system.tasks_of(cut)] == [("call_back", "carol")]
        # On a line that no emergency call has shown: what another drill left of one outlives Asterisk.
        await system.dial(following, LAKESIDE)
        await system.step(following.user, "menu")
        await following.hang_up()
        await one_record(system, following.user, "gave_up")
