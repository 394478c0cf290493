"""The way to the database: synchronous sessions, short transactions, and the threads that run them for the event loop.

A service is a plain function of a session: one act, one transaction. Asynchronous code says
`await store.run(act, ...)`, or `store.read` where nothing is changed; commands and tests call it directly. Since an act
is not asynchronous it cannot wait for a phone or a carrier while its transaction is open.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from crm.domain.errors import Conflict, Unavailable
from crm.store.changes import RowChanges
from crm.store.marks import KeptValue

BUSY_SECONDS = 5
"""How long a writer waits for another on SQLite, and how long connecting to PostgreSQL may take."""

TURN_SECONDS = 0.001
"""How often a writer on SQLite looks whether it is its turn."""

MIGRATION_SECONDS = 60
"""How long a migration waits for another one, which rebuilds whole tables."""

TRIES = 10
"""How many times an act that collides with another one is run."""

THREADS = 4
"""How many acts run at once; on SQLite those that read, in addition to the one that writes."""

ROOM_SECONDS = 0.03
"""Between two transactions of something long; see `Store.make_room`."""
EMPTYING_TRIES = 33
"""For one second; see `Store.empty_log`."""

LEAVE_SECONDS = 0.5
"""How long a cancelled caller waits for its act to be rolled back. It is, even when this is too short."""

_COLLISIONS = {"40001", "40P01"}
"""PostgreSQL's serialization failure and deadlock (its manual, appendix A): nothing was written; it may work now."""

P = ParamSpec("P")
Result = TypeVar("Result")


class Store:
    """Opens sessions on one database; SQLite and PostgreSQL behave alike to its users.

    Library errors that say the database is in trouble come out as `Unavailable`. An act that collides with another one
    is run again, so it changes nothing but the database; when that does not help either, `Conflict` comes out.
    """

    def __init__(self, url: str) -> None:
        """`url` is `Config.database_url`. Nothing is opened yet, and no thread started."""
        parsed = self._url = make_url(url)
        self._is_private = False
        self.refusal = ""
        """Why nothing is read or written though the database may answer: `Unavailable` is raised with it. Or empty."""
        self._is_sqlite = parsed.get_backend_name() == "sqlite"
        if self._is_sqlite:
            # A driver that an older leaseline.toml may name is not needed any more.
            file = parsed.set(drivername="sqlite")
            self._engine = create_engine(file, **_options(parsed))
            # One connection, which is kept, writes: what it sees change is what others have committed.
            is_file = parsed.database and parsed.database != ":memory:"
            self._writer = create_engine(file, **_options(parsed), pool_size=1) if is_file else self._engine
            for engine in {self._engine, self._writer}:
                _prepare_sqlite(engine, foreign_keys=True)
        else:
            self._engine = self._writer = create_engine(parsed, **_options(parsed))
            _prepare_postgres(self._engine)
        for engine in {self._engine, self._writer}:
            event.listen(engine, "before_cursor_execute", _stop_abandoned)
        # The option tells the begin listener what kind of transaction to open.
        self._writing = sessionmaker(self._writer.execution_options(writes=True), expire_on_commit=False)
        self.changes = RowChanges(self._writer, parsed, self._foreign_version)
        self.changes.follow(self._writing)
        # Of the office (`crm.store.snapshot`, which most commands do without: what it reads would be mapped for it).
        self._office: KeptValue[Any] = KeptValue()
        self._pools: dict[bool, ThreadPoolExecutor] = {}
        self._pools_lock = threading.Lock()

    async def run(self, act: Callable[Concatenate[Session, P], Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        """Runs `act` in a transaction that is committed when it returns, and rolled back when it raises.

        When the caller is cancelled, an act that has not reached its commit never does. Raises Unavailable, Conflict.
        """
        return await self._in_thread(True, lambda: self.run_blocking(act, *args, **kwargs))

    async def read(self, act: Callable[Concatenate[Session, P], Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        """Runs `act` on one state of the database; what it changes is not kept. Raises Unavailable."""
        return await self._in_thread(False, lambda: self.read_blocking(act, *args, **kwargs))

    def run_blocking(self, act: Callable[Concatenate[Session, P], Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        """`run` for code without an event loop."""
        for attempt in range(1, TRIES + 1):
            try:
                with self.writing() as session:
                    return act(session, *args, **kwargs)
            except IntegrityError as error:
                if attempt == TRIES:
                    raise Conflict(
                        "Somebody else changed the same entry just now: check it and try again.",
                        code="changed_meanwhile",
                    ) from error
            except Collision:
                if attempt == TRIES:
                    raise
        raise AssertionError("the last try returns or raises")

    def read_blocking(
        self, act: Callable[Concatenate[Session, P], Result], *args: P.args, **kwargs: P.kwargs
    ) -> Result:
        """`read` for code without an event loop."""
        with self.reading() as session:
            return act(session, *args, **kwargs)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the database; what is changed in it is not kept. Raises Unavailable."""
        self._look()
        with _translated(), Session(self._engine, expire_on_commit=False, info={"office": self._office}) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction, tried once: committed at the end of the block, rolled back when an exception leaves it.

        Raises Unavailable, and IntegrityError.
        """
        self._look()
        with _translated(), self._writing(info={"changed": set(), "written": set(), "office": self._office}) as session:
            with session.begin():
                yield session
                session.flush()
                _stop_abandoned()
                self.changes.announce(session)
            self.changes.made(session)

    def make_room(self) -> None:
        """Between two transactions of something long: lets others write, in this process and in other ones.

        SQLite's writers do not queue up for the lock, but look now and then whether it is free.
        """
        if self._is_sqlite:
            time.sleep(ROOM_SECONDS)

    def empty_log(self) -> bool:
        """Empties SQLite's write-ahead log, in which what was deleted stays readable until something is written over
        it; returns whether it did. Nobody waits for it: while others read, it tries again for a second. Blocks."""
        if not self._is_sqlite:
            return True
        with self._engine.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            [patience] = driver.execute("PRAGMA busy_timeout").fetchone()
            driver.execute("PRAGMA busy_timeout = 0")
            try:
                for _ in range(EMPTYING_TRIES):
                    is_busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                    if not is_busy:
                        return True
                    time.sleep(ROOM_SECONDS)
            finally:
                driver.execute(f"PRAGMA busy_timeout = {int(patience)}")
        return False

    def revision(self) -> str | None:
        """The tables' revision, whatever `refusal` says; None when there are none of ours. Raises Unavailable."""
        with _translated(), self._engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()

    def close(self) -> None:
        """Waits for the acts under way and lets go of the database; used again, the store opens it again."""
        with self._pools_lock:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.shutdown(cancel_futures=True)
        self._engine.dispose()
        self._writer.dispose()
        self._office.forget()

    async def _in_thread(self, writes: bool, work: Callable[[], Result]) -> Result:
        abandoned = threading.Event()

        def watched() -> Result:
            _current.abandoned = abandoned
            try:
                return work()
            finally:
                _current.abandoned = None

        running = self._pool(writes).submit(watched)
        waiting = asyncio.wrap_future(running)
        # There may no longer be anyone to receive an error.
        waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            abandoned.set()
            if not running.cancel():
                await asyncio.wait([waiting], timeout=LEAVE_SECONDS)
            raise

    def _pool(self, writes: bool) -> ThreadPoolExecutor:
        """SQLite has one writer at a time, so those of this process queue up rather than wait for its lock."""
        alone = writes and self._is_sqlite
        with self._pools_lock:
            if alone not in self._pools:
                name = "store-writer" if alone else "store"
                self._pools[alone] = ThreadPoolExecutor(1 if alone else THREADS, thread_name_prefix=name)
            return self._pools[alone]

    async def _foreign_version(self) -> object:
        """A new value after each commit by another process. SQLite only. Raises Unavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._pool(True), self._read_version)

    def _read_version(self) -> object:
        with _translated():
            connection = self._writer.raw_connection()
            try:
                cursor = connection.cursor()
                cursor.execute("PRAGMA data_version")
                version = cursor.fetchone()
                cursor.close()
                # Numbers from different connections cannot be compared.
                return connection.dbapi_connection, version
            finally:
                connection.close()

    def _look(self) -> None:
        if self.refusal:
            raise Unavailable(self.refusal, code="database_refused")
        if not self._is_private:
            _make_private(self._url)
            self._is_private = True


def after_commit(session: Session, act: Callable[[], None]) -> None:
    """Runs `act`, which does not use the database, once what the session has written is committed."""
    event.listen(session, "after_commit", lambda _: act(), once=True)


def is_abandoned() -> bool:
    """Whether the caller of the act that this thread runs has gone."""
    abandoned: threading.Event | None = getattr(_current, "abandoned", None)
    return abandoned is not None and abandoned.is_set()


_current = threading.local()


class _Abandoned(Exception):
    """Rolls back an act whose caller has gone."""


class Collision(Unavailable):
    """Two transactions were in each other's way, and the server ended this one."""


def _stop_abandoned(*_: object) -> None:
    if is_abandoned():
        raise _Abandoned


def migration_engine(url: str, **options: Any) -> Engine:
    """A synchronous engine for Alembic, which rebuilds SQLite tables and so needs foreign keys unchecked meanwhile.

    `options` are SQLAlchemy's (`create_engine`).
    """
    parsed = make_url(url)
    _make_private(parsed)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, connect_args=_options(parsed)["connect_args"], **options)
    engine = create_engine(parsed.set(drivername="sqlite"), connect_args={"timeout": MIGRATION_SECONDS}, **options)
    _prepare_sqlite(engine, foreign_keys=False, patience=MIGRATION_SECONDS)
    return engine.execution_options(writes=True)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (IntegrityError, DataError):
        raise
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _COLLISIONS:
            raise Collision("The database is too busy: try again.", code="database_busy") from error
        raise _in_trouble(error) from error
    except (PoolTimeout, sqlite3.Error, OSError) as error:
        raise _in_trouble(error) from error


def _in_trouble(error: Exception) -> Unavailable:
    if told := in_words(error):
        return Unavailable(told, code="database_in_trouble")
    # The library's text holds the statement's parameters, callers' numbers among them, so only its kind is reported.
    kind = type(getattr(error, "orig", None) or error).__name__
    return Unavailable(f"The database does not answer ({kind}).", code="database_silent")


_SQLITE_IN_WORDS = {
    sqlite3.SQLITE_READONLY: "The database file may not be written: check its owner and how its disk is mounted.",
    sqlite3.SQLITE_FULL: "The disk of the database is full: free some space.",
    sqlite3.SQLITE_NOTADB: "The database file is not a database: replace it with the right one, or a backup.",
    sqlite3.SQLITE_CORRUPT: "The database file is damaged: replace it with a backup.",
    sqlite3.SQLITE_CANTOPEN: "The database file cannot be opened: check its folder, its owner, and the disk.",
    sqlite3.SQLITE_IOERR: "The disk of the database is failing: check it.",
}


_POSTGRES_IN_WORDS = {
    r'FATAL: +database "[^"]*" does not exist': (
        "The PostgreSQL server has no such database: make an empty one there, or correct its name in the URL."
    ),
    r'authentication failed|no password supplied|FATAL: +role "[^"]*" does not exist|no pg_hba\.conf entry': (
        "The PostgreSQL server does not let this user in: check the user in the URL, the password in ~/.pgpass, and "
        "the server's pg_hba.conf."
    ),
    r"failed to resolve host|could not translate host name": (
        "The PostgreSQL server's host is not known: correct it in the URL."
    ),
    r"Is the server running|connection timeout expired|No route to host|Network is unreachable|timed out": (
        "No PostgreSQL server answers: check that it runs, and the host and the port in the URL."
    ),
    r"permission denied for (schema|database)": (
        "The user in the URL may not make tables in that database: make it the database's owner."
    ),
}
"""By what libpq and the server write. The driver gives no code for a connection that did not come about."""


def in_words(error: BaseException) -> str:
    """What is wrong with a database and how to fix it; "" if the error does not say."""
    cause = getattr(error, "orig", None) or error
    if code := getattr(cause, "sqlite_errorcode", 0):
        return _SQLITE_IN_WORDS.get(code & 0xFF, "")  # The rest of the code says more than anybody can act on.
    if not isinstance(error, DBAPIError):
        return ""
    return next((told for pattern, told in _POSTGRES_IN_WORDS.items() if re.search(pattern, str(cause))), "")


_compact = json.JSONEncoder(separators=(",", ":")).encode
"""JSON columns have no spaces between values: every call has a dozen."""


def _options(url: URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": BUSY_SECONDS}, "json_serializer": _compact}
    return {
        "json_serializer": _compact,
        "pool_size": THREADS,
        # A connection that died with the server is noticed and replaced before it is used.
        "pool_pre_ping": True,
        "pool_timeout": BUSY_SECONDS,
        # Unacknowledged data closes a connection after 10 s; the system's own limit is a quarter of an hour.
        "connect_args": {"connect_timeout": BUSY_SECONDS, "tcp_user_timeout": 10_000},
    }


def _make_private(url: URL) -> None:
    """Creates a SQLite file that only its owner may read; its -wal and -shm files get the same mode from SQLite.

    One that is there is not opened: closing it again would take every lock on it that this process has (POSIX), and
    another process that believes it is the last one deletes the log of changes (sqlite.org/howtocorrupt.html, 2.2).
    """
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return
    path = Path(url.database)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if not os.access(path, os.R_OK | os.W_OK):
            foreign = path.stat().st_uid != os.geteuid()
            why = "it belongs to another user" if foreign else "check its permissions and how its disk is mounted"
            raise Unavailable(
                f"{path} may not be written: {why}.", code="database_not_writable", path=str(path)
            ) from None
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be opened ({error.strerror}): check its folder and the disk.",
            code="database_not_opened",
            path=str(path),
        ) from error


def _prepare_sqlite(engine: Engine, *, foreign_keys: bool, patience: float = BUSY_SECONDS) -> None:
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
        if connection.get_execution_options().get("writes", False):
            _begin_writing(connection, patience)
        else:
            connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Connection, patience: float) -> None:
    """Begins a transaction with the lock of the one writer. Raises sqlite3.OperationalError if others keep it for
    longer than `patience` seconds.

    SQLite's own waiting looks for the lock ever more rarely, down to ten times a second, and the process that has just
    written is quicker: beside pages that write often, a call's facts waited for half a second, or in vain.
    """
    driver: Any = connection.connection.dbapi_connection
    until = time.monotonic() + patience
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                driver.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                    raise
            _stop_abandoned()
            time.sleep(TURN_SECONDS)
    finally:
        driver.execute(f"PRAGMA busy_timeout = {round(1000 * patience)}")


def _prepare_postgres(engine: Engine) -> None:
    # Here and not at the top: SQLite needs none of it, and the command line starts sooner without.
    from crm.store.postgres import PostgresConnection as PostgresConnection

    @event.listens_for(engine, "do_connect")
    def on_connect(dialect: object, record: object, arguments: list[Any], options: dict[str, Any]) -> Any:
        connection = PostgresConnection.connect(*arguments, **options)
        # It compiles for longer than it saves: 600 of the 800 ms that a month's figures of 12,000 calls took.
        connection.autocommit = True
        connection.execute("SET jit = off")
        # It tries out the orders in which so many tables can be joined. Of the nine of a list of calls that took ten
        # times as long as reading them; ours are joined in a good order as they are written.
        connection.execute("SET join_collapse_limit = 4")
        connection.autocommit = False
        connection.gave_up = is_abandoned
        return connection
