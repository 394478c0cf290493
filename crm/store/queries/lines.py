"""Leasing numbers."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from crm.store.models import Line, Property

_WHOLE = (joinedload(Line.property).joinedload(Property.subteam), joinedload(Line.portfolio))


def by_number(session: Session, number: str) -> Line | None:
    """The line with its property and subteam."""
    return session.scalars(select(Line).where(Line.number == number).options(*_WHOLE)).first()


def by_id(session: Session, line_id: int) -> Line | None:
    """The line with its property and subteam."""
    return session.scalars(select(Line).where(Line.id == line_id).options(*_WHOLE)).first()


def listed(session: Session) -> Sequence[Line]:
    return session.scalars(select(Line).order_by(Line.number).options(*_WHOLE)).all()
