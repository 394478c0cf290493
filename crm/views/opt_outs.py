"""The ledger of people who want no texts, or no news by email."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crm.store.models import OptOut


class OptOutEntry(msgspec.Struct):
    """An entry of the ledger; it is ended, never deleted."""

    number: str
    """E.164; empty: it is about an email address."""
    address: str
    """In lower case; empty: it is about a number."""
    scope: str
    """texts, or all: neither texts nor calls from us; of an address, news."""
    source: str
    """How it became known: keyword, sentence, carrier, link or admin."""
    evidence: str
    """The words, the carrier's error, or the admin's reason."""
    message: int | None
    """The text that said so, or the one that the carrier refused."""
    created_at: datetime
    ended_at: datetime | None
    """When the person opted back in; null while it is in force."""
    ended_source: str
    ended_evidence: str


def listed(session: Session, *, with_ended: bool = False, limit: int = 50) -> list[OptOutEntry]:
    """The newest first."""
    found = _ENTRY.limit(limit)
    if not with_ended:
        found = found.where(OptOut.ended_at.is_(None))
    return [OptOutEntry(**row._mapping) for row in session.execute(found)]


def of(session: Session, numbers: Sequence[str], addresses: Sequence[str], *, limit: int = 50) -> list[OptOutEntry]:
    """Those of these numbers (E.164) and email addresses, in force or ended, the newest first."""
    theirs = or_(OptOut.number.in_({*numbers} - {""}), OptOut.address.in_({one.lower() for one in addresses} - {""}))
    return [OptOutEntry(**row._mapping) for row in session.execute(_ENTRY.where(theirs).limit(limit))]


_ENTRY = select(
    OptOut.number,
    OptOut.address,
    OptOut.scope,
    OptOut.source,
    OptOut.evidence,
    OptOut.message_id.label("message"),
    OptOut.created_at,
    OptOut.ended_at,
    OptOut.ended_source,
    OptOut.ended_evidence,
).order_by(OptOut.created_at.desc(), OptOut.id.desc())
