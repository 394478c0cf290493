"""How far a text or a mail has come, and when one that did not get through is tried again. Pure."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from enum import StrEnum

LONGEST_BACKOFF_SECONDS = 3600.0
JITTER = 0.2


class DeliveryState(StrEnum):
    """Where a text or a mail of ours is in the outbox; a text of theirs is received."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    """The carrier says that the phone has it; most never say, and mail servers never do."""
    FAILED = "failed"
    BLOCKED = "blocked"
    """Not to be sent, for the reasons stored with it: the gate's, the carrier's, or those of whoever withdrew it."""
    UNKNOWN = "unknown"
    """Handed over, but the answer never came: it may have arrived, so it is not sent again."""
    RECEIVED = "received"


def next_attempt(
    attempts: int,
    now: datetime,
    *,
    most: int,
    first_retry_seconds: float,
    retry_after_seconds: float | None = None,
    of_use_until: datetime | None = None,
) -> datetime | None:
    """When to try again after so many failed attempts; None gives up, because that were too many, or too late.

    `most` of 0 is no limit; `retry_after_seconds` is what the other side has asked for.
    """
    if most and attempts >= most:
        return None
    # The exponent is bounded, or a long list of attempts would overflow a float.
    backoff = min(first_retry_seconds * 2.0 ** min(attempts - 1, 40), LONGEST_BACKOFF_SECONDS)
    # Those that failed together are not retried together.
    backoff *= random.uniform(1 - JITTER, 1 + JITTER)
    again = now + timedelta(seconds=max(backoff, retry_after_seconds or 0.0))
    return again if of_use_until is None or again < of_use_until else None
