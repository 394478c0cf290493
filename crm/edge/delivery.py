"""How handing over a text or an email can fail.

DeliveryError(retryable)   it was certainly not sent; `retryable` says whether another attempt can succeed
├── CarrierError           a text (crm.edge.carrier)
├── MailError              an email (crm.edge.mail)
└── FateUnknown            nobody can say whether it was sent; another attempt could reach the person twice
    ├── CarrierUnknown
    └── MailUnknown
"""

from __future__ import annotations


class DeliveryError(Exception):
    """It was not sent. The message is one sentence for whoever looks at it, without phone numbers or addresses."""

    def __init__(self, message: str, *, retryable: bool, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds
        """How long the other side asks us to wait; None if it does not say."""


class FateUnknown(DeliveryError):
    """It may or may not have been sent."""
