"""Background work: rows are claimed, each is worked on outside of any transaction, and the result is recorded.

A worker defines

- `wakes_on`: the tables whose new or changed rows may be work, whichever process wrote them (`crm.store.changes`);
- `due`: when the next piece is due. It only reads, so checking never blocks a writer. Until then, or until a row wakes
  it, the database is not queried, so it depends on nothing but those tables, the time and `wake`;
- `prepare`: looks up what claiming depends on outside of the database, such as which phones are online;
- `claim`: takes that piece, in one transaction, so that no two workers get the same one;
- `work`: does it, asynchronously;
- `record`: writes the result, and is retried until the database answers;
- `clean_up`: cleans up what a worker that died left half done; called at the start and after trouble;
- `at_once` and `grace_seconds`: how many pieces may be under way at once, and how long they may take on shutdown.

`keep` runs one until it is cancelled. An exception ends neither the worker nor anything else: the work is retried,
and listed in `Troubles` meanwhile. `repeat` does the same for things that are only checked from time to time; with
`when_changed` only if something was committed since, or is due. Both check immediately when the event `wake` is set,
which signals something that no row shows.

Existing task queues require PostgreSQL (procrastinate), a broker, or their own rows in addition to those that already
say what has to be done; none works on both SQLite and PostgreSQL with the existing tables.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy.orm import Session

from ari_app.edge.errors import PhoneError
from crm.context import Crm
from crm.domain.beats import until_next
from crm.domain.errors import CrmError, Unavailable
from crm.store.changes import Standstill

Claim = TypeVar("Claim")
Result = TypeVar("Result")

RETRY_SECONDS = 5.0
"""Delay after trouble. If the database was unavailable, the worker may be woken sooner."""
PASSED_OVER_SECONDS = 1.0
"""Delay when a piece is due but cannot be claimed: another worker has it at the moment."""
SHORT_SECONDS = 5.0
"""What is checked at least this often is checked at the same moments as everything else with its period."""
CLOCK_SECONDS = 60.0
"""How often whoever sleeps looks at the clock, which costs nothing: if it was set, or the machine slept, a due time
comes sooner than calculated."""
LONGEST_SLEEP_SECONDS = 900.0
"""After this long a worker looks whatever it knows, for rows that were changed behind our back: by hand on PostgreSQL,
which sends no notification. Each takes a part of it at random, so that they do not all look at once."""

_log = logging.getLogger(__name__)


class Table(Protocol):
    """A model."""

    __tablename__: Any


class Worker(Generic[Claim, Result]):
    """One kind of work. `under_way` are the claims that are being worked on in this process."""

    name = ""
    """As `leaseline status` shows it."""
    wakes_on: tuple[type[Table], ...] = ()
    wake: asyncio.Event | None = None
    """Set to signal something that no row shows."""
    at_once = 1
    grace_seconds = 0.0
    has_more = False
    """Set by `claim` when it took nothing, but wants to be asked again at once, in another transaction."""

    def due(self, session: Session, now: datetime, under_way: Sequence[Claim]) -> datetime | None:
        """When the next piece is due; None: nothing could be started in addition to what is under way."""
        raise NotImplementedError

    async def prepare(self) -> None:
        """Looks up, before each claim, what the worker needs from outside the database. Nothing by default."""

    def claim(self, session: Session, now: datetime, under_way: Sequence[Claim]) -> Claim | None:
        """Takes the piece that has been due longest; None when another worker has it."""
        raise NotImplementedError

    async def work(self, claim: Claim) -> Result:
        """An exception counts as trouble, and nothing is recorded."""
        raise NotImplementedError

    def record(self, session: Session, claim: Claim, result: Result, now: datetime) -> None:
        """Nothing to record by default."""

    def clean_up(self, session: Session, under_way: Sequence[Claim], now: datetime) -> None:
        """By default nothing can be left half done."""


@dataclass(frozen=True)
class Trouble:
    what: str
    since: datetime


class Troubles:
    """What is not working at the moment, by worker name. `on_change` is called with it whenever it changes."""

    def __init__(
        self, now: Callable[[], datetime], on_change: Callable[[Mapping[str, Trouble]], None] = lambda found: None
    ) -> None:
        self._now, self._on_change = now, on_change
        self.found: dict[str, Trouble] = {}
        self._logged: dict[str, str] = {}
        """The latest error of each, which is logged once however often it recurs."""

    def failed(self, name: str, error: Exception) -> None:
        is_new = self._logged.get(name) != repr(error)
        self._logged[name] = repr(error)
        if isinstance(error, (CrmError, OSError, PhoneError)):
            what = str(error) or "It took too long."
            if is_new:
                _log.warning("%s: waits", name, extra={"reason": what})
        else:
            what = f"It failed in an unexpected way ({type(error).__name__}): the log has the details."
            if is_new:
                _log.error("%s: failed", name, exc_info=error)
        known = self.found.get(name)
        trouble = Trouble(what, known.since if known else self._now())
        if trouble != known:
            self.found[name] = trouble
            self._on_change(self.found)

    def well(self, name: str) -> None:
        if self.found.pop(name, None):
            del self._logged[name]
            _log.info("%s: works again", name)
            self._on_change(self.found)


async def keep(crm: Crm, worker: Worker[Any, Any], troubles: Troubles) -> None:
    """Runs the worker until it is cancelled; then work under way gets its `grace_seconds` to finish."""
    await _Keeper(crm, worker, troubles).run()


async def repeat(
    name: str,
    look: Callable[[], Awaitable[object]],
    seconds: float,
    troubles: Troubles,
    *,
    wake: asyncio.Event | None = None,
) -> None:
    """Checks periodically, until cancelled, for something that no row shows, such as a disk filling up."""
    wake = wake or asyncio.Event()
    while True:
        wake.clear()
        try:
            await look()
        except Exception as error:  # noqa: BLE001 - a door, as in `keep`
            troubles.failed(name, error)
            pause = min(seconds, CLOCK_SECONDS)
        else:
            troubles.well(name)
            pause = seconds if seconds > SHORT_SECONDS else until_next(seconds, asyncio.get_running_loop().time())
        await _until_woken(wake, pause)


async def _until_woken(wake: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await wake.wait()


def when_changed(
    crm: Crm, look: Callable[[], Awaitable[datetime | None]], *, also: Callable[[], object] = lambda: None
) -> Callable[[], Awaitable[None]]:
    """`look`, for `repeat`, left out while it would find what it found (`crm.store.changes.Standstill`).

    It returns when there is something to do though nothing changes, or None. `also` returns what it depends on besides
    rows and time.
    """
    still = Standstill(crm.store.changes)

    async def look_if_changed() -> None:
        state, now = still.state(also()), crm.now()
        if not still.lasts(state, now):
            still.looked(state, now, await look())

    return look_if_changed


class _Keeper(Generic[Claim, Result]):
    def __init__(self, crm: Crm, worker: Worker[Claim, Result], troubles: Troubles) -> None:
        self._crm, self._worker, self._troubles = crm, worker, troubles
        self._wake = worker.wake or asyncio.Event()
        self._under_way: dict[asyncio.Task[None], Claim] = {}
        self._is_clean = False

    async def run(self) -> None:
        tables = [table.__tablename__ for table in self._worker.wakes_on]
        try:
            with self._crm.store.changes.told(tables, self._wake.set):
                while True:
                    self._wake.clear()
                    await self._sleep(*await self._look())
        finally:
            await self._finish()

    async def _look(self) -> tuple[float, bool]:
        """Starts what is due. Returns how long to wait afterward, and whether something may end the wait sooner."""
        try:
            for task in [task for task in self._under_way if task.done()]:
                del self._under_way[task]
                task.result()
            if not self._is_clean:
                await self._crm.store.run(self._worker.clean_up, self._claims, self._crm.now())
                self._is_clean = True
            seconds = await self._begin_due()
        except Exception as error:  # noqa: BLE001 - a door: no error ends a worker
            # Whether a claim was committed is not known now.
            self._is_clean = False
            self._troubles.failed(self._worker.name, error)
            return RETRY_SECONDS, isinstance(error, Unavailable)
        if not self._under_way:
            self._troubles.well(self._worker.name)
        return seconds, True

    async def _begin_due(self) -> float:
        while len(self._under_way) < self._worker.at_once:
            now = self._crm.now()
            at = await self._crm.store.read(self._worker.due, now, self._claims)
            if at is None or at > now:
                return math.inf if at is None else (at - now) / timedelta(seconds=1)
            await self._worker.prepare()
            claim = await self._crm.store.run(self._worker.claim, now, self._claims)
            if claim is None:
                if self._worker.has_more:
                    continue
                return PASSED_OVER_SECONDS
            task = asyncio.create_task(self._carry_out(claim), name=self._worker.name)
            self._under_way[task] = claim
            task.add_done_callback(lambda _: self._wake.set())
        return math.inf

    async def _carry_out(self, claim: Claim) -> None:
        result = await self._worker.work(claim)
        while True:
            try:
                await self._crm.store.run(self._worker.record, claim, result, self._crm.now())
                return
            except Unavailable as error:
                self._troubles.failed(self._worker.name, error)
                await asyncio.sleep(RETRY_SECONDS)

    @property
    def _claims(self) -> list[Claim]:
        return list(self._under_way.values())

    async def _sleep(self, seconds: float, may_be_woken: bool) -> None:
        if not may_be_woken:
            await asyncio.sleep(seconds)
            return
        seconds = min(seconds, LONGEST_SLEEP_SECONDS * random.uniform(0.8, 1))
        loop, changes = asyncio.get_running_loop(), self._crm.store.changes
        at, until = self._crm.now() + timedelta(seconds=seconds), loop.time() + seconds
        while (left := min((at - self._crm.now()) / timedelta(seconds=1), until - loop.time())) > 0:
            await _until_woken(self._wake, min(left, CLOCK_SECONDS))
            if self._wake.is_set() or not changes.is_heard:
                return

    async def _finish(self) -> None:
        if not self._under_way:
            return
        _, running = await asyncio.wait(self._under_way, timeout=self._worker.grace_seconds)
        for task in running:
            task.cancel()
        for outcome in await asyncio.gather(*self._under_way, return_exceptions=True):
            if isinstance(outcome, Exception):
                _log.error("%s: broke off at the end", self._worker.name, exc_info=outcome)
