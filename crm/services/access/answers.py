"""Responses kept for a day, so that a repeated request is not carried out twice (Idempotency-Key,
draft-ietf-httpapi-idempotency-key-header).

A response is committed together with the request's changes. Of two requests at once, the second waits and finds the
first one's response: SQLite allows one writer at a time, and on PostgreSQL the unique name makes the second fail, and
the store retries it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from crm.domain.errors import Invalid
from crm.store.models import KeptAnswer

KEPT = timedelta(hours=24)
LONGEST_NAME = 255
AT_ONCE = 500
"""Expired responses deleted per transaction."""


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    status: int
    location: str
    """Path of the created record; empty: none was created."""
    body: bytes
    is_again: bool = False
    """Whether it was given before, to the same request."""


def once(
    session: Session, key_id: int, name: str, fingerprint: str, now: datetime, act: Callable[[], GivenAnswer]
) -> GivenAnswer:
    """The response of `act`, or the one already given to the request with this name. If `act` raises, nothing is kept,
    because nothing was done.

    `fingerprint` identifies the request. Raises Invalid if the name was used for another one.
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


def next_end(session: Session) -> datetime | None:
    """When the next response expires; None: there is none."""
    first = session.scalar(select(func.min(KeptAnswer.made_at)))
    return first + KEPT if first else None


def forget(session: Session, now: datetime) -> int:
    """Deletes a batch of expired responses; returns how many."""
    old = select(KeptAnswer.id).where(KeptAnswer.made_at <= now - KEPT).limit(AT_ONCE)
    gone = delete(KeptAnswer).where(KeptAnswer.id.in_(old)).returning(KeptAnswer.id)
    return len(session.scalars(gone.execution_options(synchronize_session=False)).all())
