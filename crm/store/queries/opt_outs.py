"""The ledger of people who want no texts, or no news by email."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from crm.store.models import OptOut


def in_force(session: Session, number: str) -> Sequence[OptOut]:
    """Entries of a number (E.164) that have not been ended, oldest first."""
    return _in_force(session, OptOut.number == number)


def of_address(session: Session, address: str) -> Sequence[OptOut]:
    """The same of an email address, in any capitals."""
    return _in_force(session, (OptOut.address == address.lower()) & (OptOut.address != ""))


def _in_force(session: Session, whose: ColumnElement[bool]) -> Sequence[OptOut]:
    return session.scalars(select(OptOut).where(whose, OptOut.ended_at.is_(None)).order_by(OptOut.id)).all()
