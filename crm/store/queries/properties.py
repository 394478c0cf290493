"""Properties, and what callers can choose among."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from crm.store.models import Interest, Property
from crm.store.models.living import ALL
from crm.store.queries import names

_WITH_TEAM = joinedload(Property.subteam)


def by_id(session: Session, property_id: int) -> Property | None:
    """The property with its subteam; one that is retired, too."""
    found = select(Property).where(Property.id == property_id).options(_WITH_TEAM)
    return session.scalars(found.execution_options(**ALL)).first()


def by_slug(session: Session, slug: str) -> Property | None:
    """The property with its subteam, by the name it has, else by one it had before."""
    found = session.scalars(select(Property).where(Property.slug == slug).options(_WITH_TEAM)).first()
    return found or names.renamed(session, Property, slug)


def latest_interest(session: Session, lead_id: int) -> str | None:
    """Slug of the property that the lead was interested in last."""
    latest = (
        select(Property.slug)
        .join(Interest, Interest.property_id == Property.id)
        .where(Interest.lead_id == lead_id)
        .order_by(Interest.updated_at.desc(), Interest.id.desc())
    )
    return session.scalars(latest.limit(1)).first()
