"""Guest cards."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.orm import Session, joinedload, selectinload

from crm.store.models import Erasure, Interest, Lead, LeadEmail, LeadMerge, LeadPhone

_CARD = (
    selectinload(Lead.phones),
    selectinload(Lead.assigned_agent),
    selectinload(Lead.interests).selectinload(Interest.property),
)


def by_phone(session: Session, number: str, *, for_update: bool = False) -> Lead | None:
    """Whose number (E.164) this is, with phones, interests and assigned agent.

    `for_update` locks the row, though not against new rows that refer to it: two calls that did so before asking for
    the lock would wait for each other.
    """
    found = select(Lead).join(LeadPhone).where(LeadPhone.number == number).options(*_CARD)
    if for_update:
        found = found.with_for_update(of=Lead, key_share=True)
    return session.scalars(found).first()


def by_address(session: Session, address: str, *, for_update: bool = False) -> Lead | None:
    """The same by an email address in lower case."""
    found = select(Lead).join(LeadEmail).where(LeadEmail.address == address).options(*_CARD)
    if for_update:
        found = found.with_for_update(of=Lead, key_share=True)
    return session.scalars(found).first()


def first_with(session: Session, address: str) -> Lead | None:
    """The oldest lead whose mail goes to an email address (lower case), whichever lead the address finds."""
    return session.scalars(select(Lead).where(*has_email([address])).order_by(Lead.id)).first()


def has_email(addresses: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    """Leads whose mail goes to one of these addresses (lower case), as the index has them."""
    # Word for word as in the index: of a value that is sent beside a statement, SQLite does not know that it fits.
    return Lead.email != literal_column("''"), func.lower(Lead.email).in_(addresses)


def by_id(session: Session, lead_id: int, *, for_update: bool = False) -> Lead | None:
    found = select(Lead).where(Lead.id == lead_id).options(*_CARD)
    if for_update:
        found = found.with_for_update(of=Lead, key_share=True)
    return session.scalars(found).first()


def merged_from(session: Session, lead_id: int) -> Lead | None:
    """The lead that one with this id was merged into, however many merges there were."""
    found = select(Lead).join(LeadMerge, LeadMerge.lead_id == Lead.id).where(LeadMerge.gone_id == lead_id)
    return session.scalars(found.where(LeadMerge.undone_at.is_(None)).options(*_CARD)).first()


def erased_at(session: Session, lead_id: int) -> datetime | None:
    """When a lead was erased; None if none with this id was."""
    return session.scalar(select(Erasure.at).where(Erasure.lead_id == lead_id))


def locked(session: Session, lead_id: int) -> Lead | None:
    """With interests, in one statement."""
    found = select(Lead).where(Lead.id == lead_id).options(joinedload(Lead.interests))
    return session.scalars(found.with_for_update(of=Lead, key_share=True)).unique().first()
