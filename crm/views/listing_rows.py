"""Rows of listings with the content of one of their versions, and what narrows and pages them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, select, tuple_
from sqlalchemy.orm import Session, aliased

from crm.domain import listings
from crm.domain.errors import NotFound
from crm.domain.listings import Home, ListingFilter, ListingState, PropertyContent, Words
from crm.store.models import (
    ContentVersion,
    Listing,
    Property,
    PropertyProfile,
    Unit,
)
from crm.store.queries import listings as queries
from crm.store.queries.names import id_of

Own = aliased(ContentVersion)


Shared = aliased(ContentVersion)


IN_FORCE = func.coalesce(Listing.published, Listing.latest)


PROFILE_IN_FORCE = func.coalesce(PropertyProfile.published, PropertyProfile.latest)


RETIRED_AT = func.coalesce(Unit.retired_at, Property.retired_at)
"""A home is retired by itself, or with its property."""


def _rows(*of_listing: Any) -> Select[*tuple[Any, ...]]:
    """Listings with their home and property; the versions are still to be joined."""
    return (
        select(
            *of_listing,
            RETIRED_AT.label("retired_at"),
            Unit.name.label("unit"),
            Property.slug,
            Property.name.label("property_name"),
            Own.version.label("version"),
            Own.content.label("own"),
            Own.made_at,
            Own.made_by,
            Shared.version.label("property_version"),
            Shared.content.label("shared"),
            PropertyProfile.cats.label("property_cats"),
            PropertyProfile.dogs.label("property_dogs"),
        )
        .select_from(Listing)
        .join(Unit, Unit.id == Listing.unit_id)
        .join(Property, Property.id == Listing.property_id)
        .outerjoin(PropertyProfile, PropertyProfile.property_id == Listing.property_id)
    )


ROW = _rows(Listing)


CURRENT = ROW.join(Own, and_(Own.listing_id == Listing.id, Own.version == IN_FORCE)).outerjoin(
    Shared, and_(Shared.property_id == Listing.property_id, Shared.version == PROFILE_IN_FORCE)
)


PUBLIC = (
    _rows(Listing.id, Listing.property_id, Listing.cats, Listing.dogs)
    .join(Own, and_(Own.listing_id == Listing.id, Own.version == Listing.published))
    # A property that is not public has no such version, and so there is no row.
    .join(Shared, and_(Shared.property_id == Listing.property_id, Shared.version == PropertyProfile.published))
)
"""Columns only, for `prepared`."""


def filtered(found: Select[*tuple[Any, ...]], now: datetime, wanted: ListingFilter) -> Select[*tuple[Any, ...]]:
    """Narrows a query of listings and profiles to those that match the filter."""
    if wanted.property is not None:
        found = found.where(Listing.property_id == id_of(Property.slug, wanted.property))
    if wanted.state is not None:
        found = found.where(_has_state(ListingState(wanted.state), now))
    if wanted.bedrooms is not None:
        found = found.where(Listing.bedrooms == wanted.bedrooms)
    if wanted.rent_from is not None:
        found = found.where(Listing.rent >= wanted.rent_from)
    if wanted.rent_to is not None:
        found = found.where(Listing.rent <= wanted.rent_to)
    if wanted.available_by is not None:
        found = found.where(Listing.available_on <= wanted.available_by)
    if wanted.pets is not None:
        own, shared = getattr(Listing, wanted.pets), getattr(PropertyProfile, wanted.pets)
        found = found.where(func.coalesce(own, shared, false()))
    return found


def _has_state(state: ListingState, now: datetime) -> ColumnElement[bool]:
    match state:
        case ListingState.DRAFT:
            return Listing.published.is_(None)
        case ListingState.EXPIRED:
            return and_(Listing.published.is_not(None), Listing.expires_at <= now)
        case ListingState.CHANGED:
            return and_(queries.is_public(now), Listing.published != Listing.latest)
        case ListingState.PUBLISHED:
            return queries.is_public(now)


def state_of(listing: Listing, now: datetime) -> ListingState:
    if listing.published is None:
        return ListingState.DRAFT
    if listing.expires_at is not None and listing.expires_at <= now:
        return ListingState.EXPIRED
    return ListingState.PUBLISHED if listing.published == listing.latest else ListingState.CHANGED


def page_of(found: Select[*tuple[Any, ...]], after: tuple[Decimal, int] | None, limit: int) -> Select[*tuple[Any, ...]]:
    if after is not None:
        found = found.where(tuple_(Listing.rent, Listing.id) > after)
    return found.order_by(Listing.rent, Listing.id).limit(limit)


def both_texts(home: Home, content: PropertyContent, language: str) -> tuple[Words, Words]:
    return listings.in_language(home.words, language), listings.in_language(content.words, language)


def property_named(session: Session, slug: str) -> Property:
    found = session.scalar(select(Property).where(Property.id == id_of(Property.slug, slug)))
    if found is None:
        raise NotFound(f"There is no property {slug}.", code="property_unknown", property=slug)
    return found


def unknown(listing_id: int, version: object) -> NotFound:
    if version is None:
        return NotFound(f"There is no listing {listing_id}.", code="listing_unknown", listing=listing_id)
    missing = "at that time" if isinstance(version, datetime) else f"with a version {version}"
    return NotFound(f"There is no listing {listing_id} {missing}.", code="listing_version_unknown", listing=listing_id)
