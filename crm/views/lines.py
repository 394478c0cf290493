"""Leasing numbers that callers dial."""

from __future__ import annotations

import builtins
from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain.errors import NotFound
from crm.store.models import Line, Portfolio, Property, Subteam
from crm.store.models.living import ALL


class LineEntry(msgspec.Struct):
    """A leasing number."""

    number: str
    """E.164, or the digits of an extension of the office's phone system."""
    label: str
    source: str
    """Where callers saw it: sign, website, an ILS."""
    property: str | None
    """Slug of the property it is advertised for."""
    portfolio: str | None
    """Slug of the portfolio whose properties callers choose from. If neither this nor a property is set, they choose
    from all properties."""
    subteam: str | None
    """Slug of that property's subteam."""
    language: str
    greeting: str
    """Spoken first; empty: the standard greeting."""
    ai_answers: str
    """When the voice agent answers: off, after_hours, overflow or always; empty: as the property or the office says."""
    retired_at: datetime | None
    """Since then it is on record only; null: it is in use."""

    @builtins.property
    def about(self) -> str:
        """What its calls are about, in words."""
        return self.property or (f"one of {self.portfolio}" if self.portfolio else "one of all")


_LINE = (
    select(
        Line.number,
        Line.label,
        Line.source,
        Property.slug.label("property"),
        Portfolio.slug.label("portfolio"),
        Subteam.slug.label("subteam"),
        Line.language,
        Line.greeting,
        Line.ai_answers,
        Line.retired_at,
    )
    .outerjoin(Property, Property.id == Line.property_id)
    .outerjoin(Portfolio, Portfolio.id == Line.portfolio_id)
    .outerjoin(Subteam, Subteam.id == Property.subteam_id)
)


def listed(session: Session, *, retired: bool = False) -> list[LineEntry]:
    """All in use, or all that are retired, by number."""
    found = _LINE.order_by(Line.number, Line.retired_at)
    if retired:
        found = found.where(Line.retired_at.is_not(None)).execution_options(**ALL)
    return [LineEntry(**row._mapping) for row in session.execute(found)]


def one(session: Session, number: str) -> LineEntry:
    """By the number as it is stored. Raises NotFound."""
    row = session.execute(_LINE.where(Line.number == number)).first()
    if row is None:
        raise NotFound(f"There is no line {number}.", code="line_unknown", number=number)
    return LineEntry(**row._mapping)
