"""What every carrier of texts implements, and the ways a text can fail.

CarrierError(retryable)   the text was certainly not delivered; `retryable` says whether another try can succeed
└── CarrierUnknown        nobody can say whether it was delivered; a second try could text a person twice
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class OutgoingText:
    """One text on its way to one person, and which try this is."""

    key: str
    """What the text is for; the same on every try, and unlike that of every other text."""
    to_number: str
    from_number: str
    body: str = field(repr=False)
    attempt: int = 1
    """1 on the first try."""


class CarrierError(Exception):
    """The text was not sent. The message is one sentence for the person who looks at the text, and holds no number."""

    def __init__(self, message: str, *, retryable: bool, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds
        """How long the carrier asked to be left alone; None when it did not say."""


class CarrierUnknown(CarrierError):
    """The text may have been sent or not."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)


class Carrier(Protocol):
    async def send(self, text: OutgoingText) -> None:
        """Returns when the carrier has taken the text; raises CarrierError or CarrierUnknown."""
