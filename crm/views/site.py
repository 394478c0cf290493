"""What the public site shows besides the listings themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.store.models import ArrivalRecord, Line, Listing, Organization, Property, PropertyProfile, ShortLink
from crm.store.queries import listings as queries
from crm.store.queries import names

MOST_IN_SITEMAP = 50_000
"""Addresses that one sitemap may hold (sitemaps.org/protocol.html)."""


class SiteOffice(msgspec.Struct, frozen=True):
    """The office that the site belongs to."""

    name: str
    number: str | None
    """E.164 of the line to call; null: there is none."""


class SiteOverview(msgspec.Struct, frozen=True, kw_only=True):
    """Where the public site is, what it offers, and what it brought in."""

    public_url: str
    """Empty: nobody outside reaches it."""
    local_url: str
    homes: int
    properties: int
    forms: dict[str, int]
    """How many came in, by what they were about."""
    links_sent: int
    """Personal links made in the time asked for."""
    links_opened: int
    """Those of them that were opened."""


class CheckedPage(msgspec.Struct, frozen=True):
    """How a page of the site answered."""

    path: str
    status: int
    """Of HTTP."""
    bytes: int
    milliseconds: int


def overview(session: Session, config: Config, now: datetime, since: datetime) -> SiteOverview:
    """The site as it is; forms and links since `since`."""
    public = PropertyProfile.published.is_not(None)
    homes = select(func.count()).select_from(queries.public_homes(now).subquery())
    form = "form:"
    kinds = (
        select(ArrivalRecord.channel, func.count())
        .where(ArrivalRecord.received_at >= since, ArrivalRecord.channel.startswith(form))
        .group_by(ArrivalRecord.channel)
        .order_by(ArrivalRecord.channel)
    )
    made = select(func.count(), func.count(ShortLink.opened_at)).where(ShortLink.made_at >= since)
    sent, opened = session.execute(made).one()
    return SiteOverview(
        public_url=config.site.public_url,
        local_url=local_url(config),
        homes=session.scalar(homes) or 0,
        properties=session.scalar(select(func.count()).select_from(PropertyProfile).where(public)) or 0,
        forms={channel.removeprefix(form): count for channel, count in session.execute(kinds)},
        links_sent=sent,
        links_opened=opened,
    )


def local_url(config: Config) -> str:
    """The site's address on this machine."""
    return f"http://127.0.0.1:{config.ports.site}"


def office(session: Session, property_slug: str | None = None) -> SiteOffice:
    """The office, with the property's own line where it has one."""
    name = session.scalar(select(Organization.name).order_by(Organization.id).limit(1)) or ""
    ours = select(Line.number).where(Line.number.startswith("+")).order_by(Line.id).limit(1)
    number = None
    if property_slug is not None:
        theirs = ours.join(Property, Property.id == Line.property_id).where(Property.slug == property_slug)
        number = session.scalar(theirs)
    return SiteOffice(name, number or session.scalar(ours))


def renamed(session: Session, slug: str) -> str | None:
    """What a public property is called now whose pages were under this name; None: none were, or another has it."""
    if session.scalar(select(Property.id).where(Property.slug == slug)) is not None:
        return None
    found = names.renamed(session, Property, slug)
    if found is None or queries.public_property_id(session, found.slug) is None:
        return None
    return found.slug


def next_end(session: Session, now: datetime) -> datetime | None:
    """When the next home's time on the site is over; None: no home's is."""
    return session.scalar(select(func.min(Listing.expires_at)).where(Listing.expires_at > now))


def paths(session: Session, now: datetime) -> Iterator[str]:
    """The paths of all public pages, without the language."""
    yield "/"
    public = PropertyProfile.published.is_not(None)
    properties = select(Property.slug).join(PropertyProfile, PropertyProfile.property_id == Property.id).where(public)
    for slug in session.scalars(properties.order_by(Property.slug)):
        yield f"/properties/{slug}"
    homes = queries.public_homes(now).order_by(Listing.id).limit(MOST_IN_SITEMAP // 4)
    for id in session.scalars(homes):
        yield f"/homes/{id}"
