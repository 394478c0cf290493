"""Leasing numbers."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from crm.store.models import Line, Property

_WHOLE = (joinedload(Line.property).joinedload(Property.subteam), joinedload(Line.portfolio))


async def by_number(session: AsyncSession, number: str) -> Line | None:
    """The line with its property and subteam."""
    return (await session.scalars(select(Line).where(Line.number == number).options(*_WHOLE))).first()


async def is_ours(session: AsyncSession, number: str) -> bool:
    """Whether a number (E.164) is one of the lines."""
    return await session.scalar(select(Line.id).where(Line.number == number)) is not None


async def by_id(session: AsyncSession, line_id: int) -> Line | None:
    """The line with its property and subteam."""
    return (await session.scalars(select(Line).where(Line.id == line_id).options(*_WHOLE))).first()


async def listed(session: AsyncSession) -> Sequence[Line]:
    return (await session.scalars(select(Line).order_by(Line.number).options(*_WHOLE))).all()
