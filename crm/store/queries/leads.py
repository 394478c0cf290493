"""Guest cards."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from crm.store.models import Activity, Interest, Lead, LeadPhone

_CARD = (
    selectinload(Lead.phones),
    selectinload(Lead.assigned_agent),
    selectinload(Lead.interests).selectinload(Interest.property),
)


async def by_phone(session: AsyncSession, number: str, *, for_update: bool = False) -> Lead | None:
    """Whose number (E.164) this is, with phones, interests and assigned agent.

    `for_update` locks the row, though not against new rows that refer to it: two calls that did so before asking for
    the lock would wait for each other.
    """
    found = select(Lead).join(LeadPhone).where(LeadPhone.number == number).options(*_CARD)
    if for_update:
        found = found.with_for_update(of=Lead, key_share=True)
    return (await session.scalars(found)).first()


async def by_id(session: AsyncSession, lead_id: int, *, for_update: bool = False) -> Lead | None:
    found = select(Lead).where(Lead.id == lead_id).options(*_CARD)
    if for_update:
        found = found.with_for_update(of=Lead, key_share=True)
    return (await session.scalars(found)).first()


async def listed(session: AsyncSession, *, status: str | None = None, limit: int = 100) -> Sequence[Lead]:
    """Newest first."""
    found = select(Lead).options(*_CARD).order_by(Lead.created_at.desc(), Lead.id.desc()).limit(limit)
    if status:
        found = found.where(Lead.status == status)
    return (await session.scalars(found)).all()


async def timeline(session: AsyncSession, lead_id: int) -> Sequence[Activity]:
    """Oldest first."""
    found = select(Activity).where(Activity.lead_id == lead_id).order_by(Activity.at, Activity.id)
    return (await session.scalars(found)).all()
