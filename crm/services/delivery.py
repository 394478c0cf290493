"""What the outboxes of texts and mails share: what a failure means for a row, when to look again, and a shutdown that
leaves nothing in doubt."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from crm.config import Mail, Texts
from crm.domain.errors import Unavailable
from crm.edge.carrier import CarrierError, CarrierUnknown
from crm.edge.mail import MailError, MailUnknown
from crm.store.models import Mail as MailRow
from crm.store.models import Message
from crm.store.session import Store

POLL_SECONDS = 5.0
"""Rows that another process committed are found within this time."""
RETRY_RECORD_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 3600.0
GRACE_SECONDS = 3.0
"""At shutdown what is under way may still get its answer."""

_log = logging.getLogger(__name__)


def next_attempt(
    settings: Texts | Mail, attempts: int, retry_after_seconds: float | None, now: datetime
) -> datetime | None:
    """When to try again after so many failed attempts; None gives up."""
    if attempts >= settings.attempts:
        return None
    # The exponent is bounded, or a long list of attempts would overflow a float.
    backoff = min(settings.first_retry_seconds * 2.0 ** min(attempts - 1, 40), LONGEST_BACKOFF_SECONDS)
    return now + timedelta(seconds=max(backoff, retry_after_seconds or 0.0))


def after_failure(
    error: CarrierError | MailError, settings: Texts | Mail, attempts: int, now: datetime
) -> dict[str, object]:
    """The columns of a row whose sending failed so: queued again, failed, or unknown."""
    if isinstance(error, (CarrierUnknown, MailUnknown)):
        return {"state": "unknown", "next_attempt_at": None, "error": str(error)[:300]}
    if not error.retryable:
        return {"state": "failed", "next_attempt_at": None, "error": str(error)[:300]}
    asked = error.retry_after_seconds if isinstance(error, CarrierError) else None
    if again := next_attempt(settings, attempts, asked, now):
        return {"state": "queued", "next_attempt_at": again, "error": str(error)[:300]}
    given_up = f"Given up after {attempts} tries. {error}"
    return {"state": "failed", "next_attempt_at": None, "error": given_up[:300]}


async def pause(store: Store, table: type[Message | MailRow], now: datetime) -> float:
    """Seconds to wait for the next row that is due, when nothing wakes the worker."""
    async with store.read() as session:
        due = await session.scalar(select(func.min(table.next_attempt_at)).where(table.state == "queued"))
    return POLL_SECONDS if due is None else min(max((due - now).total_seconds(), 0.02), POLL_SECONDS)


async def recorded(record: Callable[[], Awaitable[None]], what: dict[str, Any]) -> None:
    """Writes what became of a row, however long the database is away; `what` tells the log which row it is.

    Nothing else is sent before. If the process ends first, the row is found in sending.
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
        _, running = await asyncio.wait({task}, timeout=GRACE_SECONDS)
        if running:
            task.cancel()
            await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()):
            _log.error("a delivery broke off at shutdown", exc_info=error)
        raise
