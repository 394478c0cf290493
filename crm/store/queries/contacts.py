"""Residents, owners and vendors, and where they are put through to."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from crm.store.models import Contact, Desk


def by_number(session: Session, number: str) -> Contact | None:
    """Whose number (E.164) this is, with their property."""
    found = select(Contact).where(Contact.number == number).options(selectinload(Contact.property))
    return session.scalars(found).first()


def served_by(session: Session, target: str) -> list[str]:
    """Which desks lead to agent:SLUG or subteam:SLUG, in words such as "resident of elm"."""
    found = select(Desk).where(Desk.target == target).options(selectinload(Desk.property)).order_by(Desk.kind, Desk.id)
    rows = [desk for desk in session.scalars(found) if desk.property is None or desk.property.retired_at is None]
    return [f"{desk.kind}{f' of {desk.property.slug}' if desk.property else ''}" for desk in rows]
