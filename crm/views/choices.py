"""What people choose from in forms: pairs of a slug and a name, by name."""

from __future__ import annotations

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session

from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.errors import NotFound
from crm.store import prepared
from crm.store.models import Agent, Line, Property, Subteam

MOST = 200
"""More than these nobody looks through: they are named by their slug instead."""

Choices = list[tuple[str, str]]


def agents(session: Session, *, most: int = MOST) -> Choices:
    """All who work here; none where there are more than `most`."""
    return _few(session, _AGENTS, most)


def properties(session: Session, reach: Reach = WHOLE_OFFICE, *, most: int = MOST) -> Choices:
    """Those in use and within reach; none where there are more than `most`."""
    return _few(session, _PROPERTIES if reach.properties is None else _PROPERTIES_OF, most, reach)


def lines(session: Session, reach: Reach = WHOLE_OFFICE, *, most: int = MOST) -> Choices:
    """Numbers with their labels; those of properties within reach. None where there are more than `most`."""
    return _few(session, _LINES if reach.properties is None else _LINES_OF, most, reach)


def check_line(session: Session, number: str, reach: Reach) -> None:
    """Raises NotFound unless the line is of a property within reach."""
    found = select(Line.id).where(Line.number == number)
    if reach.properties is not None:
        found = found.where(Line.property_id.in_(reach.properties))
    if session.scalar(found) is None:
        raise NotFound(f"There is no line {number}.", code="line_unknown", line=number)


def subteams(session: Session, reach: Reach = WHOLE_OFFICE, *, most: int = MOST) -> Choices:
    """Those with a property within reach; none where there are more than `most`."""
    return _few(session, _SUBTEAMS if reach.properties is None else _SUBTEAMS_OF, most, reach)


def _few(session: Session, found: Select[str, str], most: int, reach: Reach = WHOLE_OFFICE) -> Choices:
    values = {} if reach.properties is None else {"properties": list(reach.properties)}
    rows = prepared.rows(session, found, {"rows": most + 1, **values}).all()
    return [(slug, name) for slug, name in rows] if len(rows) <= most else []


_ROWS = bindparam("rows", type_=Property.id.type)
_WITHIN = bindparam("properties", expanding=True, type_=Property.id.type)
_LABEL = func.coalesce(func.nullif(Line.label, "") + " · " + Line.number, Line.number)
_AGENTS = select(Agent.slug, Agent.name).where(Agent.retired_at.is_(None)).order_by(Agent.name, Agent.slug).limit(_ROWS)
_PROPERTIES = (
    select(Property.slug, Property.name)
    .where(Property.retired_at.is_(None))
    .order_by(Property.name, Property.slug)
    .limit(_ROWS)
)
_PROPERTIES_OF = _PROPERTIES.where(Property.id.in_(_WITHIN))
_LINES = select(Line.number, _LABEL).where(Line.retired_at.is_(None)).order_by(_LABEL, Line.number).limit(_ROWS)
_LINES_OF = _LINES.where(Line.property_id.in_(_WITHIN))
_SUBTEAMS = (
    select(Subteam.slug, Subteam.name)
    .where(Subteam.retired_at.is_(None))
    .order_by(Subteam.name, Subteam.slug)
    .limit(_ROWS)
)
_SUBTEAMS_OF = _SUBTEAMS.where(
    Subteam.id.in_(
        select(Property.subteam_id).where(
            Property.id.in_(_WITHIN), Property.retired_at.is_(None), Property.subteam_id.is_not(None)
        )
    )
)
