"""The database does not answer, or the app dies before it does: calls go on, and every fact arrives once."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from crm.store import facts
from crm.store.models import CallEvent
from tests.drills.witness import hears, legs, one_gives_up_and_one_talks, one_record
from tests.system import System
from tests.talks import hear_each_other

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]


@contextlib.contextmanager
def locked(system: System) -> Iterator[None]:
    """Nobody else can write."""
    with contextlib.closing(sqlite3.connect(system.config.home / "leaseline.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@contextlib.contextmanager
def broken(system: System) -> Iterator[None]:
    """Whoever asks for a line gets an error."""
    with contextlib.closing(sqlite3.connect(system.config.home / "leaseline.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA busy_timeout = 10000")
        connection.execute("PRAGMA legacy_alter_table = ON")
        connection.execute("ALTER TABLE line RENAME TO line_away")
        try:
            yield
        finally:
            connection.execute("ALTER TABLE line_away RENAME TO line")


async def test_when_the_database_is_locked_and_the_app_killed_then_the_facts_arrive_from_the_journal(
    system: System,
) -> None:
    journal = system.config.journal_folder / "facts.jsonl"
    async with system.phone("alice-desk") as alice, system.caller() as caller, system.caller() as missed:
        with locked(system):
            await one_gives_up_and_one_talks(system, missed, caller, alice)
            await system.until(lambda: journal.read_text().count('"CallEnded"') == 2, "both ends are in the journal")
            assert await system.calls_from(caller.user) == []
            await system.kill_app()
        await system.start_app()
        await one_record(system, missed.user, "gave_up")
        call = await one_record(system, caller.user, "talked", finished=True)
    assert legs(call) == [("alice-desk", "ANSWER", True)]


async def test_when_the_database_fails_then_a_phone_rings_all_the_same(system: System) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        with broken(system):
            await system.dial(caller)
            await alice.wait_for("CALL_INCOMING")
            await alice.answer()
            await hear_each_other(system, caller, alice)
        await caller.hang_up()
        await alice.wait_for("CALL_CLOSED")
        call = await one_record(system, caller.user, "talked", finished=True)
    assert legs(call) == [("alice-desk", "ANSWER", True)]


async def test_when_entries_were_claimed_and_everything_is_read_twice_then_nothing_is_doubled(system: System) -> None:
    async with system.caller() as caller:
        await system.kill_app()
        await system.dial(caller)
        await hears(system, caller, system.prompt("last_resort_greeting"))
        await caller.hang_up()
        await caller.wait_for("CALL_CLOSED")
        written = system.config.asterisk_folder / "log" / "cel-custom" / "notes.csv"
        await system.until(lambda: written.exists() and "ended=" in written.read_text(), "the end is logged")
        # As if the app had been killed while it sorted them.
        written.replace(system.config.spool_folder / "notes.claimed")
        await system.start_app()
        call = await one_record(system, caller.user, "gave_up")

        await system.kill_app()
        before = await count(system)
        done = system.config.spool_folder / "done" / f"{call.id}.call"
        (system.config.spool_folder / done.name).write_bytes(done.read_bytes())
        rows = await system.all(select(CallEvent).where(CallEvent.call_id == call.id))
        with (system.config.journal_folder / "facts.jsonl").open("ab") as journal:
            journal.writelines(facts.encode(facts.from_row(row)) + b"\n" for row in rows)
        await system.start_app()
        await system.until(lambda: not list(system.config.spool_folder.glob("*.call")), "spool imported")
        again = await one_record(system, caller.user, "gave_up")
        assert await count(system) == before
    assert (again.ended_at, again.lead_id) == (call.ended_at, call.lead_id)


async def count(system: System) -> int:
    return int((await system.all(select(func.count(CallEvent.id))))[0])
