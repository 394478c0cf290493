"""Leasing numbers that callers dial."""

from __future__ import annotations

import builtins

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain.errors import NotFound
from crm.store.models import Line, Portfolio, Property, Subteam


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
    )
    .outerjoin(Property, Property.id == Line.property_id)
    .outerjoin(Portfolio, Portfolio.id == Line.portfolio_id)
    .outerjoin(Subteam, Subteam.id == Property.subteam_id)
)


def listed(session: Session) -> list[LineEntry]:
    """All, by number."""
    return [LineEntry(*row) for row in session.execute(_LINE.order_by(Line.number))]


def one(session: Session, number: str) -> LineEntry:
    """By the number as it is stored. Raises NotFound."""
    row = session.execute(_LINE.where(Line.number == number)).first()
    if row is None:
        raise NotFound(f"There is no line {number}.", code="line_unknown", number=number)
    return LineEntry(*row)
