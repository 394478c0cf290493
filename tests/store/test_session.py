"""Transactions, and what a database in trouble looks like."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, StatementError

from crm.domain.errors import Unavailable
from crm.store.models import Agent, AuditEntry, Device, Organization
from crm.store.session import Store

pytestmark = pytest.mark.store


async def test_a_write_is_kept_and_an_exception_takes_it_back(store: Store) -> None:
    async with store.write() as session:
        session.add(Organization(name="Oak Homes"))

    async def fail() -> None:
        async with store.write() as session:
            session.add(Organization(name="Elm Homes"))
            await session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with store.read() as session:
        assert list(await session.scalars(select(Organization.name))) == ["Oak Homes"]


async def test_what_is_changed_while_reading_is_not_kept(store: Store) -> None:
    async with store.read() as session:
        session.add(Organization(name="Oak Homes"))
        await session.flush()
    async with store.read() as session:
        assert (await session.scalars(select(Organization))).all() == []


async def test_writers_at_once_lose_nothing(store: Store) -> None:
    async with store.write() as session:
        session.add(Agent(slug="alice", name="0"))

    async def increment() -> None:
        async with store.write() as session:
            # Reading first is what makes a late write lock fail on SQLite; on PostgreSQL the row is locked.
            agent = (await session.scalars(select(Agent).with_for_update())).one()
            await asyncio.sleep(0.001)
            agent.name = str(int(agent.name) + 1)

    await asyncio.gather(*(increment() for _ in range(20)))
    async with store.read() as session:
        assert (await session.scalars(select(Agent.name))).one() == "20"


async def test_times_come_back_as_utc_and_naive_ones_are_refused(store: Store) -> None:
    at = datetime(2026, 3, 2, 10, 0, tzinfo=timezone(timedelta(hours=-6)))
    async with store.write() as session:
        session.add(AuditEntry(at=at, who="dana", what="hours changed"))
    async with store.read() as session:
        found = (await session.scalars(select(AuditEntry.at))).one()
    assert found == at
    assert found.tzinfo is UTC
    with pytest.raises(StatementError, match="without time zone"):
        async with store.write() as session:
            session.add(AuditEntry(at=datetime(2026, 3, 2), who="dana", what="hours changed"))  # noqa: DTZ001


async def test_foreign_keys_hold_and_collisions_are_told(store: Store) -> None:
    with pytest.raises(IntegrityError):
        async with store.write() as session:
            session.add(Device(slug="ghost", agent_id=4711, kind="desk"))
    async with store.write() as session:
        session.add(Agent(slug="alice", name="Alice"))
    with pytest.raises(IntegrityError):
        async with store.write() as session:
            session.add(Agent(slug="alice", name="Another"))


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_sqlite_is_as_durable_as_it_gets_and_private(url: str) -> None:
    store = Store(url)
    async with store.write() as session:
        session.add(Organization(name="Oak Homes"))
    async with store.read() as session:
        pragmas = {
            name: (await session.execute(text(f"PRAGMA {name}"))).scalar() for name in ("journal_mode", "synchronous")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}
    path = Path(url.partition("///")[2])
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.glob("leaseline.db*")}
    wal_modes = {mode for name, mode in modes.items() if name != "leaseline.db"}
    assert wal_modes == {modes["leaseline.db"]}
    await store.close()


async def test_not_migrated_is_unavailable(empty_url: str) -> None:
    store = Store(empty_url)
    with pytest.raises(Unavailable, match="leaseline doctor"):
        async with store.read() as session:
            await session.scalars(select(Organization))
    await store.close()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_locked_sqlite_is_unavailable(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.store.session.BUSY_SECONDS", 0.1)
    store = Store(url)
    other = sqlite3.connect(url.partition("///")[2], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        async with store.write() as session:
            session.add(Organization(name="Oak Homes"))
    async with store.read() as session:
        assert (await session.scalars(select(Organization))).all() == []
    other.close()
    async with store.write() as session:
        session.add(Organization(name="Oak Homes"))
    await store.close()


async def test_a_missing_server_is_unavailable_and_its_text_tells_no_values(tmp_path: Path) -> None:
    store = Store(f"postgresql+psycopg://nobody@/x?host={tmp_path}")
    with pytest.raises(Unavailable) as caught:
        async with store.write() as session:
            session.add(Organization(name="Secret Homes"))
    assert "Secret" not in str(caught.value)
    await store.close()


async def test_when_another_store_is_opened_here_then_what_other_processes_write_is_seen(tmp_path: Path) -> None:
    """Whoever closes a file loses every lock that their process has on it (POSIX). Without ours another process takes
    itself for the last one, deletes the log of changes when it ends, and leaves us with one that nobody else has."""
    path = tmp_path / "leaseline.db"
    url = f"sqlite+aiosqlite:///{path}"

    async def names(store: Store) -> list[str]:
        async with store.read() as session:
            return list(await session.scalars(text("SELECT name FROM seen ORDER BY name")))

    async def elsewhere(name: str) -> None:
        write = (
            "import sqlite3, sys; database = sqlite3.connect(sys.argv[1], isolation_level=None);"
            "database.execute('INSERT INTO seen VALUES (?)', sys.argv[2:]); database.close()"
        )
        writer = await asyncio.create_subprocess_exec(sys.executable, "-c", write, str(path), name)
        assert await writer.wait() == 0

    ours = Store(url)
    async with ours.write() as session:
        await session.execute(text("CREATE TABLE seen (name)"))
    await elsewhere("Ash")
    assert await names(ours) == ["Ash"]
    await Store(url).close()
    for name in ("Elm", "Oak"):
        await elsewhere(name)
        assert name in await names(ours)
    await ours.close()


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_when_the_server_stops_in_a_query_then_whoever_gives_up_is_free_at_once(store: Store) -> None:
    async with store.read() as session:
        server = (await session.scalars(text("SELECT pg_backend_pid()"))).one()
    stopped = asyncio.Event()

    async def ask() -> None:
        async with asyncio.timeout(0.3), store.read() as session:
            assert (await session.scalars(text("SELECT pg_backend_pid()"))).one() == server
            os.kill(server, signal.SIGSTOP)
            stopped.set()
            await session.execute(select(Organization))

    try:
        # The driver's own way takes ten seconds.
        async with asyncio.timeout(4):
            with pytest.raises(TimeoutError):
                await ask()
            assert stopped.is_set()
            async with store.read() as session:
                assert (await session.scalars(text("SELECT pg_backend_pid()"))).one() != server
    finally:
        os.kill(server, signal.SIGCONT)
