"""The office itself: its organization, hours, and links."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm.domain.hours import WeeklySchedule, weekly
from crm.store.models import Hours, Organization, Property


async def organization(session: AsyncSession) -> Organization | None:
    """None before the office is set up."""
    return (await session.scalars(select(Organization).order_by(Organization.id).limit(1))).first()


async def schedule(session: AsyncSession, tz: ZoneInfo) -> WeeklySchedule:
    rows = await session.scalars(select(Hours))
    return weekly(((row.weekday, row.opens, row.closes) for row in rows), tz)


async def listings_url(session: AsyncSession, place: Property | None) -> str:
    """The property's link, else the office's; "" when there is neither."""
    if place and place.listings_url:
        return place.listings_url
    office = await organization(session)
    return office.listings_url if office else ""
