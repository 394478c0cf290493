"""What people choose from in forms: pairs of a slug and a name, by name."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.errors import NotFound
from crm.store.models import Agent, Line, Property, Subteam
from crm.store.queries import reach as reached

MOST = 200
"""More than these nobody looks through: they are named by their slug instead."""

Choices = list[tuple[str, str]]


def agents(session: Session, *, most: int = MOST) -> Choices:
    """All who work here; none where there are more than `most`."""
    return _few(session, select(Agent.slug, Agent.name).order_by(Agent.name, Agent.slug), most)


def properties(session: Session, reach: Reach = WHOLE_OFFICE, *, most: int = MOST) -> Choices:
    """Those in use and within reach; none where there are more than `most`."""
    found = select(Property.slug, Property.name).where(*reached.of_properties(reach))
    return _few(session, found.order_by(Property.name, Property.slug), most)


def lines(session: Session, reach: Reach = WHOLE_OFFICE, *, most: int = MOST) -> Choices:
    """Numbers with their labels; those of properties within reach. None where there are more than `most`."""
    found = select(Line.number, _LABEL).where(*_of_lines(reach)).order_by(_LABEL, Line.number)
    return _few(session, found, most)


def check_line(session: Session, number: str, reach: Reach) -> None:
    """Raises NotFound unless the line is of a property within reach."""
    if session.scalar(select(Line.id).where(Line.number == number, *_of_lines(reach))) is None:
        raise NotFound(f"There is no line {number}.", code="line_unknown", line=number)


_LABEL = func.coalesce(func.nullif(Line.label, "") + " · " + Line.number, Line.number)


def _of_lines(reach: Reach) -> Iterator[ColumnElement[bool]]:
    if reach.properties is not None:
        yield Line.property_id.in_(reach.properties)


def subteams(session: Session, reach: Reach = WHOLE_OFFICE, *, most: int = MOST) -> Choices:
    """Those with a property within reach; none where there are more than `most`."""
    found = select(Subteam.slug, Subteam.name).order_by(Subteam.name, Subteam.slug)
    if not reach.is_whole:
        of_ours = select(Property.subteam_id).where(*reached.of_properties(reach), Property.subteam_id.is_not(None))
        found = found.where(Subteam.id.in_(of_ours))
    return _few(session, found, most)


def _few(session: Session, found: Select[str, str], most: int) -> Choices:
    rows = session.execute(found.limit(most + 1)).all()
    return [(slug, name) for slug, name in rows] if len(rows) <= most else []
