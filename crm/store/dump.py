"""All rows of a database in a form that SQLite and PostgreSQL share, of which backups and moves are made.

A row is one line of JSON: its values in the order of the columns' names. Tables are taken as the database has them, not
as the models do, so that an older database can be written down and read back before it is migrated.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Date,
    DateTime,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Time,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from crm.domain.errors import Conflict, CrmError, Unavailable
from crm.store import migrate, search, triggers
from crm.store.session import in_words, migration_engine

CHUNK = 2_000
"""Rows that are in memory at a time."""
_OURS = "alembic_version"
_WRAP = 1 << 128


class Sum(msgspec.Struct, frozen=True):
    """What a table holds, whatever the order of its rows."""

    rows: int = 0
    digest: str = "0" * 32
    """The sum of the rows' hashes (BLAKE2b, 128 bits), in hexadecimal."""


@dataclass
class Summing:
    rows: int = 0
    hashes: int = 0

    def add(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self.rows += 1
            self.hashes += int.from_bytes(blake2b(line, digest_size=16).digest())

    def sum(self) -> Sum:
        return Sum(self.rows, f"{self.hashes % _WRAP:032x}")


Chunk = tuple[str, list[str], list[bytes]]
"""A table's name, the names of its columns, and some of its rows."""
Chunks = Iterator[Chunk]


@dataclass
class FrozenRows:
    """One state of a database; others go on writing."""

    connection: Connection
    revision: str
    tables: dict[str, Table]
    sums: dict[str, Summing] = field(default_factory=dict)
    """Of the tables that have been read to their end."""

    def count(self) -> int:
        """How many rows there are in all."""
        return sum(
            self.connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in self.tables.values()
        )

    def chunks(self) -> Iterator[Chunk]:
        """All rows of all tables. A table without any comes once, with none."""
        for name, table in self.tables.items():
            summing = self.sums[name] = Summing()
            columns = sorted(str(name) for name in table.columns.keys())  # noqa: SIM118
            found = False
            for lines in self._lines(table, columns):
                found = True
                summing.add(lines)
                yield name, columns, lines
            if not found:
                yield name, columns, []

    def sequences(self) -> dict[str, int]:
        """The highest id that was ever given out in each table that numbers its rows."""
        if self.connection.dialect.name == "sqlite":
            if not self.connection.exec_driver_sql(
                "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"
            ).first():
                return {}
            found = self.connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence").all()
            return {name: last for name, last in found if name in self.tables}
        given: dict[str, int] = {}
        for table, _, sequence in _postgres_sequences(self.connection, self.tables):
            last = self.connection.exec_driver_sql(f"SELECT last_value FROM {sequence} WHERE is_called").scalar()
            if last is not None:
                given[table] = last
        return given

    def _lines(self, table: Table, columns: list[str]) -> Iterator[list[bytes]]:
        writers = [_writer(table.columns[name].type) for name in columns]
        query = select(*(table.columns[name] for name in columns))
        rows = self.connection.execution_options(stream_results=True, yield_per=CHUNK).execute(query)
        for part in rows.partitions():
            yield [
                msgspec.json.encode(
                    [
                        value if value is None or write is None else write(value)
                        for value, write in zip(row, writers, strict=True)
                    ]
                )
                for row in part
            ]


@contextmanager
def snapshot(url: str) -> Iterator[FrozenRows]:
    """The database as it is now. Raises Unavailable, and Conflict if there are no tables of ours."""
    engine = migration_engine(url, json_serializer=_as_it_is, json_deserializer=_as_text)
    try:
        options: dict[str, Any] = {"writes": False, "compiled_cache": None}
        if engine.dialect.name == "postgresql":
            options["isolation_level"] = "REPEATABLE READ"
        with engine.connect().execution_options(**options) as connection, connection.begin():
            yield _snapshot(connection)
    except DBAPIError as error:
        raise _in_trouble(error) from error
    finally:
        engine.dispose()


_LOCK = 5_327_329
"""Differs from that of migrations, which run while it is held."""


@contextmanager
def alone(url: str) -> Iterator[None]:
    """Keeps others from moving or restoring into or out of the same PostgreSQL database meanwhile.

    A SQLite file needs none: it is new, or the home that moves out of it is stopped. Raises Conflict, Unavailable.
    """
    if not url.startswith("postgresql"):
        yield
        return
    engine = migration_engine(url)
    try:
        # The lock ends with its connection, however this process ends.
        with engine.connect() as connection:
            if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK}).scalar():
                raise Conflict("Somebody is moving or restoring that database now.", code="database_moving")
            connection.commit()
            yield
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
            connection.commit()
    except DBAPIError as error:
        raise _in_trouble(error) from error
    finally:
        engine.dispose()


def load(
    url: str,
    revision: str,
    chunks: Iterable[Chunk],
    sequences: Mapping[str, int] | Callable[[], Mapping[str, int]],
    *,
    node: str = "",
    on_begin: Callable[[], object] = lambda: None,
) -> dict[str, Sum]:
    """Fills an empty database, at a revision this version knows, and returns what it then holds, as read back from it.

    It is left at `revision`, without triggers and indexes of text; `migrate.upgrade` adds them. Raises Conflict if
    there are tables already or rows do not fit, and Unavailable. `on_begin` is called once the database is known to be
    empty: only from then on may the caller `clear` it.
    """
    refuse_unless_empty(url)
    on_begin()
    migrate.upgrade(url, revision, node=node)
    engine = migration_engine(url, json_serializer=_as_it_is, json_deserializer=_as_text)
    # Statements here are few and large, and read JSON in another way than those compiled elsewhere.
    engine = engine.execution_options(compiled_cache=None)
    try:
        with engine.connect() as connection, connection.begin():
            triggers.remove(connection, *migrate.FAMILIES)
            search.remove(connection)
            tables = _tables(connection)
            # What migrations put in is in what is loaded.
            foreign = _without_foreign_keys(connection) if connection.dialect.name == "postgresql" else []
            for table in tables.values():
                connection.execute(table.delete())
            for name, columns, lines in chunks:
                if name not in tables or not set(columns) <= set(tables[name].columns.keys()):
                    raise Conflict(f"The table {name[:60]!a} is not one of revision {revision}.", code="dump_foreign")
                _insert(connection, tables[name], columns, lines)
            for statement in foreign:
                connection.exec_driver_sql(statement)
            if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                raise Conflict("Some rows refer to others that are missing.", code="dump_damaged")
            _set_sequences(connection, tables, sequences() if callable(sequences) else sequences)
        with engine.connect() as connection, connection.begin():
            there = _snapshot(connection)
            for _ in there.chunks():
                pass
            return {name: summing.sum() for name, summing in there.sums.items()}
    except (IntegrityError, DataError, ValueError, TypeError, RecursionError) as error:
        kind = type(getattr(error, "orig", None) or error).__name__
        raise Conflict(f"A row does not fit into the database ({kind}).", code="dump_damaged") from error
    except DBAPIError as error:
        raise _in_trouble(error) from error
    finally:
        engine.dispose()


def damage(url: str) -> str:
    """What is wrong inside of a SQLite file, its indexes included; empty: nothing (PRAGMA integrity_check)."""
    engine = migration_engine(url)
    try:
        with engine.connect() as connection:
            found = str(connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar())
    except DBAPIError as error:
        raise _in_trouble(error) from error
    finally:
        engine.dispose()
    return "" if found == "ok" else " ".join(found.split())[:200]


def clear(url: str) -> None:
    """Removes all that an attempt to fill an empty database has left."""
    if migrate.current(url) is not None:
        migrate.downgrade(url, "base")
    engine = migration_engine(url)
    try:
        with engine.connect() as connection, connection.begin():
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {_OURS}")
    finally:
        engine.dispose()


def refuse_unless_empty(url: str) -> None:
    """Raises Conflict if there is any table, and Unavailable."""
    engine = migration_engine(url)
    try:
        if inspect(engine).get_table_names():
            raise Conflict("There are tables in that database already.", code="database_not_empty")
    except DBAPIError as error:
        raise _in_trouble(error) from error
    finally:
        engine.dispose()


def _snapshot(connection: Connection) -> FrozenRows:
    tables = _tables(connection, with_revision=True)
    if _OURS not in tables:
        raise Conflict("There are no tables of Leaseline in that database.", code="database_without_tables")
    found = connection.execute(select(tables.pop(_OURS).columns.version_num)).scalar()
    if found is None:
        raise Conflict("There are no tables of Leaseline in that database.", code="database_without_tables")
    return FrozenRows(connection, found, tables)


def _tables(connection: Connection, *, with_revision: bool = False) -> dict[str, Table]:
    """The tables with the columns that are written to; one that the database computes is made anew where it is needed.
    Rows are all that is taken, so keys, indexes and constraints are not read."""
    looked_at = inspect(connection)
    names = [
        name
        for name in looked_at.get_table_names()
        if not name.startswith((search.PREFIX, "sqlite_")) and (with_revision or name != _OURS)
    ]
    tables: dict[str, Table] = {}
    for (_, name), columns in looked_at.get_multi_columns(filter_names=names).items():
        own = [Column(column["name"], column["type"]) for column in columns if "computed" not in column]
        table = Table(name, MetaData(), *own)
        for column in table.columns:
            if isinstance(column.type, JSON):
                column.type.none_as_null = True
        tables[name] = table
    return dict(sorted(tables.items()))


def _insert(connection: Connection, table: Table, columns: list[str], lines: list[bytes]) -> None:
    if not lines:
        return
    readers = [_reader(table.columns[name].type) for name in columns]
    decode = msgspec.json.Decoder(list[Any]).decode
    rows = [
        {
            name: value if value is None or read is None else read(value)
            for name, value, read in zip(columns, decode(line), readers, strict=True)
        }
        for line in lines
    ]
    connection.execute(table.insert(), rows)


def _writer(kind: object) -> Callable[[Any], object] | None:
    """Makes JSON of a column's values; None where they are JSON already."""
    if isinstance(kind, DateTime):
        return lambda value: (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)).isoformat()
    if isinstance(kind, Date | Time):
        return lambda value: value.isoformat()
    if isinstance(kind, Numeric) and kind.asdecimal:
        return lambda value: f"{Decimal(value).normalize():f}"
    if isinstance(kind, LargeBinary):
        return lambda value: base64.b64encode(value).decode()
    return None


def _reader(kind: object) -> Callable[[Any], object] | None:
    if isinstance(kind, DateTime):
        return datetime.fromisoformat
    if isinstance(kind, Date):
        return date.fromisoformat
    if isinstance(kind, Time):
        return time.fromisoformat
    if isinstance(kind, Numeric) and kind.asdecimal:
        return Decimal
    if isinstance(kind, LargeBinary):
        return base64.b64decode
    return None


def _as_it_is(value: Any) -> Any:
    return value


def _as_text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()


def _without_foreign_keys(connection: Connection) -> list[str]:
    """Drops them, so that rows may come in any order, and returns the statements that put them back."""
    found = connection.exec_driver_sql(
        "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
    ).all()
    for table, name, _ in found:
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    return [f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}" for table, name, definition in found]


def _postgres_sequences(connection: Connection, tables: Iterable[str]) -> list[tuple[str, str, str]]:
    """Table, column and sequence of each column that numbers rows."""
    found = connection.execute(
        text(
            "SELECT table_name, column_name, pg_get_serial_sequence(quote_ident(table_name), column_name)"
            " FROM information_schema.columns WHERE table_schema = current_schema()"
        )
    )
    known = set(tables)
    return [(table, column, sequence) for table, column, sequence in found if sequence and table in known]


def _set_sequences(connection: Connection, tables: Mapping[str, Table], given: Mapping[str, int]) -> None:
    if connection.dialect.name == "postgresql":
        for table, column, sequence in _postgres_sequences(connection, tables):
            highest = connection.execute(select(func.max(tables[table].columns[column]))).scalar() or 0
            if last := max(highest, given.get(table, 0)):
                connection.execute(text("SELECT setval(:sequence, :last)"), {"sequence": sequence, "last": last})
        return
    numbering = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'").scalars()
    for table in sorted(set(numbering) & given.keys()):
        connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        connection.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, given[table]))


def _in_trouble(error: DBAPIError) -> CrmError:
    kind = type(error.orig or error).__name__
    return Unavailable(in_words(error) or f"The database does not answer ({kind}).", code="database_in_trouble")
