"""The company this system serves."""

from __future__ import annotations

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain.errors import NotFound
from crm.store.models import Organization


class OfficeEntry(msgspec.Struct):
    """The company this system serves."""

    name: str
    """What callers hear and read if no particular property is concerned."""
    listings_url: str
    """Texted to callers whose property has no link of its own."""
    answering_service: str | None
    """E.164 of the service that answers when nobody here does; null for none."""
    manages_for_owners: bool
    """Whether leads may be owners who want their property managed."""


def one(session: Session) -> OfficeEntry:
    """Raises NotFound."""
    found = select(
        Organization.name,
        Organization.listings_url,
        Organization.answering_service,
        Organization.manages_for_owners,
    )
    row = session.execute(found.order_by(Organization.id).limit(1)).first()
    if row is None:
        raise NotFound("This home has no office yet.", code="office_missing")
    return OfficeEntry(*row)
