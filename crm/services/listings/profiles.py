"""What is published about properties: address, policies, texts, pictures, and terms for all their homes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from crm.domain import listings
from crm.domain.errors import Invalid
from crm.domain.listings import PropertyContent
from crm.edge.pictures import StoredPicture
from crm.services import audit
from crm.services.audit import By
from crm.services.listings import pictures
from crm.services.listings.versions import PROPERTIES, Versions, Written
from crm.services.office import properties
from crm.store.models import PropertyProfile

ADDRESS = ("street", "city", "state", "postal_code")
"""Nothing is published without these: people have to know where a home is."""


def change(session: Session, by: By, slug: str, cells: Mapping[str, str]) -> Written:
    """Changes what is given, as the next version. `cells` are texts by column (listings.PROPERTY_COLUMNS); an empty one
    removes what was there. Raises Invalid, NotFound."""
    profile, versions = found(session, by, slug)
    written = put(session, versions, profile, listings.read_property(cells, _latest(versions, profile)))
    if written.is_new:
        audit.record(session, by, f"property {slug} described: version {written.version}")
    return written


def set_up(
    session: Session, by: By, slug: str, settings: Mapping[str, Any], cells: Mapping[str, str]
) -> Written | None:
    """Changes a property's settings (properties.change) and its details, as far as they are given. Returns the result
    for the details; None if there are none. Raises Invalid, NotFound."""
    if not cells or any(value is not None for value in settings.values()):
        properties.change(session, by, slug, **settings)
    return change(session, by, slug, cells) if cells else None


def put(
    session: Session,
    versions: Versions[PropertyProfile, PropertyContent],
    profile: PropertyProfile,
    content: PropertyContent,
) -> Written:
    """Writes the first version, or the next one."""
    if profile.latest:
        return versions.append(profile, content)
    profile.latest = 1
    session.add(profile)
    return versions.begin(profile, content)


def publish(session: Session, by: By, slug: str, *, despite: str = "") -> bool:
    """Publishes the latest version. False: it was public already. Raises Conflict for words that somebody has to decide
    about, unless `despite` gives the reason to keep them; Invalid without an address; NotFound."""
    profile, versions = found(session, by, slug)
    if not publish_it(versions, profile, slug, despite=despite):
        return False
    told = f", despite its words: {despite}" if despite else ""
    audit.record(session, by, f"property {slug} published: version {profile.published}{told}")
    return True


def publish_it(
    versions: Versions[PropertyProfile, PropertyContent], profile: PropertyProfile, slug: str, *, despite: str = ""
) -> bool:
    content = _latest(versions, profile)
    if missing := [column for column in ADDRESS if not getattr(content, column)]:
        raise Invalid(
            f"Property {slug} has no {missing[0].replace('_', ' ')} yet.", code="address_missing", property=slug
        )
    return versions.publish(profile, despite=despite)


def unpublish(session: Session, by: By, slug: str) -> bool:
    """Unpublishes the property, and with it all its listings. False: it was not public. Raises NotFound."""
    profile, versions = found(session, by, slug)
    if profile.published is None:
        return False
    versions.unpublish(profile)
    audit.record(session, by, f"property {slug} unpublished")
    return True


def set_pictures(
    session: Session, by: By, slug: str, change: pictures.Change, taken: StoredPicture | None = None
) -> Written:
    """Adds, removes, moves or describes pictures, as the next version; `taken` is one that was just taken in. Raises
    Invalid, NotFound."""
    if taken is not None:
        pictures.recorded(session, by, taken)
    profile, versions = found(session, by, slug)
    content = _latest(versions, profile)
    changed = replace(content, pictures=listings.checked_pictures(change(content.pictures)))
    written = put(session, versions, profile, changed)
    if written.is_new:
        audit.record(session, by, f"pictures of property {slug} changed: version {written.version}")
    return written


def found(session: Session, by: By, slug: str) -> tuple[PropertyProfile, Versions[PropertyProfile, PropertyContent]]:
    """A property's profile; a new one has no version yet and is not stored. Raises NotFound, Invalid."""
    property = properties.named(session, slug)
    profile = session.get(PropertyProfile, property.id)
    if profile is None:
        return PropertyProfile(property_id=property.id, latest=0, published=None), Versions(session, by, PROPERTIES, ())
    return profile, Versions(session, by, PROPERTIES, [profile])


def _latest(versions: Versions[PropertyProfile, PropertyContent], profile: PropertyProfile) -> PropertyContent:
    return versions.latest(profile) if profile.latest else PropertyContent()
