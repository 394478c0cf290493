"""What people choose from in forms: pairs of a slug and a name, by name."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from crm.domain.access import WHOLE_OFFICE, Reach
from crm.store.models import Agent, Property, Subteam
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
