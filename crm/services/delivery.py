"""What the outboxes of texts and mails share: when to try again, and a shutdown that leaves nothing in doubt."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from datetime import datetime, timedelta

from crm.config import Mail, Texts

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
