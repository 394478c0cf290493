"""A database's rows go from one database to another, of either kind, and are all there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Column, Integer, Table, select, text
from sqlalchemy.exc import SQLAlchemyError

from crm.domain.errors import Conflict
from crm.store import dump, migrate
from crm.store.models import Base, Lead
from crm.store.models.base import Microseconds, PackedJson, UtcDateTime
from crm.store.session import Store
from tests.postgres import PostgresServer

pytestmark = [pytest.mark.store, pytest.mark.both_databases]

VALUES: dict[type, Any] = {
    str: "Zoë 'Q' \"\\\n\u2028",
    bytes: b"\x00\xff\x10",
    bool: True,
    int: 1,
    float: 0.1,
    Decimal: Decimal("12.5"),
    datetime: datetime(2026, 3, 2, 16, 0, 1, 234567, tzinfo=UTC),
    date: date(2024, 2, 29),
    time: time(9, 30),
}


def _value(column: Column[Any]) -> object:
    if isinstance(column.type, JSON):
        return {"b": [1, None, "ü"], "a": 0.5}
    if isinstance(column.type, PackedJson):
        return ["ü", {"a": None}]
    is_time = isinstance(column.type, (UtcDateTime, Microseconds))
    value = VALUES[datetime if is_time else column.type.python_type]
    length = getattr(column.type, "length", None)
    return value[:length] if isinstance(value, str) and length else value


def _fill(store: Store) -> int:
    """A row in each table that takes one made up of anything, and the number of these tables."""
    filled = 0
    with store.writing() as session:
        for table in Base.metadata.sorted_tables:
            row = {
                column.name: 1 if column.foreign_keys and isinstance(column.type, Integer) else _value(column)
                for column in table.columns
                if not (column.foreign_keys and column.nullable)
            }
            try:
                with session.begin_nested():
                    session.execute(table.insert(), row)
            except SQLAlchemyError:
                continue
            filled += 1
    return filled


def _rows(url: str) -> dict[str, list[tuple[Any, ...]]]:
    store = Store(url)
    try:
        with store.reading() as session:
            return {
                table.name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
                for table in Base.metadata.sorted_tables
            }
    finally:
        store.close()


@pytest.fixture
def target(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of the other kind."""
    if backend == "postgresql":
        yield f"sqlite:///{tmp_path / 'target.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    server.run_sql("CREATE DATABASE dump_target")
    yield server.url("dump_target")
    server.run_sql("DROP DATABASE dump_target WITH (FORCE)")


def test_every_kind_of_value_arrives_and_ids_go_on_where_they_were(url: str, target: str) -> None:
    store = Store(url)
    assert _fill(store) > 50
    # The highest id is in no row any more.
    with store.writing() as session:
        session.execute(Lead.__table__.insert(), [{**_lead(), "id": 70}])  # type: ignore[attr-defined]
    with store.writing() as session:
        if url.startswith("postgresql"):
            session.execute(text("SELECT setval(pg_get_serial_sequence('lead', 'id'), 70)"))
        session.execute(text("DELETE FROM lead WHERE id = 70"))
    store.close()
    with dump.snapshot(url) as rows:
        there = dump.load(target, rows.revision, rows.chunks(), rows.sequences)
        assert there == {name: summing.sum() for name, summing in rows.sums.items()}
    migrate.upgrade(target)
    assert _rows(target) == _rows(url)
    other = Store(target)
    with other.writing() as session:
        lead = Lead(**_lead())
        session.add(lead)
        session.flush()
        assert lead.id == 71
    other.close()


def _lead() -> dict[str, Any]:
    table: Table = Lead.__table__  # type: ignore[assignment]
    return {column.name: _value(column) for column in table.columns if not column.foreign_keys and column.name != "id"}


def test_a_snapshot_does_not_change_while_others_write(url: str) -> None:
    own = Store(url)
    with dump.snapshot(url) as rows:
        before = rows.count()
        _fill(own)
        assert rows.count() == before
        assert sum(len(lines) for _, _, lines in rows.chunks()) == before
    own.close()


def test_a_database_with_tables_is_left_alone(url: str) -> None:
    with dump.snapshot(url) as rows, pytest.raises(Conflict, match="already"):
        dump.load(url, rows.revision, rows.chunks(), rows.sequences)


def test_rows_that_refer_to_nothing_are_refused(target: str) -> None:
    chunk = ("lead_phone", ["id", "lead_id", "number"], [b'[1, 5, "+15125550100"]'])
    with pytest.raises(Conflict):
        dump.load(target, migrate.head(), iter([chunk]), {})
    dump.clear(target)
    dump.refuse_unless_empty(target)


def test_a_database_that_is_not_empty_is_not_begun_with(url: str, target: str) -> None:
    begun: list[bool] = []
    with dump.snapshot(url) as rows, pytest.raises(Conflict):
        dump.load(url, rows.revision, rows.chunks(), rows.sequences, on_begin=lambda: begun.append(True))
    assert begun == []
    with dump.snapshot(url) as rows:
        dump.load(target, rows.revision, rows.chunks(), rows.sequences, on_begin=lambda: begun.append(True))
    assert begun == [True]


def test_only_one_moves_or_restores_into_a_database_at_a_time(url: str) -> None:
    with dump.alone(url):
        if url.startswith("postgresql"):
            with pytest.raises(Conflict, match="moving or restoring"), dump.alone(url):
                pass
        migrate.upgrade(url)  # Those who hold it migrate.
    with dump.alone(url):
        pass


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_database_whose_index_lacks_a_row_is_damaged(url: str) -> None:
    store = Store(url)
    _fill(store)
    assert dump.damage(url) == ""
    with store.writing() as session:
        session.execute(text("PRAGMA writable_schema = ON"))
        session.execute(
            text("UPDATE sqlite_master SET sql = replace(sql, '(created_at', '(id') WHERE name = 'ix_lead_made'")
        )
        session.execute(text("PRAGMA writable_schema = OFF"))
    store.close()
    assert dump.damage(url) != ""
