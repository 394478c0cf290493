"""Texts and their place in the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm.store.models import Message


async def by_key(session: AsyncSession, key: str) -> Message | None:
    return (await session.scalars(select(Message).where(Message.key == key))).first()


async def listed(session: AsyncSession, *, state: str | None = None, limit: int = 100) -> Sequence[Message]:
    """Newest first."""
    found = select(Message).order_by(Message.created_at.desc(), Message.id.desc()).limit(limit)
    if state:
        found = found.where(Message.state == state)
    return (await session.scalars(found)).all()


async def has_any_since(session: AsyncSession, to_number: str, purpose: str, since: datetime) -> bool:
    """Whether a text of this purpose was created for the number after `since`, sent or not."""
    found = select(Message.id).where(
        Message.to_number == to_number, Message.purpose == purpose, Message.created_at > since
    )
    return (await session.scalars(found.limit(1))).first() is not None
