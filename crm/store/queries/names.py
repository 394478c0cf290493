"""Whose a short name is. A name that something had before it was renamed goes on meaning it until another has it."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm.store.models import CALLED, FormerName, Property
from crm.store.models.base import Base

One = TypeVar("One", bound=Base)


def id_of(slug: InstrumentedAttribute[str], name: str) -> ColumnElement[int]:
    """The id of what has this short name, else of what had it last, renamed or retired by now, as part of a query:
    history is asked for by the names that people know."""
    model: Any = slug.class_
    mine = select(model.id).where(slug == name)
    retired = mine.where(model.retired_at.is_not(None)).order_by(model.retired_at.desc()).limit(1)
    return func.coalesce(
        mine.where(model.retired_at.is_(None)).scalar_subquery(),
        _last_holder(model, name, False).scalar_subquery(),
        _last_holder(model, name, True).scalar_subquery(),
        retired.scalar_subquery(),
    )


def id_in_use(slug: InstrumentedAttribute[str], name: str) -> ColumnElement[int]:
    """The id of what has this short name, else of what had it last before it was renamed; of what is in use alone."""
    model: Any = slug.class_
    mine = select(model.id).where(slug == name, model.retired_at.is_(None))
    return func.coalesce(mine.scalar_subquery(), _last_holder(model, name, False).scalar_subquery())


def ids_of(slug: InstrumentedAttribute[str], name: str) -> Select[int]:
    """The ids of all that have this short name or were retired with it, and of what `id_of` finds: what there is on
    record under a name may be of several."""
    model: Any = slug.class_
    return select(model.id).where(or_(slug == name, model.id == id_of(slug, name)))


def renamed(session: Session, model: type[One], name: str, **among: int) -> One | None:
    """What had this short name last before it was renamed; None if nothing in use had it. To be asked when nothing has
    the name now; `among` are columns of those whose names have to differ."""
    held = session.scalar(_last_holder(model, name, False, **among))
    return session.get(model, held) if held is not None else None


def renamed_all(session: Session, model: type[One], **among: int) -> dict[str, One]:
    """What `renamed` finds, by all names that it finds something for."""
    holder: Any = model
    had = select(FormerName.name, holder).join(holder, holder.id == FormerName.row_id)
    had = had.where(FormerName.kind == model.__tablename__, *(getattr(holder, key) == of for key, of in among.items()))
    if hasattr(holder, "retired_at"):
        had = had.where(holder.retired_at.is_(None))
    return dict(session.execute(had.order_by(FormerName.until, FormerName.id)).all())


def said_of_properties(session: Session) -> dict[str, str]:
    """Slugs of properties in use, by what people may call them besides their names: what had that name last, then by
    short names."""
    had = select(FormerName.name, Property.slug).join(Property, Property.id == FormerName.row_id)
    had = had.where(FormerName.kind.in_((Property.__tablename__, CALLED)), Property.retired_at.is_(None))
    slugs = session.scalars(select(Property.slug).where(Property.retired_at.is_(None)).order_by(Property.slug)).all()
    before = session.execute(had.order_by(FormerName.until, FormerName.id)).all()
    found = {_spoken(name): slug for name, slug in before}
    return {**found, **{_spoken(slug): slug for slug in slugs}}


def _spoken(name: str) -> str:
    return name.replace("-", " ").casefold()


def former(session: Session, row: Any) -> list[str]:
    """The short names that something had before."""
    mine = select(FormerName.name).where(FormerName.kind == row.__tablename__, FormerName.row_id == row.id)
    return list(session.scalars(mine))


def _last_holder(model: Any, name: str, is_retired: bool, /, **among: int) -> Select[int]:
    """What is in use and what is retired by now are asked for apart, so that an index has the order."""
    had = select(FormerName.row_id).join(model, model.id == FormerName.row_id)
    had = had.where(FormerName.kind == model.__tablename__, FormerName.name == name)
    had = had.where(*(getattr(model, key) == of for key, of in among.items()))
    if hasattr(model, "retired_at"):
        had = had.where(model.retired_at.is_not(None) if is_retired else model.retired_at.is_(None))
    return had.order_by(FormerName.until.desc(), FormerName.id.desc()).limit(1)
