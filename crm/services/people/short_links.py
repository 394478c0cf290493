"""Links to listings in texts: short and personal where there is a public site, so that opening one shows."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.leads import Happened
from crm.services.people import timeline
from crm.store.models import Property, PropertyProfile, ShortLink
from crm.store.queries import office
from crm.store.snapshot import KnownProperty

GOOD_FOR = timedelta(days=90)
PATH = "/l/"


def to_listings(
    session: Session,
    config: Config,
    property: Property | KnownProperty | None,
    lead_id: int | None,
    key: str,
    now: datetime,
) -> str:
    """The link to a property's homes that a text to this lead holds: its own, else to the public site, else the
    office's; "" when there is none. The same `key` gives the same link."""
    if (property and property.listings_url) or not config.site.public_url:
        return office.listings_url(session, property)
    is_public = property is not None and session.scalar(
        select(PropertyProfile.published).where(PropertyProfile.property_id == property.id)
    )
    path = f"/properties/{property.slug}" if property and is_public else "/"
    base = config.site.public_url.rstrip("/")
    if lead_id is None:
        return f"{base}{path}"
    return f"{base}{PATH}{_token(session, key, lead_id, path, now)}"


def follow(session: Session, token: str, now: datetime, *, by_person: bool) -> str:
    """Where a link leads. Opened by a person, it shows in the timeline of whoever it was sent to, once a day.

    One that is not ours, or too old, leads to the list of homes.
    """
    link = session.get(ShortLink, token, with_for_update=by_person)
    if link is None or link.expires_at <= now:
        return "/"
    if by_person:
        link.opens += 1
        link.opened_at = now
        key = f"opened:{token}:{now:%Y-%m-%d}"
        timeline.enter(session, link.lead_id, Happened.LINK_OPENED, f"Opened our link to {link.path}.", now, key=key)
    return link.path


def _token(session: Session, key: str, lead_id: int, path: str, now: datetime) -> str:
    there = session.scalars(select(ShortLink).where(ShortLink.key == key)).first()
    if there is None:
        there = ShortLink(
            token=secrets.token_urlsafe(9),
            key=key,
            lead_id=lead_id,
            path=path,
            made_at=now,
            expires_at=now + GOOD_FOR,
            opens=0,
        )
        session.add(there)
        session.flush()
    return there.token
