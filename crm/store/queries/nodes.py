"""The systems that share the database, and what belongs to which."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm.store.models import Call, Leg, Node

LIVELY = timedelta(minutes=5)
"""A node that has given a sign of life within this time handles its own calls."""
GONE = timedelta(hours=1)
"""After this long without a sign of life, what a node has left undone is taken over by the others."""


def is_ours(column: InstrumentedAttribute[str], node: str) -> ColumnElement[bool]:
    """Rows of this node. Those without a name predate names, and belong to the only home there was."""
    return column.in_((node, ""))


def is_for_us(column: InstrumentedAttribute[str], node: str, now: datetime) -> ColumnElement[bool]:
    """The same, and those of nodes that are gone."""
    return is_ours(column, node) | column.in_(select(Node.name).where(Node.seen_at < now - GONE))


def is_of_others(column: InstrumentedAttribute[str], node: str, now: datetime) -> ColumnElement[bool]:
    """Rows of other live nodes."""
    return column.in_(select(Node.name).where(Node.name != node, Node.seen_at >= now - LIVELY))


def is_other_alive(node: str, now: datetime) -> ColumnElement[bool]:
    return exists().where(Node.name != node, Node.seen_at >= now - LIVELY)


def listed(session: Session) -> Sequence[Node]:
    return session.scalars(select(Node).order_by(Node.name)).all()


def left_behind(session: Session, node: str, now: datetime) -> list[tuple[str, datetime]]:
    """Calls without an outcome of nodes that are gone, and when their node was seen last."""
    found = select(Call.id, Call.started_at, Node.seen_at).join(Node, Node.name == Call.node)
    found = found.where(Call.outcome.is_(None), Call.node != node, Node.seen_at < now - GONE)
    return [(row.id, max(row.started_at, row.seen_at)) for row in session.execute(found.order_by(Call.started_at))]


def on_call_elsewhere(session: Session, node: str) -> set[str]:
    """Slugs of devices in a talk that another node has."""
    talks = select(Leg.device).join(Call, Leg.call_id == Call.id)
    talks = talks.where(Call.outcome.is_(None), ~is_ours(Call.node, node))
    return set(session.scalars(talks.where(Leg.answered_at.is_not(None), Leg.ended_at.is_(None))))
