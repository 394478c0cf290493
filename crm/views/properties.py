"""Buildings and communities with homes to rent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from crm.domain import fields
from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.errors import NotFound
from crm.store.models import Line, Portfolio, Property, Subteam
from crm.store.models.living import ALL
from crm.store.queries import reach as reached
from crm.store.queries.names import id_of
from crm.views.lists import by_owner


class PropertyEntry(msgspec.Struct):
    """A building or community with homes to rent."""

    slug: str
    name: str
    subteam: str | None
    """Slug of the subteam that leases it."""
    listings_url: str
    """Texted to callers; empty: the office's."""
    portfolio: str | None
    """Slug."""
    area: str
    """Part of town, as callers know it; the choice from many properties begins with areas."""
    timezone: str
    """Its own; empty: the office's."""
    recording: str
    """off, announced, or demand: when an agent keys the code for it."""
    voicemail_to: str
    """The mailbox that its voicemail goes to: property or subteam."""
    escalates: bool
    """Whether people are called about voicemail that nobody has taken."""
    ai_answers: str
    """When the voice agent answers: off, after_hours, overflow or always; empty: as the office says."""
    lines: list[str]
    """Numbers that are advertised for it."""
    retired_at: datetime | None
    """Since then it is on record only; null: it is in use."""


class PortfolioEntry(msgspec.Struct):
    """A group of properties."""

    slug: str
    name: str
    properties: list[str]
    retired_at: datetime | None
    """Since then it is on record only; null: it is in use."""


_PROPERTY = (
    select(
        Property.id,
        Property.slug,
        Property.name,
        Subteam.slug.label("subteam"),
        Property.listings_url,
        Portfolio.slug.label("portfolio"),
        Property.area,
        Property.timezone,
        Property.recording,
        Property.voicemail_to,
        Property.escalates,
        Property.ai_answers,
        Property.retired_at,
    )
    .outerjoin(Subteam, Subteam.id == Property.subteam_id)
    .outerjoin(Portfolio, Portfolio.id == Property.portfolio_id)
)


def listed(
    session: Session,
    *,
    retired: bool = False,
    after: str | None = None,
    limit: int | None = None,
    reach: Reach = WHOLE_OFFICE,
) -> list[PropertyEntry]:
    """By slug, all in use, or all that are retired, unless there is a limit; `after` is the last one on the page
    before."""
    found = _PROPERTY.where(*reached.of_properties(reach)).order_by(Property.slug, Property.retired_at).limit(limit)
    if retired:
        found = found.where(Property.retired_at.is_not(None)).execution_options(**ALL)
    return _entries(session, found if after is None else found.where(Property.slug > after))


def one(session: Session, slug: str) -> PropertyEntry:
    """Raises NotFound, Invalid."""
    found = _entries(session, _PROPERTY.where(Property.id == id_of(Property.slug, fields.slug(slug))))
    if not found:
        raise NotFound(f"There is no property {slug}.", code="property_unknown", property=slug)
    return found[0]


def named(session: Session, slug: str) -> Property:
    """The row itself, for views of what belongs to it. Raises NotFound, Invalid."""
    found = session.scalar(select(Property).where(Property.id == id_of(Property.slug, fields.slug(slug))))
    if found is None:
        raise NotFound(f"There is no property {slug}.", code="property_unknown", property=slug)
    return found


def portfolios(session: Session, *, retired: bool = False) -> list[PortfolioEntry]:
    """All in use, or all that are retired, by slug."""
    slugs = by_owner(session, select(Property.portfolio_id, Property.slug).order_by(Property.slug))
    found = select(Portfolio.id, Portfolio.slug, Portfolio.name, Portfolio.retired_at)
    found = found.order_by(Portfolio.slug, Portfolio.retired_at)
    if retired:
        found = found.where(Portfolio.retired_at.is_not(None)).execution_options(**ALL)
    return [PortfolioEntry(slug, name, slugs[id], since) for id, slug, name, since in session.execute(found)]


def _entries(session: Session, found: Select[*tuple[Any, ...]]) -> list[PropertyEntry]:
    rows = session.execute(found).all()
    numbers = select(Line.property_id, Line.number).where(Line.property_id.in_([row.id for row in rows]))
    lines = by_owner(session, numbers.order_by(Line.number))
    return [_entry(dict(row._mapping), lines) for row in rows]


def _entry(shown: dict[str, Any], lines: Mapping[int | None, list[str]]) -> PropertyEntry:
    return PropertyEntry(lines=lines[shown.pop("id")], **shown)
