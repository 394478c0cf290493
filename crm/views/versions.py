"""Versions of listings and properties, and when they were public."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import and_, case, select
from sqlalchemy.orm import Session

from crm.store.models import (
    ContentVersion,
    Listing,
    Publication,
)
from crm.views.listing_rows import property_named, unknown


class VersionEntry(msgspec.Struct):
    """A version of a listing or a property, and a time during which it was public."""

    version: int
    made_at: datetime
    made_by: str
    public_from: datetime | None
    """Null: it was never public."""
    public_until: datetime | None
    """Null: it is public now, or never was."""
    decided_by: str
    """Who published it."""
    findings: list[str]
    """Words that were accepted then."""
    despite: str
    """Why."""


def history(session: Session, listing_id: int) -> list[VersionEntry]:
    """Every version, the oldest first. Raises NotFound."""
    if session.get(Listing, listing_id) is None:
        raise unknown(listing_id, None)
    return _history(session, ContentVersion.listing_id, Publication.listing_id, listing_id)


def history_of_property(session: Session, slug: str) -> list[VersionEntry]:
    """Every version, the oldest first. Raises NotFound."""
    return _history(session, ContentVersion.property_id, Publication.property_id, property_named(session, slug).id)


def _history(session: Session, written: Any, shown: Any, owner: int) -> list[VersionEntry]:
    ends = case(
        (Publication.until_at.is_not(None), Publication.until_at),
        else_=Listing.expires_at,
    )
    found = (
        select(
            ContentVersion.version,
            ContentVersion.made_at,
            ContentVersion.made_by,
            Publication.from_at,
            ends.label("until_at"),
            Publication.made_by.label("decided_by"),
            Publication.findings,
            Publication.despite,
        )
        .outerjoin(Publication, and_(shown == owner, Publication.version == ContentVersion.version))
        .outerjoin(Listing, Listing.id == Publication.listing_id)
        .where(written == owner)
        .order_by(ContentVersion.version, Publication.from_at)
    )
    return [
        VersionEntry(
            row.version,
            row.made_at,
            row.made_by,
            row.from_at,
            row.until_at,
            row.decided_by or "",
            row.findings or [],
            row.despite or "",
        )
        for row in session.execute(found)
    ]
