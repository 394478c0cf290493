"""The ways a text or a mail can fail to be handed over.

DeliveryError(retryable)   it was certainly not delivered; `retryable` says whether another try can succeed
├── CarrierError           a text (crm.edge.carrier)
├── MailError              a mail (crm.edge.mail)
└── FateUnknown            nobody can say whether it was delivered; a second try could reach a person twice
    ├── CarrierUnknown
    └── MailUnknown
"""

from __future__ import annotations


class DeliveryError(Exception):
    """It was not sent. The message is one sentence for the person who looks at it, without numbers or addresses."""

    def __init__(self, message: str, *, retryable: bool, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds
        """How long the other side asked to be left alone; None when it did not say."""


class FateUnknown(DeliveryError):
    """It may have been sent or not."""
