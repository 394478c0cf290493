"""Two systems on one database, each with its Asterisk: what one of them goes through ends no call of the other."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from crm.domain.calls import CallArrived
from crm.services.calls import ledger
from crm.services.system import health
from crm.store.models import Call
from tests.drills.conftest import DRILL_SETTINGS
from tests.postgres import PostgresServer, running_postgres
from tests.system import ELM, System, running_system, spoken_prompts
from tests.talks import connect, hear_each_other

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]

OF_EAST, OF_WEST = "+15125560901", "+15125560902"


@contextlib.asynccontextmanager
async def node(name: str, folder: Path, server: PostgresServer) -> AsyncIterator[System]:
    toml = f'node = "{name}"\n{DRILL_SETTINGS}'
    (folder / name).mkdir()
    async with running_system(folder / name, spoken_prompts(), toml, database=server.url("office")) as system:
        system.started = datetime.now(UTC).replace(microsecond=0)
        yield system


async def has_looked(system: System, name: str) -> None:
    """Waits until the app has ended a call of its own that is on record as open, and that Asterisk does not have. It
    does that to every open call it takes for its own, the oldest first."""
    left = f"{system.config.node}-1000000000.{name}"
    arrived = CallArrived(f"{left}/arrived", left, datetime.now(UTC), ELM, None)
    await system.store.run(ledger.record, system.config, arrived, arrived.at)

    def ended() -> bool:
        return bool(system.rows(select(Call.outcome).where(Call.id == left))[0][0])

    await system.until(ended, "the app has ended what it had left open", seconds=60)


async def is_open(system: System, number: str) -> bool:
    call = await system.call_from(number)
    return call.outcome is None and call.step == "talk"


async def test_a_node_that_starts_or_dies_leaves_the_calls_of_the_other_alone(tmp_path: Path) -> None:
    with running_postgres() as server:
        server.run_sql("CREATE DATABASE office")
        async with (
            node("east", tmp_path, server) as east,
            east.phone("alice-desk") as alice,
            east.caller(OF_EAST) as first,
        ):
            await connect(east, first, alice)
            async with (
                node("west", tmp_path, server) as west,
                west.phone("bob-desk") as bob,
                west.caller(OF_WEST) as second,
            ):
                await has_looked(west, "1")
                assert await is_open(east, OF_EAST)
                await west.kill_app()
                await west.start_app()
                await has_looked(west, "2")
                assert await is_open(east, OF_EAST)
                await hear_each_other(east, first, alice)

                await connect(west, second, bob)
                await east.kill_app()
                await east.start_app()
                await has_looked(east, "1")
                assert await is_open(west, OF_WEST)
                await hear_each_other(west, second, bob)
                await hear_each_other(east, first, alice)

                seen = await health.look(west.config, datetime.now(UTC))
                assert seen.node == "west"
                assert {(one.node, one.up) for one in seen.nodes} == {("east", True), ("west", True)}

                await first.hang_up()
                await second.hang_up()
                mine, others = await east.ended_call(OF_EAST), await west.ended_call(OF_WEST)
                assert [(call.outcome, call.node) for call in (mine, others)] == [
                    ("talked", "east"),
                    ("talked", "west"),
                ]
                assert (mine.id.partition("-")[0], others.id.partition("-")[0]) == ("east", "west")
                for call in (mine, others):
                    assert [event.kind for event in call.events].count("CallEnded") == 1
                    assert [leg.status for leg in call.legs if leg.answered_at] == ["ANSWER"]
                await west.until(west.is_quiet, "nothing is left at west")
            await east.until(east.is_quiet, "nothing is left at east")
