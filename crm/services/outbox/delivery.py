"""What the outboxes of texts and mails share: what a failure means for a row, when to look again, and a shutdown that
leaves nothing in doubt."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from crm.config import Mail, Texts
from crm.domain.delivery import DeliveryState, next_attempt
from crm.domain.errors import Unavailable
from crm.edge.carrier import CarrierError, CarrierUnknown
from crm.edge.mail import MailError, MailUnknown
from crm.store.models import Mail as MailRow
from crm.store.models import Message

NOTICE = "notice:"
"""In front of the keys of texts and mails that tell the office's own people something."""
POLL_SECONDS = 5.0
"""Rows that another process committed are found within this time."""
RETRY_RECORD_SECONDS = 1.0
GRACE_SECONDS = 3.0
"""At shutdown what is under way may still get its answer."""

_log = logging.getLogger(__name__)


def after_failure(
    error: CarrierError | MailError,
    settings: Texts | Mail,
    attempts: int,
    now: datetime,
    of_use_until: datetime | None = None,
) -> dict[str, object]:
    """The columns of a row whose sending failed so: queued again, failed, or unknown."""
    if isinstance(error, (CarrierUnknown, MailUnknown)):
        return {"state": DeliveryState.UNKNOWN, "next_attempt_at": None, "error": str(error)[:300]}
    if not error.retryable:
        return {"state": DeliveryState.FAILED, "next_attempt_at": None, "error": str(error)[:300]}
    asked = error.retry_after_seconds if isinstance(error, CarrierError) else None
    if again := next_attempt(
        attempts,
        now,
        most=settings.attempts,
        first_retry_seconds=settings.first_retry_seconds,
        retry_after_seconds=asked,
        of_use_until=of_use_until,
    ):
        return {"state": DeliveryState.QUEUED, "next_attempt_at": again, "error": str(error)[:300]}
    given_up = f"Given up after {attempts} {'try' if attempts == 1 else 'tries'}. {error}"
    return {"state": DeliveryState.FAILED, "next_attempt_at": None, "error": given_up[:300]}


def fresh_notice(table: type[Message | MailRow], since: datetime) -> ColumnElement[bool]:
    """What the office's own people are told since then, as a condition: it leaves also from a home that sends nothing
    else."""
    return and_(table.key.startswith(NOTICE), table.created_at >= since)


def pause(session: Session, table: type[Message | MailRow], now: datetime, *, busy: bool = False) -> float:
    """Seconds to wait for the next row that is due, when nothing wakes the worker.

    One that is `busy` is woken when it is free for the rows that are due already.
    """
    next_one = select(func.min(table.next_attempt_at)).where(table.state == DeliveryState.QUEUED)
    due = session.scalar(next_one.where(table.next_attempt_at > now) if busy else next_one)
    return POLL_SECONDS if due is None else min(max((due - now).total_seconds(), 0.02), POLL_SECONDS)


async def recorded(record: Callable[[], Awaitable[None]], what: dict[str, Any]) -> None:
    """Writes what became of a row, however long the database is away; `what` tells the log which row it is.

    If the process ends first, the row is found in sending.
    """
    while True:
        try:
            return await record()
        except Unavailable as error:
            _log.warning("what became of a delivery waits for the database", extra={**what, "reason": str(error)})
            await asyncio.sleep(RETRY_RECORD_SECONDS)


async def through(delivery: Coroutine[None, None, None]) -> None:
    """Runs a delivery to its end; a cancellation waits a moment for it, so that a shutdown leaves nothing in doubt."""
    task = asyncio.ensure_future(delivery)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await finish({task})
        raise


async def finish(deliveries: Collection[asyncio.Task[Any]]) -> None:
    """At shutdown: a moment for what is under way, then it is cut off."""
    if not deliveries:
        return
    done, running = await asyncio.wait(deliveries, timeout=GRACE_SECONDS)
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running)
    for task in done:
        if not task.cancelled() and (error := task.exception()):
            _log.error("a delivery broke off at shutdown", exc_info=error)
