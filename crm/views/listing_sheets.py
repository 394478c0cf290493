"""A listing as somebody edits it: its latest version, and what it still lacks to be published."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from crm.domain import fair_housing, listings
from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.listings import Home
from crm.store.models import Listing, PropertyProfile
from crm.store.queries import listings as queries
from crm.store.queries import reach as reached
from crm.views import versions
from crm.views.listing_parts import PictureSheet, picture_sheets
from crm.views.listing_rows import RETIRED_AT, ROW, Own, Shared, state_of, unknown
from crm.views.versions import VersionEntry


class Lacking(StrEnum):
    """What a listing lacks."""

    PROPERTY = "property"
    """Its property is not public, so it cannot be either."""
    TEXT = "text"
    """Nothing describes it."""
    SPANISH = "spanish"
    """Nothing describes it in Spanish."""
    PICTURES = "pictures"
    ALT = "alt"
    """Some picture has no alternative text."""
    AVAILABLE = "available"
    """When it is free is not known."""
    DECISION = "decision"
    """Somebody has to decide about some words."""


class ListingSheet(msgspec.Struct, kw_only=True):
    """A listing in its latest version, with all that is written about it."""

    id: int
    property: str
    """Slug."""
    property_id: int
    property_name: str
    unit: str
    state: str
    """draft, published, changed or expired."""
    latest: int
    """The version shown."""
    published: int | None
    expires_at: datetime | None
    cells: dict[str, str]
    """By column of `listings.HOME_COLUMNS`, as people write it."""
    shared: dict[str, str]
    """The property's terms, which hold where the home has none of its own."""
    pictures: list[PictureSheet]
    lacks: list[Lacking]
    findings: list[str]
    """Words in it that may express a preference."""
    history: list[VersionEntry]
    """The latest version first."""


def one(session: Session, listing_id: int, now: datetime, reach: Reach = WHOLE_OFFICE) -> ListingSheet:
    """Raises NotFound, also for one that is retired or out of reach."""
    found = (
        ROW.join(Own, and_(Own.listing_id == Listing.id, Own.version == Listing.latest))
        .outerjoin(Shared, and_(Shared.property_id == Listing.property_id, Shared.version == PropertyProfile.latest))
        .where(Listing.id == listing_id, RETIRED_AT.is_(None), *reached.of_listings(reach))
    )
    row = session.execute(found).one_or_none()
    if row is None:
        raise unknown(listing_id, None)
    listing: Listing = row.Listing
    home = queries.home(row.own)
    shared = listings.property_cells(queries.property_content(row.shared))
    is_public = session.scalar(
        select(PropertyProfile.published).where(PropertyProfile.property_id == listing.property_id)
    )
    findings = [str(one) for one in fair_housing.check(home)]
    decides = bool(findings) and listing.published != listing.latest
    return ListingSheet(
        id=listing.id,
        property=row.slug,
        property_id=listing.property_id,
        property_name=row.property_name,
        unit=row.unit,
        state=state_of(listing, now),
        latest=listing.latest,
        published=listing.published,
        expires_at=listing.expires_at,
        cells=listings.home_cells(home),
        shared={name: text for name, text in shared.items() if text},
        pictures=picture_sheets(session, home),
        lacks=_lacking(home, is_public is not None, decides),
        findings=findings,
        history=versions.history(session, listing_id)[::-1],
    )


def _lacking(home: Home, has_public_property: bool, decides: bool) -> list[Lacking]:
    cells = listings.home_cells(home)
    lacks = {
        Lacking.PROPERTY: not has_public_property,
        Lacking.TEXT: not cells["text_en"],
        Lacking.SPANISH: not cells["text_es"],
        Lacking.PICTURES: not home.pictures,
        Lacking.ALT: any(not picture.alt.get(listings.LANGUAGES[0]) for picture in home.pictures),
        Lacking.AVAILABLE: home.available_on is None,
        Lacking.DECISION: decides,
    }
    return [what for what, is_lacking in lacks.items() if is_lacking]
