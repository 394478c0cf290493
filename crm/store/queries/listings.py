"""Versions of listings and properties, as they are stored and as the domain knows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BindParameter, ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from crm.domain.listings import Home, PropertyContent, Terms
from crm.store.models import Listing, Property, PropertyProfile, Unit
from crm.store.queries import names


def stored(content: Terms) -> dict[str, Any]:
    """As it is kept; what says nothing is left out."""
    kept: dict[str, Any] = _without_nothing(msgspec.to_builtins(content))
    return kept


def home(content: dict[str, Any]) -> Home:
    return msgspec.convert(content, Home)


def property_content(content: dict[str, Any] | None) -> PropertyContent:
    """A property about which nothing is written says nothing."""
    return msgspec.convert(content or {}, PropertyContent)


def is_public(now: datetime | BindParameter[Any]) -> ColumnElement[bool]:
    """Whether the public may see a listing, as far as that is up to the listing alone."""
    return and_(Listing.published.is_not(None), or_(Listing.expires_at.is_(None), Listing.expires_at > now))


def public_homes(now: datetime) -> Select[int]:
    """Ids of the listings that the public sees: published ones of published properties."""
    of_public = Listing.property_id == PropertyProfile.property_id
    return (
        select(Listing.id)
        .join(PropertyProfile, of_public)
        .where(PropertyProfile.published.is_not(None), is_public(now))
    )


def public_property_id(session: Session, slug: str) -> int | None:
    """The id of a property that the public sees; None if it is not public, or not there."""
    found = select(PropertyProfile.property_id).join(Property, Property.id == PropertyProfile.property_id)
    return session.scalar(found.where(Property.slug == slug, PropertyProfile.published.is_not(None)))


def unit_named(session: Session, property_id: int, name: str) -> Unit | None:
    """The home of a property by the name it has, in any case if there is none written so, else by one it had before."""
    mine = select(Unit).where(Unit.property_id == property_id)
    for same in (Unit.name == name, func.lower(Unit.name) == name.lower()):
        if found := session.scalars(mine.where(same).order_by(Unit.id)).first():
            return found
    return names.renamed(session, Unit, name, property_id=property_id)


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nothing(one) for key, one in value.items() if one is not None and one != ""}
    if isinstance(value, list):
        return [_without_nothing(one) for one in value]
    return value
