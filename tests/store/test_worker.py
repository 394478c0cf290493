"""The one mechanism of work that goes on by itself, on both databases: woken by rows, in trouble, and at the end."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from crm import worker as workers
from crm.config import Config
from crm.context import Crm, utc_now
from crm.domain.errors import Unavailable
from crm.secrets import Secrets
from crm.store import changes
from crm.store.models import Agent, Node, Portfolio
from crm.store.session import Store
from crm.worker import Trouble, Troubles, Worker
from tests.waiting import until

pytestmark = [pytest.mark.store, pytest.mark.both_databases]

ADD = """
import sys
from crm.store.models import Agent
from crm.store.session import Store
store = Store(sys.argv[1])
with store.writing() as session:
    session.add(Agent(slug=sys.argv[2], name="new"))
store.close()
"""
ADD_UNWATCHED = ADD.replace("import Agent", "import Portfolio").replace(
    'Agent(slug=sys.argv[2], name="new")', "Portfolio(slug=sys.argv[2], name='new')"
)
"""A table that nobody waits for."""


class Greeter(Worker[str, str]):
    """Greets every agent named "new"."""

    name = "greeter"
    wakes_on = (Agent,)

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.greeted: list[str] = []
        self.fails: Exception | None = None
        self.held: asyncio.Event | None = None
        self.not_before: datetime | None = None
        self.looks = 0

    def due(self, session: Session, now: datetime, under_way: Sequence[str]) -> datetime | None:
        self.looks += 1
        if self.not_before and now < self.not_before:
            return self.not_before
        waiting = select(Agent.slug).where(Agent.name == "new", Agent.slug.not_in(under_way))
        return now if session.scalar(waiting.limit(1)) else None

    def claim(self, session: Session, now: datetime, under_way: Sequence[str]) -> str | None:
        agent = session.scalars(select(Agent).where(Agent.name == "new").limit(1)).first()
        if agent is None:
            return None
        agent.name = "claimed"
        return agent.slug

    async def work(self, claim: str) -> str:
        self.begun.append(claim)
        if self.held:
            await self.held.wait()
        if self.fails:
            raise self.fails
        return f"Hello {claim}"

    def record(self, session: Session, claim: str, result: str, now: datetime) -> None:
        session.scalars(select(Agent).where(Agent.slug == claim)).one().name = result
        self.greeted.append(claim)


@contextlib.asynccontextmanager
async def kept(crm: Crm, greeter: Greeter, troubles: Troubles) -> AsyncIterator[asyncio.Task[None]]:
    tasks = [asyncio.create_task(workers.keep(crm, greeter, troubles)), asyncio.create_task(crm.store.changes.listen())]
    try:
        yield tasks[0]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def system(store: Store, config: Config) -> Crm:
    return Crm(config, store, Secrets(config.secrets_file), utc_now)


def add(store: Store, slug: str) -> None:
    with store.writing() as session:
        session.add(Agent(slug=slug, name="new"))


def name_of(store: Store, slug: str) -> str:
    with store.reading() as session:
        return session.scalars(select(Agent.name).where(Agent.slug == slug)).one()


async def test_a_row_of_another_process_wakes_the_worker(system: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nothing but being told finds the row in time.
    monkeypatch.setattr(workers, "LONGEST_SLEEP_SECONDS", 3600.0)
    greeter, troubles = Greeter(), Troubles(utc_now)
    async with kept(system, greeter, troubles):
        add(system.store, "ours")
        await until(lambda: greeter.greeted == ["ours"])
        url = system.store._engine.url.render_as_string(hide_password=False)
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", ADD, url, "theirs"], check=True)
        await until(lambda: greeter.greeted == ["ours", "theirs"])
    assert troubles.found == {}


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_what_this_process_commits_is_not_taken_for_another_ones(system: Crm) -> None:
    store = system.store
    before = await store._foreign_version()
    await store.run(lambda session: session.add(Agent(slug="ours", name="new")))
    assert await store._foreign_version() == before
    url = store._engine.url.render_as_string(hide_password=False)
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", ADD, url, "theirs"], check=True)
    assert await store._foreign_version() != before


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_database_that_nobody_writes_is_not_asked_and_what_comes_then_is_heard(
    system: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(changes, "SETTLED_SECONDS", 0.1)
    store, told = system.store, asyncio.Event()
    looks: list[str] = []
    files, version = store.changes._files, store.changes._foreign_version

    def looked_at() -> list[tuple[int, int, int]]:
        looks.append("files")
        return files()

    async def asked() -> object:
        looks.append("database")
        return await version()

    monkeypatch.setattr(store.changes, "_files", looked_at)
    monkeypatch.setattr(store.changes, "_foreign_version", asked)
    listening = asyncio.create_task(store.changes.listen())
    try:
        with store.changes.told(["agent"], told.set):
            await until(lambda: len(looks) > 20 and set(looks[-20:]) == {"files"})
            told.clear()
            url = store._engine.url.render_as_string(hide_password=False)
            await asyncio.to_thread(subprocess.run, [sys.executable, "-c", ADD, url, "theirs"], check=True)
            async with asyncio.timeout(30):
                await told.wait()
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_what_is_committed_long_after_it_was_written_is_heard(
    system: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow disk: the files were written, and are not written again when others see it."""
    monkeypatch.setattr(changes, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(changes, "RARELY_SECONDS", 0.2)
    store, told = system.store, asyncio.Event()
    monkeypatch.setattr(store.changes, "_files", lambda: [(1, 1, 1)])
    listening = asyncio.create_task(store.changes.listen())
    try:
        with store.changes.told(["agent"], told.set):
            await until(lambda: store.changes._listens)
            told.clear()
            url = store._engine.url.render_as_string(hide_password=False)
            await asyncio.to_thread(subprocess.run, [sys.executable, "-c", ADD, url, "theirs"], check=True)
            async with asyncio.timeout(30):
                await told.wait()
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_a_worker_that_fails_shows_since_when_and_goes_on_by_itself(
    system: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Until a row wakes it.
    monkeypatch.setattr(workers, "RETRY_SECONDS", 3600.0)
    told: list[Trouble] = []
    # The next look, at what its own claim has changed, may find nothing to do, and that all is well again.
    greeter, troubles = Greeter(), Troubles(utc_now, lambda found: told.extend(found.values()))
    greeter.fails = Unavailable("The database does not answer.", code="database_silent")
    began = utc_now()
    async with kept(system, greeter, troubles):
        add(system.store, "alice")
        await until(lambda: bool(told))
        shown = told[0]
        assert shown.what == "The database does not answer."
        assert began <= shown.since <= utc_now()
        greeter.fails = None
        add(system.store, "bob")
        await until(lambda: greeter.greeted == ["bob"] and not troubles.found)


async def test_an_unexpected_exception_ends_nothing(system: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "RETRY_SECONDS", 3600.0)
    told: list[Trouble] = []
    greeter, troubles = Greeter(), Troubles(utc_now, lambda found: told.extend(found.values()))
    greeter.fails = ValueError("a number")
    async with kept(system, greeter, troubles) as task:
        add(system.store, "alice")
        await until(lambda: bool(told))
        assert "ValueError" in told[0].what
        assert "a number" not in told[0].what
        assert not task.done()


async def test_at_the_end_what_is_under_way_is_finished_and_recorded(system: Crm) -> None:
    greeter, troubles = Greeter(), Troubles(utc_now)
    greeter.grace_seconds, greeter.held = 30.0, asyncio.Event()
    async with kept(system, greeter, troubles) as task:
        add(system.store, "alice")
        await until(lambda: greeter.begun == ["alice"])
        assert name_of(system.store, "alice") == "claimed"
        task.cancel()
        greeter.held.set()
        await asyncio.gather(task, return_exceptions=True)
    assert name_of(system.store, "alice") == "Hello alice"


async def test_what_is_looked_at_from_time_to_time_is_looked_at_again_after_trouble() -> None:
    troubles = Troubles(utc_now)
    found: list[str] = []

    async def look() -> None:
        found.extend(trouble.what for trouble in troubles.found.values())
        if not found:
            raise OSError("The disk does not answer.")

    task = asyncio.create_task(workers.repeat("disk", look, 0.01, troubles))
    await until(lambda: bool(found) and not troubles.found)
    assert found == ["The disk does not answer."]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class Clock:
    """The system's, which counts how often it is looked at."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.looks = 0

    def now(self) -> datetime:
        self.looks += 1
        return utc_now() + self.ahead


async def test_a_worker_asks_nothing_until_something_is_due_and_notices_a_clock_that_is_set(
    system: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is when a machine has slept."""
    monkeypatch.setattr(workers, "CLOCK_SECONDS", 0.01)
    clock, greeter = Clock(), Greeter()
    add(system.store, "alice")
    greeter.not_before = utc_now() + timedelta(days=1)

    async def is_quiet() -> bool:
        looks, looked = greeter.looks, clock.looks
        await until(lambda: clock.looks > looked + 20)
        return greeter.looks == looks > 0

    async with kept(replace(system, now=clock.now), greeter, Troubles(utc_now)):
        # It is told to look when listening begins.
        async with asyncio.timeout(60):
            while not await is_quiet():
                pass
        clock.ahead = timedelta(days=2)
        await until(lambda: greeter.greeted == ["alice"])


async def test_a_worker_looks_from_time_to_time_while_it_would_not_be_told(
    system: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "CLOCK_SECONDS", 0.01)
    greeter = Greeter()
    task = asyncio.create_task(workers.keep(system, greeter, Troubles(utc_now)))
    try:
        await until(lambda: greeter.looks > 5)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def listening(store: Store) -> AsyncIterator[None]:
    task = asyncio.create_task(store.changes.listen())
    try:
        await until(lambda: store.changes.is_heard)
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def rename(session: Session) -> None:
    """Without the ORM, whose statements say which table they change."""
    session.execute(text("UPDATE agent SET name = name || '!'"))


async def test_what_would_find_the_same_again_is_left_out(system: Crm) -> None:
    store, clock = system.store, Clock()
    looks: list[datetime] = []
    due: list[datetime | None] = [None]
    held = [False]

    async def look() -> datetime | None:
        looks.append(clock.now())
        return due[0]

    look_if = workers.when_changed(replace(system, now=clock.now), look, also=lambda: held[0])

    async def is_left_out() -> bool:
        before = len(looks)
        await look_if()
        return len(looks) == before

    add(store, "alice")
    assert not await is_left_out()
    assert not await is_left_out(), "nobody listens, so nobody knows"
    async with listening(store):
        assert not await is_left_out()
        assert await is_left_out()
        with store.reading() as session:
            rename(session)
        await store.run(lambda session: session.scalars(select(Agent)).all())
        assert await is_left_out(), "nothing was committed"
        await store.run(rename)
        assert not await is_left_out()
        url = store._engine.url.render_as_string(hide_password=False)
        for code, slug in ((ADD, "theirs"), (ADD_UNWATCHED, "elsewhere")):
            count = store.changes.count
            await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code, url, slug], check=True)
            await until(lambda known=count: store.changes.count != known)
            assert not await is_left_out()
        held[0] = True
        assert not await is_left_out()
        assert await is_left_out()
        clock.ahead = changes.AT_LEAST
        due[0] = clock.now() + timedelta(minutes=5)
        assert not await is_left_out()
        assert await is_left_out()
        clock.ahead += timedelta(minutes=6)
        assert not await is_left_out()
        due[0] = None
        assert not await is_left_out(), "what was due is due still"
        clock.ahead -= timedelta(hours=1)
        assert not await is_left_out(), "the clock was set back"
        assert await is_left_out()


async def test_what_is_written_is_told_to_other_processes_that_write_too(store: Store) -> None:
    """As the app and the process of the pages, which both listen: the one learns what the other has written, though
    nobody waits for such rows. Signs of life are not told."""
    url = store._engine.url.render_as_string(hide_password=False)
    other = Store(url)
    try:
        async with listening(store), listening(other):
            count = other.changes.count
            await store.run(lambda session: session.add(Portfolio(slug="elsewhere", name="Elsewhere")))
            await until(lambda: other.changes.count != count)
            if store._engine.dialect.name == "postgresql":
                known = store.changes.count
                await store.run(lambda session: session.execute(update(Node).values(home="here")))
                assert store.changes.count == known
    finally:
        other.close()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_look_that_failed_is_made_again(system: Crm) -> None:
    outcomes = iter([OSError("The disk does not answer."), None])
    left: list[object] = []

    async def look() -> datetime | None:
        if error := next(outcomes):
            raise error
        left.append(None)
        return None

    look_if = workers.when_changed(system, look)
    async with listening(system.store):
        with pytest.raises(OSError, match="does not answer"):
            await look_if()
        await look_if()
        assert len(left) == 1
