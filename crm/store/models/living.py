"""What is retired stays on record for the history that names it, and takes part in nothing any more.

A statement of the ORM that reads nothing but the office finds only the living, without saying so. One that reads
history too (calls, leads, tasks, texts) finds all, so that nothing is missing from what has happened; where it means
the living nevertheless, it says `retired_at.is_(None)`. So do statements that bypass the ORM (`crm.store.prepared`).
What a row of history refers to is found, living or not: `session.get` and relationships to one row.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, Index, Select, Table, column, delete, event, table
from sqlalchemy.orm import (
    Mapped,
    Mapper,
    ORMExecuteState,
    RelationshipDirection,
    Session,
    mapped_column,
    with_loader_criteria,
)
from sqlalchemy.sql import visitors

from crm.store.models.base import Base, index_where

ALL = {"with_retired": True}
"""Execution options of a statement about the office that finds what is retired, too."""

OFFICE = frozenset(
    {
        "agent",
        "agent_hours",
        "desk",
        "device",
        "former_name",
        "hours",
        "line",
        "listing",
        "location",
        "organization",
        "portfolio",
        "property",
        "special_day",
        "subteam",
        "subteam_member",
        "subteam_sister",
        "tour_blackout",
        "tour_hours",
        "trunk",
        "unit",
    }
)
"""Tables that say how things are, not what has happened."""


class Retirable:
    """Has been part of the office, or is."""

    retired_at: Mapped[datetime | None] = mapped_column(
        index=False, comment="on record only since then; null: it is in use"
    )


_FORMER_NAME = table("former_name", column("kind"), column("row_id"))


@event.listens_for(Retirable, "after_delete", propagate=True)
def forget_names(mapper: Mapper[Any], connection: Connection, row: Any) -> None:
    """What is deleted has had no name: another row may get its id."""
    own: str = mapper.local_table.name  # type: ignore[attr-defined]
    mine = (_FORMER_NAME.c.kind.in_((own, f"{own}.name")), _FORMER_NAME.c.row_id == row.id)
    connection.execute(delete(_FORMER_NAME).where(*mine))


RETIRABLE = frozenset({"agent", "device", "line", "location", "portfolio", "property", "subteam", "trunk", "unit"})
"""Tables of such rows."""


def unique_among_living(table: str, *columns: str) -> Index:
    """No two living rows have the same; a retired one's is free for another."""
    return index_where(f"uq_{table}_{'_'.join(columns)}", *columns, unique=True, where="retired_at IS NULL")


def tables_of(statement: Any) -> set[str]:
    """Names of the tables that a statement reads, those of its subqueries among them."""
    found: set[str] = set()
    for node in visitors.iterate(statement):
        table: Any = node.table if isinstance(node, Column) else node
        table = getattr(table, "element", table)  # Of an alias.
        if isinstance(table, Table):
            found.add(table.name)
    return found


@event.listens_for(Session, "do_orm_execute")
def _only_the_living(state: ORMExecuteState) -> None:
    statement = state.statement
    if not state.is_select or not isinstance(statement, Select) or state.is_column_load:
        return
    # Most statements begin with a table of history; looking into all of a statement takes some 40 µs.
    mapper = state.bind_mapper
    if mapper is not None and isinstance(mapper.local_table, Table) and mapper.local_table.name not in OFFICE:
        return
    if state.execution_options.get("with_retired") or _is_of_one(state):
        return
    tables = tables_of(statement)
    if (retirable := tables & RETIRABLE) and tables <= OFFICE:
        state.statement = statement.options(*(_living(table) for table in sorted(retirable)))


def _is_of_one(state: ORMExecuteState) -> bool:
    """Whether it loads a row by its id: `session.get`, or what another row refers to."""
    if state.is_relationship_load:
        prop = state.loader_strategy_path[-1] if state.loader_strategy_path else None
        return getattr(prop, "direction", None) is RelationshipDirection.MANYTOONE
    wanted: tuple[object, ...] = getattr(state.statement, "_where_criteria", ())
    # The clause that `session.get` uses. Without it, a row of history would name nobody, which tests notice.
    by_id: tuple[object, ...] = getattr(state.bind_mapper, "_get_clause", ())
    return bool(by_id) and len(wanted) == 1 and wanted[0] is by_id[0]


@cache
def _living(table: str) -> Any:
    # One for each class, because one for their common base costs a statement three times as much.
    [found] = (mapper.class_ for mapper in Base.registry.mappers if mapper.local_table is Base.metadata.tables[table])
    return with_loader_criteria(found, found.retired_at.is_(None), include_aliases=True, propagate_to_loaders=False)
