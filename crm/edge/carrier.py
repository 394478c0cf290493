"""What every carrier of texts implements, and what a carrier brings. How a text can fail: crm.edge.delivery."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from crm.edge.delivery import DeliveryError, FateUnknown


@dataclass(frozen=True)
class OutgoingText:
    """One text on its way to one person, and which try this is."""

    key: str
    """What the text is for; the same on every try, and different for every other text."""
    to_number: str
    from_number: str
    body: str = field(repr=False)
    attempt: int = 1
    """1 on the first try."""


class CarrierError(DeliveryError):
    """The text was not sent."""

    def __init__(
        self, message: str, *, retryable: bool, retry_after_seconds: float | None = None, opted_out: bool = False
    ) -> None:
        super().__init__(message, retryable=retryable, retry_after_seconds=retry_after_seconds)
        self.opted_out = opted_out
        """The carrier says that the person wants no texts from us."""


class CarrierUnknown(CarrierError, FateUnknown):
    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)


class Carrier(Protocol):
    async def send(self, text: OutgoingText) -> str | None:
        """Returns when the carrier has taken the text: the carrier's id of it, None when it gives none.

        Raises CarrierError, CarrierUnknown.
        """


# --- what a carrier brings ---


@dataclass(frozen=True)
class IncomingText:
    """A text that somebody wrote to one of our numbers, as the carrier told it."""

    carrier: str
    """sip, twilio or telnyx."""
    carrier_id: str
    """The carrier's id; a text that comes with the same one again is the same text."""
    from_number: str
    """As the carrier wrote it: mostly E.164, but a short code or a name, too."""
    to_number: str
    body: str = field(repr=False)
    at: datetime
    media: tuple[str, ...] = ()
    """Links to pictures and other files, which stay with the carrier."""
    answered: str = ""
    """stop, start or help: the carrier took the text for that keyword, did what it asks for, and has answered it."""


_KEYWORDS = {"stop": "stop", "opt_out": "stop", "start": "start", "opt_in": "start", "help": "help", "info": "help"}


def answered(said: object) -> str:
    """`IncomingText.answered` from what a carrier calls it: STOP, START, HELP in any case; "" for anything else."""
    return _KEYWORDS.get(said.strip().lower(), "") if isinstance(said, str) else ""


class Fate(StrEnum):
    DELIVERED = "delivered"
    FAILED = "failed"
    OPTED_OUT = "opted_out"


@dataclass(frozen=True)
class DeliveryReport:
    """What the carrier says, later, of a text that it took."""

    carrier: str
    key: str
    """OutgoingText.key, when the report's address names it; "" otherwise."""
    carrier_id: str
    fate: Fate
    reason: str = ""
    """One sentence; "" when it was delivered."""


class Forged(Exception):
    """A request that does not prove to come from the carrier. The text says what is wrong, and nothing of it."""


class UnreadableRequest(Exception):
    """A request that comes from the carrier and is not what its documentation describes."""
