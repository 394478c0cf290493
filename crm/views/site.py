"""What the public site shows besides the listings themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.store.models import Line, Listing, Organization, Property, PropertyProfile
from crm.store.queries import listings as queries

MOST_IN_SITEMAP = 50_000
"""Addresses that one sitemap may hold (sitemaps.org/protocol.html)."""


class SiteOffice(msgspec.Struct, frozen=True):
    """The office that the site belongs to."""

    name: str
    number: str | None
    """E.164 of the line to call; null: there is none."""


def office(session: Session, property_slug: str | None = None) -> SiteOffice:
    """The office, with the property's own line where it has one."""
    name = session.scalar(select(Organization.name).order_by(Organization.id).limit(1)) or ""
    ours = select(Line.number).where(Line.number.startswith("+")).order_by(Line.id).limit(1)
    number = None
    if property_slug is not None:
        theirs = select(Property.id).where(Property.slug == property_slug).scalar_subquery()
        number = session.scalar(ours.where(Line.property_id == theirs))
    return SiteOffice(name, number or session.scalar(ours))


def property_id(session: Session, slug: str) -> int | None:
    """Of a property that is public."""
    found = (
        select(Property.id)
        .join(PropertyProfile, PropertyProfile.property_id == Property.id)
        .where(Property.slug == slug, PropertyProfile.published.is_not(None))
    )
    return session.scalar(found)


def paths(session: Session, now: datetime) -> Iterator[str]:
    """Of every public page, without language."""
    yield "/"
    public = PropertyProfile.published.is_not(None)
    places = select(Property.slug).join(PropertyProfile, PropertyProfile.property_id == Property.id).where(public)
    for slug in session.scalars(places.order_by(Property.slug)):
        yield f"/properties/{slug}"
    homes = (
        select(Listing.id)
        .join(PropertyProfile, PropertyProfile.property_id == Listing.property_id)
        .where(public, queries.is_public(now))
    )
    for id in session.scalars(homes.order_by(Listing.id).limit(MOST_IN_SITEMAP // 4)):
        yield f"/homes/{id}"
