"""Sources of leads: portals and websites, each with an email address or a secret path of its own."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from crm.domain import fields
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.services import audit
from crm.services.audit import By
from crm.store.models import LeadSource
from crm.store.queries import names, properties

PATH = "/in/"
"""Where portals post; the token follows."""
OLD_PATH_DAYS = 7
"""How long the previous path is still accepted: portals take their time."""


@dataclass(frozen=True)
class MadePath:
    """A source and its new secret path, which is not stored."""

    source: LeadSource
    path: str


def add(
    session: Session, by: By, slug: str, *, name: str = "", property_slug: str | None = None, address: str = ""
) -> MadePath:
    """Raises Conflict, Invalid, NotFound."""
    if session.scalar(select(LeadSource.id).where(LeadSource.slug == fields.slug(slug))):
        raise Conflict(f"Source {slug} already exists.", code="source_exists", source=slug)
    token = secrets.token_urlsafe(24)
    source = LeadSource(
        slug=slug,
        name=fields.text(name or slug, "name", 60, required=True),
        property_id=_property_id(session, property_slug),
        address=_address(session, address),
        token_hash=hashed(token),
        created_at=by.now,
    )
    session.add(source)
    session.flush()
    audit.record(session, by, f"source {slug} added")
    return MadePath(source, f"{PATH}{token}")


def change(
    session: Session,
    by: By,
    slug: str,
    *,
    name: str | None = None,
    property_slug: str | None = None,
    address: str | None = None,
) -> LeadSource:
    """Empty texts clear a property or an address. Raises Conflict, Invalid, NotFound."""
    source = named(session, slug)
    if name is not None:
        source.name = fields.text(name, "name", 60, required=True)
    if property_slug is not None:
        source.property_id = _property_id(session, property_slug)
    if address is not None:
        source.address = _address(session, address, source)
    audit.record(session, by, f"source {source.slug} changed")
    return source


def rotate(session: Session, by: By, slug: str, *, at_once: bool = False) -> MadePath:
    """Gives a source a new path. The old one is still accepted for OLD_PATH_DAYS, or not at all (`at_once`).

    Raises NotFound.
    """
    source = named(session, slug)
    token = secrets.token_urlsafe(24)
    source.old_token_hash = None if at_once else source.token_hash
    source.old_until = None if at_once else by.now + timedelta(days=OLD_PATH_DAYS)
    source.token_hash, source.rotated_at = hashed(token), by.now
    audit.record(session, by, f"source {slug}: new path{', the old one void at once' if at_once else ''}")
    return MadePath(source, f"{PATH}{token}")


def remove(session: Session, by: By, slug: str) -> None:
    """Removes a source; leads that came from it stay. Raises NotFound."""
    session.delete(named(session, slug))
    audit.record(session, by, f"source {slug} removed")


def by_token(session: Session, token_hash: str, now: datetime) -> LeadSource | None:
    """The source whose path ends with the token of this hash."""
    old = and_(LeadSource.old_token_hash == token_hash, LeadSource.old_until > now)
    return session.scalars(select(LeadSource).where(or_(LeadSource.token_hash == token_hash, old))).first()


def find(session: Session, slug: str) -> LeadSource | None:
    """By the name it has, else by one it had before; None: there is none."""
    found = session.scalars(select(LeadSource).where(LeadSource.slug == slug)).first() if slug else None
    return found or names.renamed(session, LeadSource, slug)


def named(session: Session, slug: str) -> LeadSource:
    """Raises NotFound."""
    source = find(session, slug)
    if source is None:
        raise NotFound(f"There is no source {slug[:40]}.", code="source_unknown")
    return source


def of_addresses(session: Session, addresses: Sequence[str], tags: Sequence[str]) -> LeadSource | None:
    """The source of an email to these addresses (lower case), or with these tags in one of them."""
    whole = select(LeadSource).where(LeadSource.address.in_(addresses), LeadSource.address != "")
    if addresses and (found := session.scalars(whole.order_by(LeadSource.id).limit(1)).first()):
        return found
    tagged = select(LeadSource).where(LeadSource.slug.in_(tags)).order_by(LeadSource.id).limit(1)
    found = session.scalars(tagged).first() if tags else None
    # Addresses with the name that a source had before are out in the world.
    return found or next((one for tag in tags if (one := names.renamed(session, LeadSource, tag))), None)


def hashed(token: str) -> str:
    """A token has 192 random bits, so a plain hash gives nothing away."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _property_id(session: Session, slug: str | None) -> int | None:
    if not slug:
        return None
    property = properties.by_slug(session, slug)
    if property is None:
        raise NotFound(f"There is no property {slug[:40]}.", code="property_unknown")
    return property.id


def _address(session: Session, raw: str, source: LeadSource | None = None) -> str:
    address = fields.email(raw).lower()
    taken = session.scalars(select(LeadSource).where(LeadSource.address == address, LeadSource.address != "")).first()
    if taken is not None and taken is not source:
        raise Invalid(f"That address already belongs to source {taken.slug}.", code="source_address_taken")
    return address
