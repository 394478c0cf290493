"""The ledger of people who want no texts."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.store.models import OptOut


def in_force(session: Session, number: str) -> Sequence[OptOut]:
    """Entries of a number (E.164) that have not been ended, oldest first."""
    found = select(OptOut).where(OptOut.number == number, OptOut.ended_at.is_(None)).order_by(OptOut.id)
    return session.scalars(found).all()
