"""The worker that sends texts and emails: each at most once. One whose fate is unknown is sent again only if a person
says so.

A row goes from queued to sending in a transaction of its own, in which its `Transport` decides whether it may leave. It
is handed over outside of any transaction; then the row becomes sent, failed, unknown, or queued again for a later
attempt while it is still of use. Several are under way at once, but only one per recipient, so that a carrier that does
not answer about one does not hold up the others. A committed row wakes the worker.

Texts and emails are kept in two tables: a text belongs to a two-way thread and has a gate and a carrier, an email has a
subject and attachments, and neither would use the other's columns. `Sendable` is what the worker needs of a row.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from sqlalchemy import ColumnElement, Select, select, true, update
from sqlalchemy.orm import Session

from crm.context import Crm
from crm.domain.counting import counted
from crm.domain.delivery import DeliveryState, next_attempt
from crm.edge.delivery import DeliveryError, FateUnknown
from crm.services.outbox.outgoing import NOTICE
from crm.store.models import Sendable
from crm.worker import Worker

HELD = timedelta(seconds=5)
"""How often to check again whether a home that may be a copy still may be one."""
HELD_BACK_AT_ONCE = 25
"""Rows put off in one transaction at most: in the evening, thousands may begin to wait for the morning."""

_LEFT_BEHIND = "Leaseline was stopped while this {} was being sent, so it may or may not have arrived: {}"
_UNEXPECTED = "Sending failed in an unexpected way (the log has the details), so the {} may or may not have arrived: {}"
logger = logging.getLogger(__name__)

Row = TypeVar("Row", bound=Sendable)
Out = TypeVar("Out")
"""What is handed over, read when the row was claimed."""


class Retries(Protocol):
    """The settings for a transport's retries."""

    @property
    def attempts(self) -> int: ...
    @property
    def first_retry_seconds(self) -> float: ...


class Transport(ABC, Generic[Row, Out]):
    """How one kind is sent: everything in which texts and emails differ."""

    what: ClassVar[str]
    """The kind, in words: text or mail."""
    advice: ClassVar[str]
    """What to do about one that may have arrived."""
    table: type[Row]
    to: ClassVar[str]
    """The column with the recipient; each recipient gets one at a time."""
    retries: Retries
    at_once: int = 1

    def is_ready(self) -> bool:
        """Whether anything can be sent at all."""
        return True

    def look(self, session: Session, now: datetime) -> None:
        """Does what is due for the waiting rows, before one is claimed."""

    def look_due(self, session: Session, now: datetime) -> datetime | None:
        """When `look` next has something to do; None: never."""
        return None

    def is_for_us(self, now: datetime) -> ColumnElement[bool]:
        """Which rows may be sent from here, if several systems share the database."""
        return true()

    @abstractmethod
    def claim(self, session: Session, row: Row, now: datetime) -> Out | None:
        """What to hand over; None if it may not leave now, which the row then says."""

    @abstractmethod
    def of_use_until(self, row: Row) -> datetime: ...

    def tries(self, row: Row) -> int:
        """The attempts that count toward the limit."""
        return row.attempts

    @abstractmethod
    async def send(self, out: Out, now: datetime) -> str:
        """Hands it over, and returns the other side's id for it, or "". Raises DeliveryError."""

    def sent(self, session: Session, row: Row, their_id: str, now: datetime) -> None:
        """Records what else is known about one that was sent."""

    def refused(self, session: Session, row: Row, error: DeliveryError, now: datetime) -> None:
        """Records what else is known about one that failed, or whose fate is unknown."""


@dataclass(frozen=True)
class DeliveryClaim(Generic[Out]):
    """A row that is ours to send."""

    id: int
    to: str
    attempt: int
    out: Out


@dataclass(frozen=True)
class DeliveryResult:
    """What the other side said, and when."""

    answer: str | DeliveryError
    """Its id for what it accepted, or ""; or why it did not accept it."""
    at: datetime


class Outbox(Worker[DeliveryClaim[Out], DeliveryResult], Generic[Row, Out]):
    """Sends what is waiting. Several workers may share a database, in one process or in many.

    While `held` (`crm.services.system.copies`), only notices to the office's own people that were queued after the
    start are sent.

    Rows found in sending at the start become unknown, because their sender is most likely dead. If it is alive after
    all, its result replaces that.

    When as many in a row as may be under way get no answer, the other side is down, and not just one recipient out of
    reach. From then on they are sent one at a time until there is an answer again, so that few end up unknown.
    """

    grace_seconds = 3.0

    def __init__(self, crm: Crm, transport: Transport[Row, Out], held: Callable[[], bool] = lambda: False) -> None:
        self.name = f"outgoing {transport.what}s"
        self.wakes_on = (transport.table,)
        self.at_once = transport.at_once
        self._now, self._transport, self._held = crm.now, transport, held
        self._started = crm.now()
        self._unanswered = 0

    def due(self, session: Session, now: datetime, under_way: Sequence[DeliveryClaim[Out]]) -> datetime | None:
        found = [self._transport.look_due(session, now)]
        if self._transport.is_ready():
            is_held = self._held()
            found.append(session.scalar(self._next(self._transport.table.next_attempt_at, under_way, now, is_held)))
            if is_held:
                found.append(now + HELD)
        return min((at for at in found if at), default=None)

    def claim(
        self, session: Session, now: datetime, under_way: Sequence[DeliveryClaim[Out]]
    ) -> DeliveryClaim[Out] | None:
        """Claims the row that has been due longest, for a recipient who has none under way. Two workers never get the
        same one: only one of them finds it queued."""
        transport, table = self._transport, self._transport.table
        self.has_more = False
        held_back = 0
        transport.look(session, now)
        if not transport.is_ready():
            return None
        # PostgreSQL: a row of another worker is skipped rather than waited for. SQLite has one writer at a time anyway.
        due = self._next(table.id, under_way, now, self._held()).where(table.next_attempt_at <= now)
        claim = (
            update(table)
            .where(
                table.id == due.with_for_update(skip_locked=True).scalar_subquery(),
                table.state == DeliveryState.QUEUED,
            )
            .values(state=DeliveryState.SENDING, attempts=table.attempts + 1)
            .returning(table.id)
            .execution_options(synchronize_session=False)
        )
        while (id := session.scalar(claim)) is not None:
            row = session.get_one(table, id, populate_existing=True)
            if (out := transport.claim(session, row, now)) is not None:
                return DeliveryClaim(row.id, getattr(row, transport.to), row.attempts, out)
            # No attempt was made.
            row.attempts -= 1
            session.flush()
            held_back += 1
            logger.info("held back", extra={"what": transport.what, "id": id, "state": row.state, "reason": row.error})
            if held_back == HELD_BACK_AT_ONCE:
                self.has_more = True
                return None
        return None

    async def work(self, claim: DeliveryClaim[Out]) -> DeliveryResult:
        transport = self._transport
        answer: str | DeliveryError
        try:
            answer = await transport.send(claim.out, self._now())
        except DeliveryError as error:
            answer = error
        except Exception:
            # A door: one fault must neither stop the worker nor send anything twice.
            logger.exception("a delivery failed unexpectedly", extra={"what": transport.what, "id": claim.id})
            answer = FateUnknown(_UNEXPECTED.format(transport.what, transport.advice), retryable=False)
        self._unanswered = self._unanswered + 1 if isinstance(answer, FateUnknown) else 0
        self.at_once = 1 if self._unanswered >= transport.at_once else transport.at_once
        return DeliveryResult(answer, self._now())

    def record(self, session: Session, claim: DeliveryClaim[Out], result: DeliveryResult, now: datetime) -> None:
        _record(session, self._transport, claim, result.answer, result.at)

    def clean_up(self, session: Session, under_way: Sequence[DeliveryClaim[Out]], now: datetime) -> None:
        """Marks rows in sending that are not under way here as unknown."""
        transport, table = self._transport, self._transport.table
        left = session.scalars(
            update(table)
            .where(table.state == DeliveryState.SENDING, table.id.not_in([claim.id for claim in under_way]))
            .values(
                state=DeliveryState.UNKNOWN,
                next_attempt_at=None,
                error=_LEFT_BEHIND.format(transport.what, transport.advice),
            )
            .returning(table.id)
            .execution_options(synchronize_session=False)
        )
        for id in left.all():
            logger.warning("left behind in sending", extra={"what": transport.what, "id": id})

    def _next(
        self, column: Any, under_way: Sequence[DeliveryClaim[Out]], now: datetime, is_held: bool
    ) -> Select[tuple[Any]]:
        """Selects this column of the next row to send; a recipient gets the next one when none is under way to them."""
        transport, table = self._transport, self._transport.table
        found = select(column).where(
            table.state == DeliveryState.QUEUED,
            getattr(table, transport.to).not_in([claim.to for claim in under_way]),
            transport.is_for_us(now),
        )
        if is_held:
            # Notices to the office's own people are sent even from a home that sends nothing else.
            found = found.where(table.key.startswith(NOTICE), table.created_at >= self._started)
        return found.order_by(table.next_attempt_at, table.id).limit(1)


def _record(
    session: Session,
    transport: Transport[Row, Out],
    claim: DeliveryClaim[Out],
    result: str | DeliveryError,
    now: datetime,
) -> None:
    row = session.get(transport.table, claim.id, with_for_update=True)
    # It is unknown if another worker has started meanwhile and took us for dead; we know better.
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
    """Sets the row to queued again, failed, or unknown."""
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
        row.error = f"Given up after {counted(tries, 'try', 'tries')}. {error}"[:300]
