"""Agents who lease the same properties."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from crm.domain import fields
from crm.domain.errors import NotFound
from crm.store.models import Agent, Property, Subteam, SubteamMember, SubteamSister
from crm.store.models.living import ALL
from crm.store.queries.names import id_of
from crm.views.lists import by_owner


class SubteamEntry(msgspec.Struct):
    """Agents who lease the same properties."""

    slug: str
    name: str
    strategy: str
    """ring_all, or round_robin: one agent at a time, longest idle first."""
    members: list[str]
    """Slugs of its agents."""
    sisters: list[str]
    """Slugs of the subteams that help out when nobody in it is free, in this order."""
    answering_service: str | None
    """E.164 of the service that answers then; null: the office's."""
    properties: list[str]
    """Slugs of the properties it leases."""
    retired_at: datetime | None
    """Since then it is on record only; null: it is in use."""


_SUBTEAM = select(
    Subteam.id, Subteam.slug, Subteam.name, Subteam.strategy, Subteam.answering_service, Subteam.retired_at
)


def listed(session: Session, *, retired: bool = False) -> list[SubteamEntry]:
    """All in use, or all that are retired, by slug."""
    found = _SUBTEAM.order_by(Subteam.slug, Subteam.retired_at)
    if retired:
        found = found.where(Subteam.retired_at.is_not(None)).execution_options(**ALL)
    return _entries(session, found)


def one(session: Session, slug: str) -> SubteamEntry:
    """Raises NotFound, Invalid."""
    found = _entries(session, _SUBTEAM.where(Subteam.id == id_of(Subteam.slug, fields.slug(slug))))
    if not found:
        raise NotFound(f"There is no subteam {slug}.", code="subteam_unknown", subteam=slug)
    return found[0]


def _entries(session: Session, found: Select[*tuple[Any, ...]]) -> list[SubteamEntry]:
    rows = session.execute(found).all()
    ids = [row.id for row in rows]
    members = by_owner(
        session,
        select(SubteamMember.subteam_id, Agent.slug)
        .join(Agent, Agent.id == SubteamMember.agent_id)
        .where(SubteamMember.subteam_id.in_(ids))
        .order_by(Agent.slug),
    )
    sisters = by_owner(
        session,
        select(SubteamSister.subteam_id, Subteam.slug)
        .join(Subteam, Subteam.id == SubteamSister.sister_id)
        .where(SubteamSister.subteam_id.in_(ids))
        .order_by(SubteamSister.position),
    )
    slugs = select(Property.subteam_id, Property.slug).where(Property.subteam_id.in_(ids))
    properties = by_owner(session, slugs.order_by(Property.slug))
    return [
        SubteamEntry(
            slug=row.slug,
            name=row.name,
            strategy=row.strategy,
            members=members[row.id],
            sisters=sisters[row.id],
            answering_service=row.answering_service,
            properties=properties[row.id],
            retired_at=row.retired_at,
        )
        for row in rows
    ]
