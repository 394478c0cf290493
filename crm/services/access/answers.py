"""Answers that are kept for a day, so that a request which is sent again does nothing again (Idempotency-Key,
draft-ietf-httpapi-idempotency-key-header).

An answer commits together with what the request did. Of two that come at once the second waits for the first, and
finds its answer: SQLite lets one write at a time, and on PostgreSQL the unique name makes the second fail, and the
store tries it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crm.domain.errors import Invalid
from crm.store.models import KeptAnswer

KEPT = timedelta(hours=24)
LONGEST_NAME = 255
AT_ONCE = 500
"""Old answers that are removed in one transaction."""


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    status: int
    location: str
    """Where what was made is found; empty: nothing was made."""
    body: bytes
    is_again: bool = False
    """It was given before, to the same request."""


def once(
    session: Session, key_id: int, name: str, fingerprint: str, now: datetime, act: Callable[[], GivenAnswer]
) -> GivenAnswer:
    """What `act` answers, or has answered to the request with this name. When it raises, nothing is kept: nothing was
    done.

    `fingerprint` tells whether it is the same request; raises Invalid if it is not.
    """
    kept = session.scalars(select(KeptAnswer).where(KeptAnswer.key_id == key_id, KeptAnswer.name == name)).first()
    if kept is not None and kept.made_at <= now - KEPT:
        session.delete(kept)
        session.flush()
        kept = None
    if kept is not None:
        if kept.fingerprint != fingerprint:
            raise Invalid(
                "This Idempotency-Key belongs to another request: use a new one for each.",
                code="idempotency_key_reused",
            )
        return GivenAnswer(kept.status, kept.location, kept.body, is_again=True)
    given = act()
    session.add(
        KeptAnswer(
            key_id=key_id,
            name=name,
            fingerprint=fingerprint,
            status=given.status,
            location=given.location,
            body=given.body,
            made_at=now,
        )
    )
    session.flush()
    return given


def forget(session: Session, now: datetime) -> int:
    """Removes some of those that have been kept for long enough; gives how many."""
    old = select(KeptAnswer.id).where(KeptAnswer.made_at <= now - KEPT).limit(AT_ONCE)
    gone = delete(KeptAnswer).where(KeptAnswer.id.in_(old)).returning(KeptAnswer.id)
    return len(session.scalars(gone.execution_options(synchronize_session=False)).all())
