"""Portfolios: properties that are leased alike."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm.domain import fields
from crm.domain.errors import Conflict, NotFound
from crm.services.audit import By, changing, note
from crm.services.office import properties
from crm.store.models import Line, Portfolio, Property
from crm.store.session import Store


async def find_all(store: Store) -> Sequence[tuple[Portfolio, tuple[str, ...]]]:
    """Each with its properties' slugs."""
    async with store.read() as session:
        found = (await session.scalars(select(Portfolio).order_by(Portfolio.slug))).all()
        rows = await session.execute(select(Property.portfolio_id, Property.slug).order_by(Property.slug))
        places: dict[int | None, list[str]] = {}
        for portfolio_id, slug in rows:
            places.setdefault(portfolio_id, []).append(slug)
        return [(one, tuple(places.get(one.id, ()))) for one in found]


async def add(store: Store, by: By, slug: str, *, name: str = "") -> None:
    async with changing(store) as session:
        if await session.scalar(select(Portfolio).where(Portfolio.slug == fields.slug(slug))):
            raise Conflict(f"There is a portfolio {slug} already: choose another name.")
        session.add(Portfolio(slug=slug, name=fields.text(name or slug, "name", 200, required=True)))
        note(session, by, f"portfolio {slug} added")


async def assign(store: Store, by: By, place: str, slug: str) -> None:
    """Puts a property into a portfolio; an empty slug takes it out."""
    async with changing(store) as session:
        found = await properties.named(session, place)
        found.portfolio_id = (await named(session, slug)).id if slug else None
        note(session, by, f"property {place} in portfolio {slug or 'none'}")


async def remove(store: Store, by: By, slug: str) -> None:
    async with changing(store) as session:
        found = await named(session, slug)
        if places := list(await session.scalars(select(Property.slug).where(Property.portfolio_id == found.id))):
            raise Conflict(f"{', '.join(places)} belong to portfolio {slug}: move them first.")
        if lines := list(await session.scalars(select(Line.number).where(Line.portfolio_id == found.id))):
            raise Conflict(
                f"Callers of {', '.join(lines)} choose among portfolio {slug}: change that with "
                "`leaseline line set NUMBER --portfolio ''` first."
            )
        await session.delete(found)
        note(session, by, f"portfolio {slug} removed")


async def named(session: AsyncSession, slug: str) -> Portfolio:
    found = await session.scalar(select(Portfolio).where(Portfolio.slug == fields.slug(slug)))
    if found is None:
        raise NotFound(f"There is no portfolio {slug}: `leaseline portfolio list` shows those there are.")
    return found
