"""The worker of the outbox, for texts and for mails: each leaves at most once, and one whose fate nobody knows never
again, unless a person says so.

A row goes from queued to sending in a transaction of its own, in which its `Transport` is asked whether it may leave.
It is handed over outside of any transaction, and then the row becomes sent, failed, unknown, or queued again for a
later try, as long as it is of use. Several are under way at once, one for each person, so that a carrier that does not
answer for one holds up no other. A row that is committed wakes the worker.

Texts and mails stay two tables: a text belongs to a thread both ways and has a gate and a carrier, a mail has a subject
and attachments, and neither would use the other's columns. What the worker needs of a row is `Sendable`.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from sqlalchemy import ColumnElement, and_, func, or_, select, true, update
from sqlalchemy.orm import Session

from crm.domain.delivery import DeliveryState, next_attempt
from crm.domain.errors import Unavailable
from crm.edge.delivery import DeliveryError, FateUnknown
from crm.services.outbox.outgoing import NOTICE
from crm.store.models import Sendable
from crm.store.session import Store

POLL_SECONDS = 5.0
"""Rows that another process committed are found within this time."""
RETRY_RECORD_SECONDS = 1.0
GRACE_SECONDS = 3.0
"""At shutdown what is under way may still get its answer."""

_LEFT_BEHIND = "Leaseline was stopped while this {} was being sent, so it may have arrived or not: {}"
_UNEXPECTED = "Sending failed in an unexpected way (the log has the details), so the {} may have arrived or not: {}"
logger = logging.getLogger(__name__)

Row = TypeVar("Row", bound=Sendable)
Out = TypeVar("Out")
"""What is handed over, as it was read when the row was claimed."""


class Retries(Protocol):
    """The settings by which a transport tries again."""

    @property
    def attempts(self) -> int: ...
    @property
    def first_retry_seconds(self) -> float: ...


class Transport(ABC, Generic[Row, Out]):
    """How one kind leaves: what texts and mails do not share."""

    what: ClassVar[str]
    """In words: text or mail."""
    advice: ClassVar[str]
    """What to do about one that may have arrived."""
    table: type[Row]
    to: ClassVar[str]
    """The column that says to whom; each of them gets one at a time."""
    retries: Retries
    at_once: int = 1

    def is_ready(self) -> bool:
        """Whether anything can leave at all."""
        return True

    def look(self, session: Session, now: datetime) -> None:
        """What is to be done with those that wait, before one is claimed."""

    def is_for_us(self, now: datetime) -> ColumnElement[bool]:
        """Which rows may be sent from here, of several systems on one database."""
        return true()

    @abstractmethod
    def claim(self, session: Session, row: Row, now: datetime) -> Out | None:
        """What is to be handed over; None when the row says that it may not leave now."""

    @abstractmethod
    def of_use_until(self, row: Row) -> datetime: ...

    def tries(self, row: Row) -> int:
        """Those that count when it is decided whether there is another one."""
        return row.attempts

    @abstractmethod
    async def send(self, out: Out, now: datetime) -> str:
        """Hands it over, and gives the other side's id of it, or none. Raises DeliveryError."""

    def sent(self, session: Session, row: Row, their_id: str, now: datetime) -> None:
        """What else is kept of one that was sent."""

    def refused(self, session: Session, row: Row, error: DeliveryError, now: datetime) -> None:
        """What else is kept of one that was not, or nobody knows."""


@dataclass(frozen=True)
class DeliveryClaim(Generic[Out]):
    """A row that is ours to send."""

    id: int
    to: str
    attempt: int
    out: Out


async def run(
    store: Store,
    transport: Transport[Row, Out],
    clock: Callable[[], datetime],
    held: Callable[[], bool] = lambda: False,
) -> None:
    """Sends what waits until it is cancelled. Several may run on one database, in one process or in many.

    While `held` (`crm.services.system.copies`) only those leave that tell the office's own people what is new since
    the start.

    What was being sent when it starts becomes unknown: whoever sent it is most likely dead. If they are alive after
    all, what they learn from the other side replaces that.
    """
    wake = asyncio.Event()
    under_way = UnderWay(transport.at_once, wake)
    settled, started = False, clock()
    try:
        with store.changes.told([transport.table.__tablename__], wake.set):
            while True:
                wake.clear()
                under_way.look()
                seconds = POLL_SECONDS
                try:
                    if not settled:
                        if await store.read(_is_any_left_behind, transport, under_way.ids):
                            await store.run(_settle, transport, under_way.ids)
                        settled = True
                    # Who only looks keeps nobody from writing, and right after a start there are calls to take up.
                    if await store.read(_is_any_queued, transport):
                        only_since = started if held() else None
                        while under_way.has_room and (
                            claim := await store.run(_claim, transport, under_way.people, clock(), only_since)
                        ):
                            under_way.begin(claim, _deliver(store, transport, claim, clock))
                        if transport.is_ready() and only_since is None:
                            seconds = await store.read(_pause, transport, clock(), busy=bool(under_way.people))
                except Unavailable as error:
                    # Whether a claim was committed is not known now, so rows in sending are looked at once more.
                    settled = False
                    logger.warning(
                        "the outbox waits for the database", extra={"what": transport.what, "reason": str(error)}
                    )
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await wake.wait()
    finally:
        await _finish(under_way.tasks)


class UnderWay:
    """What is being handed over at this moment.

    When as many in a row as may be under way got no answer, it is the other side that is silent, and not one person
    behind it: then one at a time goes on the way, so that few come to an unknown end, until there is an answer again.
    """

    def __init__(self, at_once: int, wake: asyncio.Event) -> None:
        self._at_once, self._wake = at_once, wake
        self._claims: dict[asyncio.Task[bool], DeliveryClaim[Any]] = {}
        self._unanswered = 0

    @property
    def tasks(self) -> Collection[asyncio.Task[bool]]:
        return self._claims.keys()

    @property
    def ids(self) -> list[int]:
        return [claim.id for claim in self._claims.values()]

    @property
    def people(self) -> list[str]:
        """To whom something is on its way: what comes next for them follows it."""
        return [claim.to for claim in self._claims.values()]

    @property
    def has_room(self) -> bool:
        return len(self._claims) < (1 if self._unanswered >= self._at_once else self._at_once)

    def begin(self, claim: DeliveryClaim[Any], delivering: Coroutine[None, None, bool]) -> None:
        task = asyncio.create_task(delivering, name=f"delivery {claim.id}")
        self._claims[task] = claim
        task.add_done_callback(lambda _: self._wake.set())

    def look(self) -> None:
        """Takes out what has come to an end; raises what a delivery raised."""
        for task in [task for task in self._claims if task.done()]:
            del self._claims[task]
            self._unanswered = 0 if task.result() else self._unanswered + 1


def _left_behind(transport: Transport[Row, Out], ours: Sequence[int]) -> ColumnElement[bool]:
    return and_(transport.table.state == DeliveryState.SENDING, transport.table.id.not_in(ours))


def _is_any_left_behind(session: Session, transport: Transport[Row, Out], ours: Sequence[int]) -> bool:
    return session.scalar(select(transport.table.id).where(_left_behind(transport, ours)).limit(1)) is not None


def _settle(session: Session, transport: Transport[Row, Out], ours: Sequence[int]) -> None:
    """What is in sending, and is none of `ours`."""
    why = _LEFT_BEHIND.format(transport.what, transport.advice)
    left = session.scalars(
        update(transport.table)
        .where(_left_behind(transport, ours))
        .values(state=DeliveryState.UNKNOWN, next_attempt_at=None, error=why)
        .returning(transport.table.id)
        .execution_options(synchronize_session=False)
    )
    for id in left.all():
        logger.warning("left behind in sending", extra={"what": transport.what, "id": id})


def _is_any_queued(session: Session, transport: Transport[Row, Out]) -> bool:
    queued = select(transport.table.id).where(transport.table.state == DeliveryState.QUEUED)
    return session.scalar(queued.limit(1)) is not None


def _claim(
    session: Session,
    transport: Transport[Row, Out],
    busy: Sequence[str],
    now: datetime,
    only_since: datetime | None,
) -> DeliveryClaim[Out] | None:
    """Takes the row that is due longest and goes to none of the `busy` people. Two workers never get the same one: only
    one of them finds it queued."""
    transport.look(session, now)
    if not transport.is_ready():
        return None
    table = transport.table
    due = (
        select(table.id)
        .where(
            table.state == DeliveryState.QUEUED,
            or_(table.next_attempt_at.is_(None), table.next_attempt_at <= now),
            getattr(table, transport.to).not_in(busy),
            transport.is_for_us(now),
        )
        .order_by(table.next_attempt_at, table.id)
        .limit(1)
        # PostgreSQL: another worker's row is passed over instead of waited for. SQLite has one writer at a time anyway.
        .with_for_update(skip_locked=True)
    )
    if only_since:
        # What the office's own people are told leaves also from a home that sends nothing else.
        due = due.where(table.key.startswith(NOTICE), table.created_at >= only_since)
    claim = (
        update(table)
        .where(table.id == due.scalar_subquery(), table.state == DeliveryState.QUEUED)
        .values(state=DeliveryState.SENDING, attempts=table.attempts + 1)
        .returning(table.id)
        .execution_options(synchronize_session=False)
    )
    while (id := session.scalar(claim)) is not None:
        row = session.get_one(table, id, populate_existing=True)
        if (out := transport.claim(session, row, now)) is not None:
            return DeliveryClaim(row.id, getattr(row, transport.to), row.attempts, out)
        # No try was made.
        row.attempts -= 1
        session.flush()
        logger.info("held back", extra={"what": transport.what, "id": id, "state": row.state, "reason": row.error})
    return None


def _pause(session: Session, transport: Transport[Row, Out], now: datetime, *, busy: bool) -> float:
    """Seconds to wait for the next row that is due, when nothing wakes the worker.

    One that is `busy` is woken when it is free for the rows that are due already.
    """
    table = transport.table
    next_one = select(func.min(table.next_attempt_at)).where(table.state == DeliveryState.QUEUED)
    due = session.scalar(next_one.where(table.next_attempt_at > now) if busy else next_one)
    return POLL_SECONDS if due is None else min(max((due - now).total_seconds(), 0.02), POLL_SECONDS)


async def _deliver(
    store: Store, transport: Transport[Row, Out], claim: DeliveryClaim[Out], clock: Callable[[], datetime]
) -> bool:
    """Whether the other side has answered, be it with a refusal."""
    result: str | DeliveryError
    try:
        result = await transport.send(claim.out, clock())
    except DeliveryError as error:
        result = error
    except Exception:
        # A door: one fault must neither stop the worker nor send anything twice.
        logger.exception("a delivery failed unexpectedly", extra={"what": transport.what, "id": claim.id})
        result = FateUnknown(_UNEXPECTED.format(transport.what, transport.advice), retryable=False)
    now = clock()
    await _recorded(lambda: store.run(_record, transport, claim, result, now), claim.id)
    return not isinstance(result, FateUnknown)


def _record(
    session: Session,
    transport: Transport[Row, Out],
    claim: DeliveryClaim[Out],
    result: str | DeliveryError,
    now: datetime,
) -> None:
    row = session.get(transport.table, claim.id, with_for_update=True)
    # Unknown, when another worker started meanwhile and took us for dead: we know better.
    is_ours = row and row.attempts == claim.attempt and row.state in (DeliveryState.SENDING, DeliveryState.UNKNOWN)
    if row is None or not is_ours:
        return
    if isinstance(result, DeliveryError):
        _after_failure(transport, row, result, now)
        transport.refused(session, row, result, now)
    else:
        row.state, row.next_attempt_at, row.error, row.sent_at = DeliveryState.SENT, None, "", now
        transport.sent(session, row, result, now)
    facts = {"what": transport.what, "id": row.id, "state": row.state, "attempts": row.attempts, "reason": row.error}
    logger.log(logging.INFO if row.state == DeliveryState.SENT else logging.WARNING, "delivery recorded", extra=facts)


def _after_failure(transport: Transport[Row, Out], row: Row, error: DeliveryError, now: datetime) -> None:
    """The row is queued again, failed, or unknown."""
    row.next_attempt_at, row.error = None, str(error)[:300]
    if isinstance(error, FateUnknown):
        row.state = DeliveryState.UNKNOWN
        return
    row.state, row.sent_at = DeliveryState.FAILED, None
    if not error.retryable:
        return
    tries = transport.tries(row)
    again = next_attempt(
        tries,
        now,
        most=transport.retries.attempts,
        first_retry_seconds=transport.retries.first_retry_seconds,
        retry_after_seconds=error.retry_after_seconds,
        of_use_until=transport.of_use_until(row),
    )
    if again:
        row.state, row.next_attempt_at = DeliveryState.QUEUED, again
    else:
        row.error = f"Given up after {tries} {'try' if tries == 1 else 'tries'}. {error}"[:300]


async def _recorded(record: Callable[[], Awaitable[None]], id: int) -> None:
    """Writes what became of a row, however long the database is away.

    If the process ends first, the row is found in sending.
    """
    while True:
        try:
            return await record()
        except Unavailable as error:
            logger.warning("what became of a delivery waits for the database", extra={"id": id, "reason": str(error)})
            await asyncio.sleep(RETRY_RECORD_SECONDS)


async def _finish(deliveries: Collection[asyncio.Task[bool]]) -> None:
    """At shutdown: a moment for what is under way, so that little is left in doubt; then it is cut off."""
    if not deliveries:
        return
    done, running = await asyncio.wait(deliveries, timeout=GRACE_SECONDS)
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running)
    for task in done:
        if not task.cancelled() and (error := task.exception()):
            logger.error("a delivery broke off at shutdown", exc_info=error)
