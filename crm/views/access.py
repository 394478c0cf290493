"""Keys of the REST API."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.store.models import ApiKey, ApiKeyReach, Property, Subteam
from crm.views.lists import by_owner


class ApiKeyEntry(msgspec.Struct, kw_only=True):
    """A key of the API."""

    name: str
    begins: str
    """The beginning of the key, by which one that turns up somewhere is recognized."""
    state: str
    """active, expired or revoked."""
    scopes: list[str]
    """Kinds of record, and whether it may read or write them."""
    whole_office: bool
    """Whether it sees everything; otherwise only the properties and subteams named."""
    properties: list[str]
    """Slugs."""
    subteams: list[str]
    """Slugs: it sees all their properties."""
    made_by: str
    made_at: datetime
    expires_at: datetime | None
    """null: never."""
    used_at: datetime | None
    """The last time, to a few minutes; null: never."""
    revoked_at: datetime | None


def keys(session: Session, now: datetime, *, with_old: bool = False) -> list[ApiKeyEntry]:
    """By name; those that are no longer in force only `with_old`."""
    found = session.scalars(select(ApiKey).order_by(ApiKey.name)).all()
    properties = by_owner(
        session,
        select(ApiKeyReach.key_id, Property.slug)
        .join(Property, Property.id == ApiKeyReach.property_id)
        .order_by(Property.slug),
    )
    subteams = by_owner(
        session,
        select(ApiKeyReach.key_id, Subteam.slug)
        .join(Subteam, Subteam.id == ApiKeyReach.subteam_id)
        .order_by(Subteam.slug),
    )
    entries = [
        ApiKeyEntry(
            name=key.name,
            begins=key.prefix,
            state=_state(key, now),
            scopes=key.scopes,
            whole_office=not key.is_narrow,
            properties=properties.get(key.id, []),
            subteams=subteams.get(key.id, []),
            made_by=key.made_by,
            made_at=key.made_at,
            expires_at=key.expires_at,
            used_at=key.used_at,
            revoked_at=key.revoked_at,
        )
        for key in found
    ]
    return [one for one in entries if with_old or one.state == "active"]


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now else "active"
