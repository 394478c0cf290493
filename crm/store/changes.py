"""Tells those waiting for rows when some were added or changed, in this process or another.

What a transaction changes is tracked as its statements run (`Store`). Once it commits, those waiting in the same
process are told which tables changed. Other processes hear of it

- on PostgreSQL by NOTIFY, which is sent within the transaction and so arrives once the change is visible. One
  connection of this process listens. That something else was written, for which nobody waits, is told a moment later,
  once for many transactions.
- on SQLite, which has no notifications, from the number that the writing connection reports for the state of the file
  (PRAGMA data_version). That connection's own commits leave it unchanged. The whole process shares one check, twice a
  second, and asks for the number while one of the database's files was written lately, then ever more rarely. The
  number says that something was committed, not what, so everyone waiting is told.

Being told means being asked to look: there may be nothing to find. Who looks from time to time for what has become due
leaves out what would find the same again (`Standstill`).
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import URL, Engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from crm.domain.beats import until_next
from crm.domain.errors import Unavailable
from crm.store import happenings

LOOK_SECONDS = 0.5
SETTLED_SECONDS = 10.0
"""How long ago the files must have been written before their times are enough. SQLite writes a commit, waits for the
disk, and only then lets others see it, which no time of a file tells; and times move on in steps."""
RARELY_SECONDS = 30.0
"""The first question after that, for a disk that took longer. Each further one comes twice as late."""
AT_LEAST = timedelta(minutes=15)
"""How often a `Standstill` ends by itself, for what was changed behind our back: by hand, or by a time zone's new
rules."""
CHANNEL = "leaseline"
ALIVE: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
"""Nothing is sent on a connection that listens, so only TCP notices that the server's machine is gone."""

WATCHED = frozenset(
    {
        "account",
        "account_session",
        "agent",
        "arrival",
        "call_order",
        "device",
        "happening",
        "inbox_thread",
        "mail",
        "message",
        "push_subscription",
        "notice",
        "organization",
        "property",
        "recording",
        "report_schedule",
        "subteam",
        "subteam_member",
        "task",
        "voicemail",
        "webhook",
        "webhook_delivery",
    }
)
"""Tables that somebody may wait for. Of others it is only told that something was written, and not by its transaction,
unless nobody of its process listens: commits with a NOTIFY wait for one another."""

_ANY = "any"
"""In place of a table: rows of some table were written."""
_LIFE = "node"
"""The table with the nodes' signs of life, which are looked for by the clock: if others were told of each, nothing
would stand still."""
_UNTOLD = "untold"
UNTOLD = {_UNTOLD: True}
"""Execution options for a statement that changes nothing anybody waits for."""


def stir(session: Session, table: str) -> None:
    """Makes those waiting for the table look once this transaction commits, though none of its rows changes: what does
    change decides whether one of them is due."""
    session.info.get("changed", set()).add(table)


@dataclass(frozen=True, eq=False)
class _Waiting:
    tables: frozenset[str]
    loop: asyncio.AbstractEventLoop
    tell: Callable[[], None]


class RowChanges:
    """Row changes in one store's database."""

    def __init__(self, engine: Engine, url: URL, foreign_version: Callable[[], Awaitable[object]]) -> None:
        """`engine` is the one that writes; `foreign_version` returns a new value after each commit by another process
        (SQLite), and raises Unavailable."""
        self._engine, self._url, self._foreign_version = engine, url, foreign_version
        self._is_sqlite = url.get_backend_name() == "sqlite"
        self._waiting: set[_Waiting] = set()
        self._me = uuid.uuid4().hex
        """Prefix of our own notifications, which we ignore."""
        self._listens = False
        self._untold: Callable[[], object] = lambda: None
        """PostgreSQL: has others told that something was written."""
        self._numbers = itertools.count(1)
        self._count = 0
        self._heard: bool | None = None
        """Whether there are webhooks, as far as that is known."""

    @property
    def is_heard(self) -> bool:
        """Whether we hear at once of what other processes commit to the tables that somebody may wait for."""
        return self._listens

    @property
    def count(self) -> int | None:
        """Another number after each commit, whichever process made it; None when we would not hear of each: before and
        after `listen`. On PostgreSQL without signs of life, and commits of somebody in a shell of the database."""
        return self._count if self._listens else None

    @contextmanager
    def told(self, tables: Collection[str], tell: Callable[[], None]) -> Iterator[None]:
        """Calls `tell`, in the event loop, whenever rows of one of the tables may have changed."""
        if unwatched := set(tables) - WATCHED:
            raise ValueError(f"not in crm.store.changes.WATCHED: {unwatched}")
        one = _Waiting(frozenset(tables), asyncio.get_running_loop(), tell)
        self._waiting.add(one)
        try:
            yield
        finally:
            self._waiting.discard(one)

    async def listen(self, on_hearing: Callable[[], None] = lambda: None) -> None:
        """Passes on what other processes commit, until cancelled. Raises Unavailable when it cannot.

        `on_hearing` is called once it can.
        """
        if not self._is_sqlite:
            await self._listen_to_server(on_hearing)
        elif self._url.database and self._url.database != ":memory:":
            await self._watch_file(on_hearing)
        else:
            await asyncio.Event().wait()

    # --- what the store says ---

    def follow(self, sessions: sessionmaker[Session]) -> None:
        """Tracks what these sessions change as it happens."""

        @event.listens_for(sessions, "after_begin")
        def on_begin(session: Session, transaction: object, connection: Any) -> None:
            connection.info["changed"] = session.info["changed"]
            connection.info["written"] = session.info["written"]

        @event.listens_for(self._engine, "before_cursor_execute")
        def on_execute(
            connection: Any, cursor: object, statement: str, parameters: object, context: Any, _: bool
        ) -> None:
            if context.isinsert or context.isupdate or context.isdelete:
                changed = connection.info.get("changed")
                name = context.compiled.statement.table.name if context.compiled else ""
                connection.info.get("written", set()).add(name)
                if changed is not None and name in WATCHED and not context.execution_options.get(_UNTOLD):
                    changed.add(name)
                elif changed is not None and not self._is_sqlite and (name != _LIFE or context.isinsert):
                    changed.add(_ANY)
                # PostgreSQL's triggers tell of what they write themselves.
                if changed is not None and self._is_sqlite and happenings.may_be_noted(name, statement):
                    changed.add(happenings.TABLE)
            elif not self._is_sqlite and context.is_text and statement.startswith(("INSERT", "UPDATE", "DELETE")):
                # Written out, so that nobody knows the table.
                connection.info.get("changed", set()).add(_ANY)

        if self._is_sqlite:

            @event.listens_for(self._engine, "commit")
            def on_commit(connection: Any) -> None:
                # However it was written: by a trigger, too.
                rows = connection.connection.dbapi_connection.total_changes
                if rows != connection.info.get("rows", 0):
                    connection.info["rows"] = rows
                    connection.info.get("changed", set()).add(_ANY)

    def announce(self, session: Session) -> None:
        """The last step of a transaction: other processes will hear of it."""
        changed = session.info["changed"]
        if self._is_sqlite and happenings.TABLE in changed:
            is_awaited = any(happenings.TABLE in one.tables for one in list(self._waiting))
            if is_awaited and not self._has_webhooks(session):
                changed.discard(happenings.TABLE)
        # Whoever listens tells that something was written when it is committed.
        if changed and not self._is_sqlite and not (self._listens and changed == {_ANY}):
            session.execute(_NOTIFY, self._said(changed))

    def _said(self, tables: Collection[str]) -> dict[str, str]:
        return {"channel": CHANNEL, "names": " ".join([self._me, *sorted(tables)])}

    def _has_webhooks(self, session: Session) -> bool:
        """Whether anything is noted for webhooks."""
        found = self._heard
        if found is None or "webhook" in session.info["changed"]:
            found = happenings.are_heard(session)
        if self._listens:
            # Until webhooks change; of those that another process adds, we hear in a moment, and then look for all.
            self._heard = found
        return found

    def made(self, session: Session) -> None:
        """After the commit."""
        changed = session.info["changed"]
        self.tell(changed)
        if changed == {_ANY}:
            self._untold()

    # --- hearing of others ---

    async def _listen_to_server(self, on_hearing: Callable[[], None]) -> None:
        from psycopg import AsyncConnection, Error

        loop, written = asyncio.get_running_loop(), asyncio.Event()
        passing_on: asyncio.Task[None] | None = None
        arguments, options = self._engine.dialect.create_connect_args(self._url)
        try:
            connection = await AsyncConnection.connect(*arguments, **{**options, **ALIVE}, autocommit=True)
            async with connection:
                await connection.execute(f"LISTEN {CHANNEL}".encode())
                on_hearing()
                self._untold = lambda: None if loop.is_closed() else loop.call_soon_threadsafe(written.set)
                passing_on = asyncio.create_task(self._pass_on(written))
                self._listens = True
                # We were not told about earlier commits.
                self.tell(WATCHED)
                async for notification in connection.notifies():
                    sender, *tables = notification.payload.split(" ")
                    if sender != self._me:
                        self.tell(tables)
        except (Error, OSError) as error:
            raise Unavailable(_DEAF, code="database_deaf") from error
        finally:
            self._listens = False
            self._untold = lambda: None
            if passing_on:
                passing_on.cancel()
        raise Unavailable(_DEAF, code="database_deaf")

    async def _pass_on(self, written: asyncio.Event) -> None:
        """Tells others, at most once in `LOOK_SECONDS`, that something was written for which nobody waits."""
        while True:
            await written.wait()
            await asyncio.sleep(LOOK_SECONDS)
            written.clear()
            # If the server does not answer, the connection that listens breaks, and whoever hears again looks for all.
            with suppress(DBAPIError):
                await asyncio.to_thread(self._tell_others)

    def _tell_others(self) -> None:
        with self._engine.begin() as connection:
            connection.execute(_NOTIFY, self._said([_ANY]))

    async def _watch_file(self, on_hearing: Callable[[], None]) -> None:
        try:
            known = await self._foreign_version()
            on_hearing()
            self._listens = True
            # We were not told about earlier commits.
            self.tell(WATCHED)
            loop, seen = asyncio.get_running_loop(), None
            asked_at, pause = loop.time(), RARELY_SECONDS
            while True:
                await asyncio.sleep(until_next(LOOK_SECONDS, loop.time()))
                if (files := self._files()) == seen and loop.time() - asked_at < pause:
                    continue
                pause = 2 * pause if files == seen else RARELY_SECONDS
                asked_at = loop.time()
                version = await self._foreign_version()
                if version != known:
                    self.tell(WATCHED)
                known = version
                latest = max((changed for changed, *_ in files), default=0)
                seen = files if time.time_ns() - latest > SETTLED_SECONDS * 1e9 else None
        except Unavailable as error:
            raise Unavailable(_DEAF, code="database_deaf") from error
        finally:
            self._listens, self._heard = False, None

    def _files(self) -> list[tuple[int, int, int]]:
        """Which files the database consists of, and when each was last written: a commit writes to one of them."""
        found = []
        for name in (f"{self._url.database}-wal", str(self._url.database)):
            with suppress(OSError):
                file = os.stat(name)
                found.append((file.st_ctime_ns, file.st_size, file.st_ino))
        return found

    def tell(self, tables: Collection[str]) -> None:
        """Asks those who wait for one of the tables to look. May be called in any thread."""
        if tables:
            # Never one that was there before, whichever thread is last.
            self._count = next(self._numbers)
        if "webhook" in tables:
            self._heard = None
        for one in list(self._waiting):
            if not one.tables.isdisjoint(tables) and not one.loop.is_closed():
                one.loop.call_soon_threadsafe(one.tell)


class Standstill:
    """Whether a look would find what the last one found: nothing was committed since, by any process, and the time has
    not come at which it said that something is due. Where we would not hear of each commit, it never does."""

    def __init__(self, changes: RowChanges) -> None:
        self._changes = changes
        self._state: object = None
        self._looked: datetime | None = None
        self._due: datetime | None = None

    def state(self, *also: object) -> object:
        """Taken before looking; `also`: what else the look depends on."""
        return None if self._changes.count is None else (self._changes.count, *also)

    def lasts(self, state: object, now: datetime) -> bool:
        if state is None or state != self._state or self._looked is None:
            return False
        # A clock that was set back says nothing about what is due.
        return self._looked <= now < self._looked + AT_LEAST and (self._due is None or now < self._due)

    def looked(self, state: object, now: datetime, due: datetime | None) -> None:
        """After a look that went well; `due`: when there is something to do though nothing changes, or None."""
        self._state, self._looked, self._due = state, now, due


_NOTIFY = text("SELECT pg_notify(:channel, :names)")
_DEAF = "The database does not report changes by other processes: what they add is found a minute later."
