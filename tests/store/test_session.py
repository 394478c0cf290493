"""Transactions, and what a database in trouble looks like."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import stat
import sys
import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session

from crm.domain.errors import Conflict, Unavailable
from crm.store.models import Agent, AuditEntry, Device, Organization
from crm.store.session import THREADS, Store

pytestmark = [pytest.mark.store, pytest.mark.both_databases]


async def test_a_write_is_kept_and_an_exception_takes_it_back(store: Store) -> None:
    with store.writing() as session:
        session.add(Organization(name="Oak Homes"))

    async def fail() -> None:
        with store.writing() as session:
            session.add(Organization(name="Elm Homes"))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    with store.reading() as session:
        assert list(session.scalars(select(Organization.name))) == ["Oak Homes"]


async def test_what_is_changed_while_reading_is_not_kept(store: Store) -> None:
    with store.reading() as session:
        session.add(Organization(name="Oak Homes"))
        session.flush()
    with store.reading() as session:
        assert session.scalars(select(Organization)).all() == []


async def test_writers_at_once_lose_nothing(store: Store) -> None:
    with store.writing() as session:
        session.add(Agent(slug="alice", name="0"))

    def increment(session: Session) -> None:
        # Reading first is what makes a late write lock fail on SQLite; on PostgreSQL the row is locked.
        agent = session.scalars(select(Agent).with_for_update()).one()
        time.sleep(0.001)
        agent.name = str(int(agent.name) + 1)

    await asyncio.gather(*(store.run(increment) for _ in range(20)))
    with store.reading() as session:
        assert session.scalars(select(Agent.name)).one() == "20"


async def test_times_come_back_as_utc_and_naive_ones_are_refused(store: Store) -> None:
    at = datetime(2026, 3, 2, 10, 0, tzinfo=timezone(timedelta(hours=-6)))
    with store.writing() as session:
        session.add(AuditEntry(at=at, who="dana", what="hours changed"))
    with store.reading() as session:
        found = session.scalars(select(AuditEntry.at)).one()
    assert found == at
    assert found.tzinfo is UTC
    with pytest.raises(StatementError, match="without time zone"), store.writing() as session:
        session.add(AuditEntry(at=datetime(2026, 3, 2), who="dana", what="hours changed"))  # noqa: DTZ001


async def test_foreign_keys_hold_and_collisions_are_told(store: Store) -> None:
    with pytest.raises(IntegrityError), store.writing() as session:
        session.add(Device(slug="ghost", agent_id=4711, kind="desk"))
    with store.writing() as session:
        session.add(Agent(slug="alice", name="Alice"))
    with pytest.raises(IntegrityError), store.writing() as session:
        session.add(Agent(slug="alice", name="Another"))


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_sqlite_is_as_durable_as_it_gets_and_private(url: str) -> None:
    store = Store(url)
    with store.writing() as session:
        session.add(Organization(name="Oak Homes"))
    with store.reading() as session:
        pragmas = {name: session.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")}
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}
    path = Path(url.partition("///")[2])
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.glob("leaseline.db*")}
    wal_modes = {mode for name, mode in modes.items() if name != "leaseline.db"}
    assert wal_modes == {modes["leaseline.db"]}
    store.close()


async def test_not_migrated_is_unavailable(empty_url: str) -> None:
    store = Store(empty_url)
    with pytest.raises(Unavailable, match="does not answer"), store.reading() as session:
        session.scalars(select(Organization))
    store.close()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_locked_sqlite_is_unavailable(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.store.session.BUSY_SECONDS", 0.1)
    store = Store(url)
    other = sqlite3.connect(url.partition("///")[2], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable), store.writing() as session:
        session.add(Organization(name="Oak Homes"))
    with store.reading() as session:
        assert session.scalars(select(Organization)).all() == []
    other.close()
    with store.writing() as session:
        session.add(Organization(name="Oak Homes"))
    store.close()


async def test_a_missing_server_is_unavailable_and_its_text_tells_no_values(tmp_path: Path) -> None:
    store = Store(f"postgresql+psycopg://nobody@/x?host={tmp_path}")
    with pytest.raises(Unavailable) as caught, store.writing() as session:
        session.add(Organization(name="Secret Homes"))
    assert "Secret" not in str(caught.value)
    store.close()


async def test_when_another_store_is_opened_here_then_what_other_processes_write_is_seen(tmp_path: Path) -> None:
    """Whoever closes a file loses every lock that their process has on it (POSIX). Without ours another process takes
    itself for the last one, deletes the log of changes when it ends, and leaves us with one that nobody else has."""
    path = tmp_path / "leaseline.db"
    url = f"sqlite:///{path}"

    async def names(store: Store) -> list[str]:
        with store.reading() as session:
            return list(session.scalars(text("SELECT name FROM seen ORDER BY name")))

    async def elsewhere(name: str) -> None:
        write = (
            "import sqlite3, sys; database = sqlite3.connect(sys.argv[1], isolation_level=None);"
            "database.execute('INSERT INTO seen VALUES (?)', sys.argv[2:]); database.close()"
        )
        writer = await asyncio.create_subprocess_exec(sys.executable, "-c", write, str(path), name)
        assert await writer.wait() == 0

    ours = Store(url)
    with ours.writing() as session:
        session.execute(text("CREATE TABLE seen (name)"))
    await elsewhere("Ash")
    assert await names(ours) == ["Ash"]
    Store(url).close()
    for name in ("Elm", "Oak"):
        await elsewhere(name)
        assert name in await names(ours)
    ours.close()


async def test_acts_that_collide_are_run_again_and_none_is_lost(store: Store) -> None:
    """Each looks first, and finds nobody; all but one then collide with the one who was quicker."""
    all_there = threading.Barrier(2)
    looks: list[bool] = []

    def find_or_make(session: Session) -> int:
        found = session.scalar(select(Agent).where(Agent.slug == "alice"))
        looks.append(found is None)
        if found is None:
            with contextlib.suppress(threading.BrokenBarrierError):
                all_there.wait(timeout=0.5)  # SQLite lets one write at a time, so the other never comes.
            found = Agent(slug="alice", name="Alice")
            session.add(found)
            session.flush()
        return found.id

    first, second = await asyncio.gather(store.run(find_or_make), store.run(find_or_make))
    assert first == second
    assert looks.count(False) == 1


async def test_an_act_that_collides_every_time_is_a_conflict_in_words(store: Store) -> None:
    def add(session: Session) -> None:
        session.add(Agent(slug="alice", name="Alice"))

    await store.run(add)
    with pytest.raises(Conflict, match="just now"):
        await store.run(add)


async def test_when_whoever_asked_is_cancelled_then_the_act_is_taken_back_whole(store: Store) -> None:
    began, may_go_on = threading.Event(), threading.Event()

    def slow(session: Session) -> None:
        session.add(Organization(name="Oak Homes"))
        session.flush()
        began.set()
        assert may_go_on.wait(timeout=30)

    asking = asyncio.create_task(store.run(slow))
    assert await asyncio.to_thread(began.wait, 30)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    may_go_on.set()
    # The next act comes after it, as there is one writer on SQLite; on PostgreSQL it may still be under way.
    await store.run(lambda session: session.add(Organization(name="Elm Homes")))
    store.close()
    with store.reading() as session:
        assert list(session.scalars(select(Organization.name))) == ["Elm Homes"]


async def test_when_whoever_asked_is_cancelled_before_the_act_began_then_it_never_does(store: Store) -> None:
    began, may_go_on, ran = threading.Event(), threading.Event(), []

    def slow(session: Session) -> None:
        began.set()
        assert may_go_on.wait(timeout=30)

    ahead = [asyncio.create_task(store.run(slow)) for _ in range(THREADS)]
    assert await asyncio.to_thread(began.wait, 30)
    await asyncio.sleep(0)  # All of them are with the threads now, or in line before the next.
    asking = asyncio.create_task(store.run(lambda session: ran.append(session)))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    may_go_on.set()
    await asyncio.gather(*ahead)
    store.close()
    assert ran == []


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_when_the_server_stops_in_a_query_then_whoever_gives_up_is_free_at_once(url: str) -> None:
    store = Store(url)  # Without connections yet, so that there is one alone.
    with store.reading() as session:
        server = session.scalars(text("SELECT pg_backend_pid()")).one()
    stopped = threading.Event()

    def ask(session: Session) -> None:
        assert session.scalars(text("SELECT pg_backend_pid()")).one() == server
        os.kill(server, signal.SIGSTOP)
        stopped.set()
        session.execute(select(Organization))

    try:
        # The driver's own way takes ten seconds.
        async with asyncio.timeout(4):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await store.read(ask)
            assert stopped.is_set()
            with store.reading() as session:
                assert session.scalars(text("SELECT pg_backend_pid()")).one() != server
    finally:
        os.kill(server, signal.SIGCONT)
        store.close()
