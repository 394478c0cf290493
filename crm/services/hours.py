"""The office's weekly hours, in its own time zone."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select

from crm.domain import fields
from crm.services.audit import By, changing, note
from crm.store.models import Hours
from crm.store.session import Store


async def find_all(store: Store) -> Sequence[Hours]:
    """The week's openings in order; none at all means always open."""
    async with store.read() as session:
        return (await session.scalars(select(Hours).order_by(Hours.weekday, Hours.opens))).all()


async def replace(store: Store, by: By, openings: Sequence[str]) -> None:
    """Replaces the whole week by texts such as 'mon-fri 09:00-18:00'; without any the office is always open."""
    week = fields.openings(openings)
    async with changing(store) as session:
        await session.execute(delete(Hours))
        session.add_all(Hours(weekday=weekday, opens=opens, closes=closes) for weekday, opens, closes in week)
        note(session, by, f"hours set to {'; '.join(openings) or 'always open'}")
