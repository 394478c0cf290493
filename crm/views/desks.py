"""Desks: where calls from residents, owners and vendors, and about emergencies and concerns, are put through to."""

from __future__ import annotations

import msgspec
from sqlalchemy.orm import Session

from crm.config import Config
from crm.store.queries import desks


class DeskEntry(msgspec.Struct):
    """A desk, and why nobody can be reached there now."""

    kind: str
    property: str | None
    """Slug; null: for every property without one of its own."""
    target: str
    """agent:SLUG, subteam:SLUG, or a number as E.164."""
    confirm: bool
    """Whether the person who answers at an outside number has to press 1."""
    hours: list[str]
    """Its own hours; empty: emergencies and outside numbers ring at any time, people while the property's office is
    open."""
    problem: str
    """Why nobody can be reached there, as one sentence; empty when somebody can."""


def listed(session: Session, config: Config) -> list[DeskEntry]:
    """By kind; the one for all properties before those of single ones."""
    rows = desks.listed(session)
    problems = desks.problems(session, config, {row.target for row in rows})
    return [DeskEntry(*row, problem=problems[row.target]) for row in rows]
