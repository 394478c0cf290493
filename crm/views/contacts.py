"""Residents, owners and vendors."""

from __future__ import annotations

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.store.models import Contact, Property
from crm.store.queries.names import id_of


class ContactEntry(msgspec.Struct):
    """Somebody other than a prospect, known by their number."""

    number: str
    """E.164."""
    kind: str
    """resident, owner or vendor."""
    name: str
    property: str | None
    """Slug of the property they belong to."""


def listed(
    session: Session, *, kind: str | None = None, property_slug: str | None = None, limit: int = 50
) -> list[ContactEntry]:
    """By kind and name."""
    found = (
        select(Contact.number, Contact.kind, Contact.name, Property.slug)
        .outerjoin(Property, Property.id == Contact.property_id)
        .order_by(Contact.kind, Contact.name, Contact.number)
        .limit(limit)
    )
    if kind is not None:
        found = found.where(Contact.kind == kind)
    if property_slug is not None:
        found = found.where(Contact.property_id == id_of(Property.slug, property_slug))
    return [ContactEntry(*row) for row in session.execute(found)]
