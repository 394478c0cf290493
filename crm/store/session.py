"""The way to the database: one engine per process, short transactions for reading and for writing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from crm.domain.errors import Unavailable

BUSY_SECONDS = 5
"""How long a writer waits for another one on SQLite, and a connection to PostgreSQL may take."""

MIGRATION_SECONDS = 60
"""How long a migration waits for another one, which rebuilds whole tables."""


class Store:
    """Opens sessions on one database; SQLite and PostgreSQL behave alike to whoever uses it.

    Library errors that say the database is in trouble come out as `Unavailable`. IntegrityError passes: the service
    that wrote knows what it collided with.
    """

    def __init__(self, url: str) -> None:
        """`url` names an asynchronous driver, as `Config.database_url` does. Nothing is opened yet."""
        parsed = self._url = make_url(url)
        self._is_private = False
        self.refusal = ""
        """Why nothing is read or written though the database may answer: `Unavailable` is raised with it. Or empty."""
        options = _options(parsed)
        if parsed.get_backend_name() != "sqlite":
            # Here and not at the top: SQLite needs none of it, and the command line starts sooner without.
            from crm.store.postgres import Connection

            options["connect_args"]["async_creator_fn"] = Connection.connect
        self._engine = create_async_engine(parsed, **options)
        if parsed.get_backend_name() == "sqlite":
            _prepare_sqlite(self._engine.sync_engine, foreign_keys=True)
        # Both share the pool; the option tells the begin listener what kind of transaction to open.
        self._writing = self._engine.execution_options(writes=True)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session that sees one state of the database; what is changed in it is not kept."""
        self._look()
        with _translated():
            async with AsyncSession(self._engine, expire_on_commit=False) as session:
                yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end of the block, rolled back when an exception leaves it."""
        self._look()
        with _translated():
            async with AsyncSession(self._writing, expire_on_commit=False) as session, session.begin():
                yield session

    async def revision(self) -> str | None:
        """That the tables are at, whatever `refusal` says; None when there are none of ours. Raises Unavailable."""
        with _translated():
            async with self._engine.connect() as connection:
                if not await connection.run_sync(lambda sync: inspect(sync).has_table("alembic_version")):
                    return None
                return (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar()

    async def close(self) -> None:
        await self._engine.dispose()

    def _look(self) -> None:
        if self.refusal:
            raise Unavailable(self.refusal)
        if not self._is_private:
            _make_private(self._url)
            self._is_private = True


def migration_engine(url: str) -> Engine:
    """A synchronous engine for Alembic, which rebuilds SQLite tables and so wants foreign keys unchecked meanwhile."""
    parsed = make_url(url)
    _make_private(parsed)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, connect_args=_options(parsed)["connect_args"])
    engine = create_engine(parsed.set(drivername="sqlite"), connect_args={"timeout": MIGRATION_SECONDS})
    _prepare_sqlite(engine, foreign_keys=False)
    return engine.execution_options(writes=True)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (IntegrityError, DataError):
        raise
    except (DBAPIError, PoolTimeout, sqlite3.Error, OSError) as error:
        # The library's text holds the statement's parameters, callers' numbers among them, so only its kind is told.
        kind = type(getattr(error, "orig", None) or error).__name__
        raise Unavailable(
            in_words(error) or f"The database does not answer ({kind}): run `leaseline doctor` to see why."
        ) from error


_SQLITE_IN_WORDS = {
    sqlite3.SQLITE_READONLY: "The database file may not be written: check whose it is and how its disk is mounted.",
    sqlite3.SQLITE_FULL: "The disk of the database is full: make room on it.",
    sqlite3.SQLITE_NOTADB: "The database file is no database: put the right one, or a backup, in its place.",
    sqlite3.SQLITE_CORRUPT: "The database file is damaged: put a backup in its place.",
    sqlite3.SQLITE_CANTOPEN: "The database file cannot be opened: check its folder, whose it is, and the disk.",
    sqlite3.SQLITE_IOERR: "The disk of the database fails: look after it.",
}


def in_words(error: BaseException) -> str:
    """What is wrong with a SQLite file and how to mend it; "" where the error does not tell."""
    code = getattr(getattr(error, "orig", None) or error, "sqlite_errorcode", 0)
    return _SQLITE_IN_WORDS.get(code & 0xFF, "")  # The rest of the code says more than anybody can act on.


def _options(url: URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": BUSY_SECONDS}}
    return {
        # A connection that died with the server is noticed and replaced before it is used.
        "pool_pre_ping": True,
        "pool_timeout": BUSY_SECONDS,
        # Unacknowledged data closes a connection after 10 s; the system's own limit is a quarter of an hour.
        "connect_args": {"connect_timeout": BUSY_SECONDS, "tcp_user_timeout": 10_000},
    }


def _make_private(url: URL) -> None:
    """Creates a SQLite file that only its owner may read; its -wal and -shm files get the same mode from SQLite.

    One that is there is not opened: closing it again would take every lock on it that this process has (POSIX), and
    another process that takes itself for the last one deletes the log of changes (sqlite.org/howtocorrupt.html, 2.2).
    """
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return
    path = Path(url.database)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if not os.access(path, os.R_OK | os.W_OK):
            foreign = path.stat().st_uid != os.geteuid()
            why = "it belongs to another user" if foreign else "look after its permissions and how its disk is mounted"
            raise Unavailable(f"{path} may not be written: {why}.") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be opened ({error.strerror}): check its folder and the disk.") from error


def _prepare_sqlite(engine: Engine, *, foreign_keys: bool) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, record: object) -> None:
        # The driver's own way of opening transactions begins them late and without IMMEDIATE; ours is on_begin below.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # A transaction that reads first and writes later can fail at once with SQLITE_BUSY, without waiting, when
        # another writer came between. Taking the write lock at the start makes it wait instead.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
