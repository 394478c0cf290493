"""Real migrated databases, SQLite and PostgreSQL.

What is about the database runs on both: a test that asks for `url` or `empty_url`, or says `both_databases`, as what it
is about is filtered and sorted there, or done by several at once. Any other runs on PostgreSQL, the stricter one; the
tests of all other folders have SQLite. Further variations of one test take turns: what they vary is for the services to
tell apart, and no database knows of it. Where they are about the database, the test says `each_database`.

`store` is one and the same for all tests of a run, emptied before each: a new engine compiles every statement again,
which would be a third of all the work. Whoever changes more than rows asks for `url`, a database of the test's own.
"""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import event

from crm.config import Config
from crm.context import Crm
from crm.secrets import Secrets
from crm.services.outbox.delivery import Outbox, Transport
from crm.store import marks, migrate
from crm.store.models import Agent, Base, Device, Line, Organization, Property, Subteam
from crm.store.session import Store
from crm.worker import Troubles, keep
from tests.migrated import MIGRATED
from tests.postgres import PostgresServer, running_postgres
from tests.speech_models import WHISPER_BASE

collect_ignore = [] if WHISPER_BASE.is_dir() else ["test_telephone_speech.py"]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday, 10:00 in Chicago."""
Result = TypeVar("Result")
MARKS = (marks.OFFICE.table, marks.SITE.table)


BACKENDS = ("sqlite", "postgresql")
TURNS = BACKENDS[::-1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = in_turns(items)


def in_turns(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """Leaves out what runs on the other database this time."""
    backends: dict[str, set[str]] = defaultdict(set)
    for item in items:
        backends[_function(item)].add(_backend_of(item))
    turns: dict[str, dict[str, int]] = defaultdict(dict)
    for item in items:
        function = _function(item)
        if backends[function] >= {*BACKENDS} and not item.get_closest_marker("each_database"):
            turn = turns[function].setdefault(_variation(item), len(turns[function]))
            if _backend_of(item) != TURNS[turn % 2] and (turn or not _is_about_the_database(item)):
                continue
        yield item


def _function(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]


def _backend_of(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("backend", "") if callspec else ""


def _variation(item: pytest.Item) -> str:
    """The same on each database. By its name, as pytest does not count the values of all tests alike."""
    return item.nodeid.partition("[")[2].replace(_backend_of(item), "", 1)


def _is_about_the_database(item: pytest.Item) -> bool:
    own = {"url", "empty_url"} & {*getattr(item, "fixturenames", ())}
    return bool(own) or item.get_closest_marker("both_databases") is not None


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_postgres(postgres: PostgresServer) -> str:
    """Name of a migrated, empty database to copy."""
    return MIGRATED


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables."""
    with _database(backend, request, tmp_path, migrated=False) as url:
        yield url


@pytest.fixture
def url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated database of the test's own, without rows."""
    with _database(backend, request, tmp_path, migrated=True) as url:
        yield url


@contextlib.contextmanager
def _database(backend: str, request: pytest.FixtureRequest, tmp_path: Path, *, migrated: bool) -> Iterator[str]:
    if backend == "sqlite":
        path = tmp_path / "leaseline.db"
        if migrated:
            shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    template = request.getfixturevalue("migrated_postgres") if migrated else "template1"
    name = f"test_{uuid.uuid4().hex}"
    # Without each of its pages in the log: half the work.
    server.run_sql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield server.url(name)
    server.run_sql(f"DROP DATABASE {name} WITH (FORCE)")


class Shared:
    """A store that the tests use one after the other."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._results: dict[Callable[[Store], Any], Any] = {}

    def fill(self, how: Callable[[Store], Result]) -> Result:
        """Leaves in the empty store what `how` writes to it, and returns what that returned. It runs only once: for
        the tests after the first one, its rows are there at a tenth of the work."""
        if how in self._results:
            self._repeat(how)
        else:
            self._results[how] = self._do(how)
        return self._results[how]

    def empty(self) -> None:
        raise NotImplementedError

    def _do(self, how: Callable[[Store], Result]) -> Result:
        raise NotImplementedError

    def _repeat(self, how: Callable[[Store], Any]) -> None:
        raise NotImplementedError


class SharedSqlite(Shared):
    """Its file is replaced by another one."""

    def __init__(self, folder: Path, migrated: Path) -> None:
        self._file = folder / "leaseline.db"
        self._migrated = migrated
        self._as_copied: list[tuple[str, int]] = []
        super().__init__(Store(f"sqlite:///{self._file}"))

    def empty(self) -> None:
        self._become(self._migrated)

    def fill(self, how: Callable[[Store], Result]) -> Result:
        # What a test has written before must neither vanish with the file nor be there for other tests.
        return super().fill(how) if self._state() == self._as_copied else how(self.store)

    def _do(self, how: Callable[[Store], Result]) -> Result:
        result = how(self.store)
        self.store.close()
        shutil.copy(self._file, self._filled(how))
        return result

    def _repeat(self, how: Callable[[Store], Any]) -> None:
        self.store.close()
        self._become(self._filled(how))

    def _filled(self, how: Callable[[Store], Any]) -> Path:
        return self._file.parent.with_name(f"{self._file.parent.name}-{how.__name__}.db")

    def _become(self, database: Path) -> None:
        for file in self._file.parent.iterdir():  # -wal and -shm, too
            file.unlink()
        shutil.copy(database, self._file)
        self._as_copied = self._state()

    def _state(self) -> list[tuple[str, int]]:
        """Files that hold something, and when each was last written."""
        files = ((file.name, file.stat()) for file in self._file.parent.iterdir())
        return sorted((name, of.st_mtime_ns) for name, of in files if of.st_size and not name.endswith("-shm"))


class SharedPostgres(Shared):
    """Its rows are deleted; those of `fill` are written by the statements that have done so before."""

    def __init__(self, server: PostgresServer, database: str) -> None:
        super().__init__(Store(server.url(database)))
        self._server, self._database = server, database
        self._statements: dict[Callable[[Store], Any], list[tuple[str, Any]]] = {}
        # Deleting from tables that hold a few rows, or none, is a tenth of the work of a new database, or of TRUNCATE.
        self._emptying = "; ".join(
            [
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
                " AND state <> 'idle'",
                # Foreign keys are not looked at, so the order does not matter; nor are there triggers.
                "SET session_replication_role = replica",
                *(f'DELETE FROM "{name}"' for name in Base.metadata.tables if name not in MARKS),
                *(f"UPDATE {name} SET mark = gen_random_uuid()::text" for name in MARKS),
                "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'",
                "SET session_replication_role = origin",
            ]
        )

    def empty(self) -> None:
        self._server.run_sql(self._emptying, self._database)

    def _do(self, how: Callable[[Store], Result]) -> Result:
        done: list[tuple[str, Any]] = []

        def note(connection: object, cursor: object, statement: str, parameters: Any, *_: object) -> None:
            if statement.startswith(("INSERT", "UPDATE", "DELETE")):
                many = parameters if isinstance(parameters, list) else [parameters]
                done.extend((statement, one) for one in many)

        engine = self.store._engine
        event.listen(engine, "after_cursor_execute", note)
        try:
            result = how(self.store)
        finally:
            event.remove(engine, "after_cursor_execute", note)
        self._statements[how] = done
        return result

    def _repeat(self, how: Callable[[Store], Any]) -> None:
        self._server.run_all(self._statements[how], self._database)


@pytest.fixture(scope="session")
def shared_sqlite(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Shared:
    return SharedSqlite(tmp_path_factory.mktemp("store"), migrated_sqlite)


@pytest.fixture(scope="session")
def shared_postgresql(postgres: PostgresServer, migrated_postgres: str) -> Iterator[Shared]:
    postgres.run_sql(f"CREATE DATABASE shared TEMPLATE {migrated_postgres}")
    shared = SharedPostgres(postgres, "shared")
    with pytest.MonkeyPatch.context() as patch:
        # Each test closes it, but its connections are kept: a new one would have to learn the tables first.
        patch.setattr(shared.store._engine, "dispose", lambda: None)
        yield shared
    shared.store.close()


@pytest.fixture
def shared(backend: str, request: pytest.FixtureRequest) -> Shared:
    shared: Shared = request.getfixturevalue(f"shared_{backend}")
    shared.empty()
    return shared


@pytest.fixture
async def store(shared: Shared) -> AsyncIterator[Store]:
    yield shared.store
    # Each test has an event loop of its own, which its connections end with.
    shared.store.close()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    home = tmp_path / "home"
    config = Config(home)
    for folder in config.folders:
        folder.mkdir(parents=True)
    return config


def crm_at(config: Config, store: Store, now: datetime = NOW) -> Crm:
    """What workers work with, at a time that stands still."""
    return Crm(config, store, Secrets(config.secrets_file), lambda: now)


async def send_what_waits(
    store: Store,
    config: Config,
    transport: Transport[Any, Any],
    clock: Callable[[], datetime] = lambda: NOW,
    held: Callable[[], bool] = lambda: False,
    troubles: Troubles | None = None,
) -> None:
    """The outbox at work, until it is cancelled."""
    crm = Crm(config, store, Secrets(config.secrets_file), clock)
    await keep(crm, Outbox(crm, transport, held), troubles or Troubles(clock))


@pytest.fixture
def crm(config: Config, store: Store) -> Crm:
    return crm_at(config, store)


@pytest.fixture
async def office(store: Store, shared: Shared) -> None:
    """Dana runs it; Alice and Bob lease Maple Court, Carol everything else. Everybody is on duty; it is always open."""
    shared.fill(oak_homes)


def oak_homes(store: Store) -> None:
    with store.writing() as session:
        dana, alice, bob, carol = (
            Agent(slug=name, name=name.title(), devices=[Device(slug=f"{name}-desk", kind="desk")])
            for name in ("dana", "alice", "bob", "carol")
        )
        session.add_all([dana, alice, bob, carol])
        session.flush()
        session.add(Organization(name="Oak Homes", listings_url="https://oak.example.com", admin_agent_id=dana.id))
        team = Subteam(slug="east", name="East", strategy="round_robin", members=[alice, bob])
        maple = Property(slug="maple", name="Maple Court", listings_url="https://maple.example.com", subteam=team)
        session.add_all(
            [
                Line(number="+15125550100", label="Maple sign", source="sign", property=maple, greeting="Hello."),
                Line(number="+15125550101", label="Office", source="website", language="es"),
                Line(number="6001", label="Leasing extension"),
            ]
        )
