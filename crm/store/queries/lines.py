"""Leasing numbers."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from crm.store.models import Line, Property, Subteam

_WHOLE = (
    selectinload(Line.property).selectinload(Property.subteam).selectinload(Subteam.members),
    selectinload(Line.portfolio),
)


async def by_number(session: AsyncSession, number: str) -> Line | None:
    """The line with its property, subteam and members."""
    return (await session.scalars(select(Line).where(Line.number == number).options(*_WHOLE))).first()


async def by_id(session: AsyncSession, line_id: int) -> Line | None:
    """The line with its property, subteam and members."""
    return (await session.scalars(select(Line).where(Line.id == line_id).options(*_WHOLE))).first()


async def listed(session: AsyncSession) -> Sequence[Line]:
    return (await session.scalars(select(Line).order_by(Line.number).options(*_WHOLE))).all()
