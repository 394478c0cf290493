"""Whose a short name is. A name that something had before it was renamed goes on meaning it until another has it."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm.store.models import FormerName
from crm.store.models.living import Retirable

One = TypeVar("One", bound=Retirable)


def id_of(slug: InstrumentedAttribute[str], name: str) -> ColumnElement[int]:
    """The id of what has this short name, else of what had it last, renamed or retired by now, as part of a query:
    history is asked for by the names that people know."""
    model: Any = slug.class_
    mine = select(model.id).where(slug == name)
    retired = mine.where(model.retired_at.is_not(None)).order_by(model.retired_at.desc()).limit(1)
    return func.coalesce(
        mine.where(model.retired_at.is_(None)).scalar_subquery(),
        _last_holder(model, name).scalar_subquery(),
        retired.scalar_subquery(),
    )


def renamed(session: Session, model: type[One], name: str) -> One | None:
    """What had this short name last before it was renamed; None if nothing in use had it. To be asked when nothing has
    the name now."""
    held = session.scalar(_last_holder(model, name))
    found = session.get(model, held) if held is not None else None
    return found if found and found.retired_at is None else None


def former(session: Session, row: Any) -> list[str]:
    """The short names that something had before."""
    mine = select(FormerName.name).where(FormerName.kind == row.__tablename__, FormerName.row_id == row.id)
    return list(session.scalars(mine))


def _last_holder(model: Any, name: str) -> Any:
    had = select(FormerName.row_id).where(FormerName.kind == model.__tablename__, FormerName.name == name)
    return had.order_by(FormerName.until.desc()).limit(1)
