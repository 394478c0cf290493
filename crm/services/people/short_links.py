"""Links to listings in texts: short and personal if there is a public site, so that it shows when one is opened."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.leads import Happened
from crm.services.people import intake, timeline
from crm.store.models import Listing, Property, PropertyProfile, ShortLink
from crm.store.queries import listings, office
from crm.store.queries.names import id_of
from crm.store.snapshot import KnownProperty

GOOD_FOR = timedelta(days=90)
PATH = "/l/"
PERSONAL = "/apply/"
"""Part of the path of personal pages."""


def to_listings(
    session: Session,
    config: Config,
    property: Property | KnownProperty | None,
    lead_id: int | None,
    key: str,
    now: datetime,
    *,
    known_url: str | None = None,
) -> str:
    """The link to a property's homes for a text to this lead: the property's own, else to the public site, else the
    office's; "" if there is none. The same `key` gives the same link. `known_url`: the property's own, else the
    office's, where that is known already."""
    if (property and property.listings_url) or not config.site.public_url:
        return office.listings_url(session, property) if known_url is None else known_url
    is_public = property is not None and session.scalar(
        select(PropertyProfile.published).where(PropertyProfile.property_id == property.id)
    )
    path = f"/properties/{property.slug}" if property and is_public else "/"
    if lead_id is None:
        return f"{config.site.public_url.rstrip('/')}{path}"
    return _url(config, _token(session, key, lead_id, path, now))


def personal(
    session: Session, config: Config, lead_id: int, path: str, key: str, expires_at: datetime, now: datetime
) -> str:
    """A short link to a personal page of this lead, for a text. The same `key` gives the same link."""
    return _url(config, _token(session, key, lead_id, path, now, expires_at))


def to_page(session: Session, config: Config, lead_id: int, path: str, key: str, now: datetime) -> str:
    """A short link to a page of the public site, for a text; "" if the site cannot be reached from outside. The same
    `key` gives the same link."""
    return _url(config, _token(session, key, lead_id, path, now)) if config.site.public_url else ""


def by_hand(
    session: Session,
    config: Config,
    now: datetime,
    person: str,
    *,
    property_slug: str | None = None,
    listing_id: int | None = None,
) -> str:
    """A link that an agent can send to a person (a lead's id, number or address): to a public property or home, else to
    the list of homes. Raises NotFound, Invalid, and Conflict while the site has no address."""
    if not config.site.public_url:
        raise Conflict(
            "The site cannot be reached from outside: set site.public_url, and reload.", code="site_not_public"
        )
    lead, _ = intake.person(session, config, person)
    if lead is None:
        raise NotFound("There is no lead with this number.", code="lead_unknown")
    path = _path_of(session, now, property_slug, listing_id)
    # If it is asked for on another day, it lasts the full time again.
    return _url(config, _token(session, f"hand:{lead.id}:{path}:{now:%Y-%m-%d}", lead.id, path, now))


def _path_of(session: Session, now: datetime, property_slug: str | None, listing_id: int | None) -> str:
    if property_slug is not None and listing_id is not None:
        raise Invalid("Name a property or a listing, not both.", code="link_to_both")
    if property_slug is not None:
        if listings.public_property_id(session, property_slug) is None:
            raise NotFound(
                f"Property {property_slug} is not on the site.",
                code="property_not_public",
                property=property_slug,
            )
        return f"/properties/{property_slug}"
    if listing_id is not None:
        if session.scalar(listings.public_homes(now).where(Listing.id == listing_id)) is None:
            raise NotFound(
                f"Listing {listing_id} is not on the site.",
                code="listing_not_public",
                listing=str(listing_id),
            )
        return f"/homes/{listing_id}"
    return "/"


def _url(config: Config, token: str) -> str:
    return f"{config.site.public_url.rstrip('/')}{PATH}{token}"


def follow(session: Session, token: str, now: datetime, *, by_person: bool) -> str:
    """Where a link leads. If a person opens it, the timeline of its recipient says so, once a day.

    A link that is not ours or has expired leads to the list of homes; to a personal page, which says itself that its
    time is over and how to get a new one, it leads all the same.
    """
    link = session.get(ShortLink, token, with_for_update=by_person)
    if link is None:
        return "/"
    if link.expires_at <= now:
        return link.path if PERSONAL in link.path else "/"
    if by_person:
        link.opens += 1
        link.opened_at = now
        key = f"opened:{token}:{now:%Y-%m-%d}"
        # Whoever knows the path of a personal page can open it, so it is kept out of the timeline.
        what, slug = "their application" if PERSONAL in link.path else link.path, link.path.removeprefix("/properties/")
        told = f"Opened our link to {what}."
        about = session.scalar(select(id_of(Property.slug, slug)))
        timeline.enter(session, link.lead_id, Happened.LINK_OPENED, told, now, key=key, about=about)
    return link.path


def _token(
    session: Session, key: str, lead_id: int, path: str, now: datetime, expires_at: datetime | None = None
) -> str:
    there = session.scalars(select(ShortLink).where(ShortLink.key == key)).first()
    if there is None:
        there = ShortLink(
            token=secrets.token_urlsafe(9),
            key=key,
            lead_id=lead_id,
            path=path,
            made_at=now,
            expires_at=expires_at or now + GOOD_FOR,
            opens=0,
        )
        session.add(there)
        session.flush()
    return there.token
