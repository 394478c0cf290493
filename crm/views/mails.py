"""Outgoing emails."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.store.models import Mail


class MailEntry(msgspec.Struct):
    """An outgoing email."""

    id: int
    to_address: str
    subject: str
    state: str
    """queued, sending, sent, failed, blocked, or unknown: it may have been sent, so it is not resent."""
    attempts: int
    error: str
    """Why it has not been sent; empty when it has."""
    created_at: datetime
    next_attempt_at: datetime | None
    sent_at: datetime | None
    voicemail: str | None
    """The voicemail whose audio is attached."""


def listed(session: Session, *, state: str | None = None, limit: int = 50) -> list[MailEntry]:
    """The newest first."""
    found = (
        select(
            Mail.id,
            Mail.to_address,
            Mail.subject,
            Mail.state,
            Mail.attempts,
            Mail.error,
            Mail.created_at,
            Mail.next_attempt_at,
            Mail.sent_at,
            Mail.voicemail_id.label("voicemail"),
        )
        .order_by(Mail.created_at.desc(), Mail.id.desc())
        .limit(limit)
    )
    if state is not None:
        found = found.where(Mail.state == state)
    return [MailEntry(**row._mapping) for row in session.execute(found)]
