"""Properties, and what callers can choose among."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import Row, select
from sqlalchemy.orm import Session, joinedload

from crm.domain.choosing import Names, PropertyName
from crm.store.models import Interest, Property

_WITH_TEAM = joinedload(Property.subteam)


def by_id(session: Session, property_id: int) -> Property | None:
    """The property with its subteam."""
    return session.scalars(select(Property).where(Property.id == property_id).options(_WITH_TEAM)).first()


def by_slug(session: Session, slug: str) -> Property | None:
    """The property with its subteam."""
    return session.scalars(select(Property).where(Property.slug == slug).options(_WITH_TEAM)).first()


def names(session: Session, portfolio_id: int | None) -> Names:
    """Those of a portfolio, else all."""
    found = select(Property.slug, Property.name, Property.area)
    if portfolio_id is not None:
        found = found.where(Property.portfolio_id == portfolio_id)
    return _prepared(tuple(session.execute(found.order_by(Property.slug))))


@lru_cache(maxsize=64)
def _prepared(rows: tuple[Row[str, str, str], ...]) -> Names:
    """Kept by what was read, so that a change holds for the next call."""
    return Names(PropertyName(*row) for row in rows)


def latest_interest(session: Session, lead_id: int) -> str | None:
    """Slug of the property that the lead was interested in last."""
    latest = (
        select(Property.slug)
        .join(Interest, Interest.property_id == Property.id)
        .where(Interest.lead_id == lead_id)
        .order_by(Interest.updated_at.desc(), Interest.id.desc())
    )
    return session.scalars(latest.limit(1)).first()
