"""Whose a short name is, for filters: history is asked for by the names that people know."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ScalarSelect, select
from sqlalchemy.orm import InstrumentedAttribute


def id_of(slug: InstrumentedAttribute[str], name: str) -> ScalarSelect[int]:
    """The id of what has this short name, else of what was retired last under it, as part of a query."""
    model: Any = slug.class_
    found = select(model.id).where(slug == name)
    return found.order_by(model.retired_at.is_not(None), model.retired_at.desc()).limit(1).scalar_subquery()
