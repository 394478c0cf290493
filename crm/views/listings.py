"""Listings as the office sees them, and as they were at any time."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from crm.domain import fair_housing, listings
from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.listings import Home, ListingFilter, ListingState
from crm.store.models import (
    ContentVersion,
    Listing,
    Property,
    PropertyProfile,
    Publication,
    Unit,
)
from crm.store.queries import listings as queries
from crm.store.queries import reach as reached
from crm.views.listing_parts import AddressEntry, PictureEntry, TermsEntry, address_of, pictures_in, terms_of
from crm.views.listing_rows import (
    CURRENT,
    PROFILE_IN_FORCE,
    RETIRED_AT,
    ROW,
    Own,
    Shared,
    both_texts,
    filtered,
    page_of,
    state_of,
    unknown,
)


class ListingEntry(msgspec.Struct, kw_only=True):
    """A listing, in its current version: the published one, else the latest."""

    id: int
    property: str
    """Slug."""
    unit: str
    """Number or name, as on the door."""
    state: str
    """draft, published, changed (a later version waits to be published) or expired."""
    version: int
    """The current one."""
    latest: int
    expires_at: datetime | None
    bedrooms: int
    """0 is a studio."""
    bathrooms: Decimal
    square_feet: int | None
    rent: Decimal
    """A month."""
    deposit: Decimal
    available_on: date | None
    """Null: not known yet."""
    headline: str
    retired_at: datetime | None
    """Since then it is on record only; null: it is in use."""


class ListingDetail(ListingEntry, kw_only=True):
    """One listing, at one time."""

    terms: TermsEntry
    text: str
    concession: str
    pictures: list[PictureEntry]
    property_name: str
    property_version: int | None
    """The version of the property that it is shown with; null: the property has no details."""
    address: AddressEntry
    policies: str
    made_at: datetime
    """When this version was written."""
    made_by: str
    public: bool
    """Whether the public saw this version at that time."""
    findings: list[str]
    """Words in it that may express a preference; if it was public, somebody has accepted them."""


def listed(
    session: Session,
    now: datetime,
    wanted: ListingFilter = ListingFilter(),  # noqa: B008 - it cannot change
    *,
    retired: bool = False,
    after: tuple[Decimal, int] | None = None,
    limit: int = 50,
    language: str = listings.LANGUAGES[0],
    reach: Reach = WHOLE_OFFICE,
) -> list[ListingEntry]:
    """By rent, the lowest first: homes in use, or retired ones, by themselves or with their property. `after` is the
    rent and id of the last listing on the page before."""
    found = filtered(CURRENT, now, wanted).where(*reached.of_listings(reach))
    found = found.where(RETIRED_AT.is_not(None) if retired else RETIRED_AT.is_(None))
    rows = session.execute(page_of(found, after, limit)).all()
    return [ListingEntry(**_entry(row, queries.home(row.own), now, language)) for row in rows]


def count(session: Session, now: datetime, wanted: ListingFilter) -> int:
    found = (
        select(func.count(Listing.id))
        .join(Unit, Unit.id == Listing.unit_id)
        .join(Property, Property.id == Listing.property_id)
        .outerjoin(PropertyProfile, PropertyProfile.property_id == Listing.property_id)
        .where(RETIRED_AT.is_(None))
    )
    return int(session.execute(filtered(found, now, wanted)).scalar_one())


def one(
    session: Session,
    listing_id: int,
    now: datetime,
    *,
    version: int | None = None,
    at: datetime | None = None,
    language: str = listings.LANGUAGES[0],
) -> ListingDetail:
    """A listing as it is now, in one of its versions, or at a time: the version that was public then, else the latest
    that had been written. Raises NotFound."""
    as_of = at or now
    public = None
    if version is None and at is not None:
        public = _published_at(session, Publication.listing_id == listing_id, as_of)
        if public is None:
            written = select(func.max(ContentVersion.version)).where(
                ContentVersion.listing_id == listing_id, ContentVersion.made_at <= at
            )
            version = session.scalar(written)
            if version is None:
                raise unknown(listing_id, at)
        else:
            version = public
    if version is None:
        row = session.execute(CURRENT.where(Listing.id == listing_id)).one_or_none()
    else:
        row = session.execute(_at_version(session, listing_id, version, at)).one_or_none()
    if row is None:
        raise unknown(listing_id, version)
    home, content = queries.home(row.own), queries.property_content(row.shared)
    words, about = both_texts(home, content, language)
    # A listing is public only together with its property.
    has_public_property = _published_at(session, Publication.property_id == row.Listing.property_id, as_of) is not None
    was_public = public == row.version if at is not None else _is_public(row.Listing, row.version, now)
    return ListingDetail(
        **_entry(row, home, now, language),
        terms=terms_of(listings.with_terms_of(home, content)),
        text=words.text,
        concession=words.concession,
        pictures=pictures_in(session, home, language)[0],
        property_name=row.property_name,
        property_version=row.property_version,
        address=address_of(content),
        policies=about.policies,
        made_at=row.made_at,
        made_by=row.made_by,
        public=was_public and has_public_property,
        findings=[str(found) for found in fair_housing.check(home)],
    )


def _at_version(session: Session, listing_id: int, version: int, at: datetime | None) -> Select[*tuple[Any, ...]]:
    """A version of a listing, with its property as it was `at` that time, or as it is now."""
    found = ROW.join(Own, and_(Own.listing_id == Listing.id, Own.version == version))
    shared: ColumnElement[Any] = PROFILE_IN_FORCE
    if at is not None:
        property_id = select(Listing.property_id).where(Listing.id == listing_id).scalar_subquery()
        known = _published_at(session, Publication.property_id == property_id, at)
        if known is None:
            written = select(func.max(ContentVersion.version)).where(
                ContentVersion.property_id == property_id, ContentVersion.made_at <= at
            )
            known = session.scalar(written)
        shared = func.coalesce(known, 0)
    return found.outerjoin(Shared, and_(Shared.property_id == Listing.property_id, Shared.version == shared)).where(
        Listing.id == listing_id
    )


def _published_at(session: Session, whose: ColumnElement[bool], at: datetime) -> int | None:
    """The version that was public at a time; None if none was."""
    found = (
        select(Publication.version)
        .outerjoin(Listing, Listing.id == Publication.listing_id)
        .where(
            whose,
            Publication.from_at <= at,
            # The current publication ends when its listing expires.
            or_(
                Publication.until_at > at,
                and_(Publication.until_at.is_(None), or_(Listing.expires_at.is_(None), Listing.expires_at > at)),
            ),
        )
        .order_by(Publication.from_at.desc(), Publication.id.desc())
        .limit(1)
    )
    return session.scalar(found)


def _entry(row: Row[*tuple[Any, ...]], home: Home, now: datetime, language: str) -> dict[str, Any]:
    listing: Listing = row.Listing
    return {
        "id": listing.id,
        "property": row.slug,
        "unit": row.unit,
        "state": state_of(listing, now),
        "version": row.version,
        "latest": listing.latest,
        "expires_at": listing.expires_at,
        "bedrooms": home.bedrooms,
        "bathrooms": home.bathrooms,
        "square_feet": home.square_feet,
        "rent": home.rent,
        "deposit": home.deposit,
        "available_on": home.available_on,
        "headline": listings.in_language(home.words, language).headline,
        "retired_at": row.retired_at,
    }


def _is_public(listing: Listing, version: int, now: datetime) -> bool:
    return listing.published == version and state_of(listing, now) is not ListingState.EXPIRED
