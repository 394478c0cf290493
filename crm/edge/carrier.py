"""The interface that every carrier of texts implements, and what carriers deliver to us.

How sending can fail: crm.edge.delivery.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from crm.edge.delivery import DeliveryError, FateUnknown


@dataclass(frozen=True)
class OutgoingText:
    """One text to one person, and the number of this attempt."""

    key: str
    """Identifies the text; the same on every attempt, and different for every other text."""
    to_number: str
    from_number: str
    body: str = field(repr=False)
    attempt: int = 1
    """1 on the first attempt."""


class CarrierError(DeliveryError):
    """The text was certainly not sent."""

    def __init__(
        self, message: str, *, retryable: bool, retry_after_seconds: float | None = None, opted_out: bool = False
    ) -> None:
        super().__init__(message, retryable=retryable, retry_after_seconds=retry_after_seconds)
        self.opted_out = opted_out
        """Whether the carrier says that the person wants no texts from us."""


class CarrierUnknown(CarrierError, FateUnknown):
    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)


class Carrier(Protocol):
    async def send(self, text: OutgoingText) -> str | None:
        """Returns once the carrier has accepted the text, with the carrier's id, or None if it gives none.

        Raises CarrierError, CarrierUnknown.
        """


# --- what a carrier delivers ---


@dataclass(frozen=True)
class IncomingText:
    """A text that somebody sent to one of our numbers, as the carrier reported it."""

    carrier: str
    """sip, twilio or telnyx."""
    carrier_id: str
    """The carrier's id; a text that arrives again with the same id is the same text."""
    from_number: str
    """As the carrier wrote it: mostly E.164, but it may be a short code or a name."""
    to_number: str
    body: str = field(repr=False)
    at: datetime
    media: tuple[str, ...] = ()
    """Links to pictures and other files, which stay with the carrier."""
    answered: str = ""
    """stop, start or help if the carrier recognized that keyword, acted on it and replied; else empty."""


_KEYWORDS = {"stop": "stop", "opt_out": "stop", "start": "start", "opt_in": "start", "help": "help", "info": "help"}


def answered(said: object) -> str:
    """`IncomingText.answered` from the carrier's own word: STOP, START or HELP in any case; "" for anything else."""
    return _KEYWORDS.get(said.strip().lower(), "") if isinstance(said, str) else ""


class Fate(StrEnum):
    DELIVERED = "delivered"
    FAILED = "failed"
    OPTED_OUT = "opted_out"


@dataclass(frozen=True)
class DeliveryReport:
    """What the carrier later reports about a text it accepted."""

    carrier: str
    key: str
    """OutgoingText.key, if the report's URL names it; else empty."""
    carrier_id: str
    fate: Fate
    reason: str = ""
    """One sentence; empty if the text was delivered."""


class Forged(Exception):
    """A request that cannot be shown to come from the carrier. The message says what is wrong and quotes none of it."""


class UnreadableRequest(Exception):
    """A request that comes from the carrier but does not match its documentation."""
