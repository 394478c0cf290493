"""What text is found by: indexes beside the tables, which each kind of database has in its own way.

SQLite has FTS5 tables with external content, which triggers keep up to date; PostgreSQL has GIN indexes on words
(tsvector, in a generated column) and on groups of three letters (pg_trgm). Both are put in after migrations, and are no
part of the models.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Text, inspect, text
from sqlalchemy.orm import Session

from crm.store import triggers
from crm.store.triggers import Triggers, named

FAMILY = "search_text"
PREFIX = "search_"
"""Begins the name of each table or index."""
WORDS = f"{PREFIX}words"
"""On SQLite, the words of timelines: a view of their index, in alphabetical order (sqlite.org/fts5.html, 6)."""

VECTOR = f"{PREFIX}vector"
"""On PostgreSQL, the column with the words of a row. It is kept, because the newest entries with common words are found
by reading entry after entry, and to work out the words of one takes a hundred times as long as to read them."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """A column whose text is found."""

    table: str
    column: str
    by_parts: bool
    """By any three characters in a row, rather than by words."""

    @property
    def name(self) -> str:
        return f"{PREFIX}{self.table}"


INDEXED = (
    Indexed("activity", "text", by_parts=False),
    Indexed("lead", "name", by_parts=True),
    Indexed("lead_phone", "number", by_parts=True),
    Indexed("lead_email", "address", by_parts=True),
)


def put(connection: Connection) -> None:
    """Creates what is missing, and fills it."""
    if not inspect(connection).has_table("lead_email"):
        return  # An older revision, on the way down.
    if connection.dialect.name == "postgresql":
        _put_postgres(connection)
        return
    found = _tables(connection)
    for one in INDEXED:
        if one.name not in found:
            tokens = "trigram" if one.by_parts else "unicode61 remove_diacritics 2"
            connection.execute(
                text(
                    f"CREATE VIRTUAL TABLE {one.name} USING fts5({one.column}, content='{one.table}',"
                    f" content_rowid='id', tokenize='{tokens}')"
                )
            )
    if WORDS not in found:
        connection.execute(text(f"CREATE VIRTUAL TABLE {WORDS} USING fts5vocab('search_activity', 'instance')"))
    wanted = Triggers(FAMILY, tuple(_keeping()))
    if triggers.present(connection, FAMILY) != dict(wanted.wanted).keys():
        # While they were missing, text may have changed.
        triggers.put(connection, wanted)
        for one in INDEXED:
            connection.execute(text(f"INSERT INTO {one.name}({one.name}) VALUES ('rebuild')"))


def remove(connection: Connection) -> None:
    """Drops all of it, before a migration goes down."""
    if connection.dialect.name == "postgresql":
        for one in INDEXED:
            connection.execute(text(f"DROP INDEX IF EXISTS {one.name}"))
            connection.execute(text(f"ALTER TABLE IF EXISTS {one.table} DROP COLUMN IF EXISTS {VECTOR}"))
        return
    triggers.remove(connection, FAMILY)
    for name in _tables(connection) & {WORDS, *(one.name for one in INDEXED)}:
        connection.execute(text(f"DROP TABLE {name}"))


def words_from(session: Session, beginning: str, most: int) -> list[str]:
    """On SQLite: the words of timelines with this beginning, which is in small letters of ASCII and digits, in order;
    at most `most`."""
    asked = {"beginning": beginning, "most": most + 1}
    found = session.connection().execute(_WORDS_FROM, asked).scalars()
    return [word for word in found if word is not None and word.startswith(beginning)][:most]


# From word to word, because one word may be in a million entries. The index's words are of letters and digits, so that
# none comes between a word and the same with a zero behind it.
_WORDS_FROM = text(
    f"WITH RECURSIVE next(word) AS (SELECT (SELECT term FROM {WORDS} WHERE term >= :beginning LIMIT 1) UNION ALL"
    f" SELECT (SELECT term FROM {WORDS} WHERE term >= next.word || '0' LIMIT 1) FROM next"
    " WHERE substr(next.word, 1, length(:beginning)) = :beginning LIMIT :most) SELECT word FROM next"
)


def _tables(connection: Connection) -> set[str]:
    return set(connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars())


def _keeping() -> Iterator[tuple[str, str]]:
    for one in INDEXED:
        table, column, name = one.table, one.column, one.name
        # sqlite.org/fts5.html, 4.4.3: an external content table is told what was there before.
        gone = f"INSERT INTO {name}({name}, rowid, {column}) VALUES ('delete', OLD.id, OLD.{column})"
        come = f"INSERT INTO {name}(rowid, {column}) VALUES (NEW.id, NEW.{column})"
        yield named(FAMILY, table, "insert", f"AFTER INSERT ON {table} BEGIN {come}; END")
        yield named(FAMILY, table, "delete", f"AFTER DELETE ON {table} BEGIN {gone}; END")
        changed = f"WHEN OLD.{column} IS NOT NEW.{column}"
        yield named(FAMILY, table, "update", f"AFTER UPDATE OF {column} ON {table} {changed} BEGIN {gone}; {come}; END")


def _is_text(connection: Connection, one: Indexed) -> bool:
    """False in an older revision, on the way up: PostgreSQL changes no column that another is made of."""
    columns = inspect(connection).get_columns(one.table)
    return any(column["name"] == one.column and isinstance(column["type"], Text) for column in columns)


def _put_postgres(connection: Connection) -> None:
    has_parts = connection.execute(text("SELECT true FROM pg_extension WHERE extname = 'pg_trgm'")).scalar()
    if not has_parts:
        # Its owner may do so (PostgreSQL 13 and later); on a server without the module, parts are found more slowly.
        has_parts = connection.execute(
            text(
                "SELECT true FROM pg_available_extensions WHERE name = 'pg_trgm'"
                " AND has_database_privilege(current_database(), 'CREATE')"
            )
        ).scalar()
        if has_parts:
            connection.execute(text("CREATE EXTENSION pg_trgm"))
    present = text("SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() AND indexname = :name")
    for one in INDEXED:
        # What is there is not asked for again, which would wait for everybody who writes.
        there = connection.execute(present, {"name": one.name}).scalar() or ""
        if one.by_parts and has_parts and not there:
            how = f"gin (lower({one.column}) gin_trgm_ops)"
            connection.execute(text(f"CREATE INDEX {one.name} ON {one.table} USING {how}"))
        elif not one.by_parts and VECTOR not in there and _is_text(connection, one):
            connection.execute(text(f"DROP INDEX IF EXISTS {one.name}"))
            held = f"tsvector GENERATED ALWAYS AS (to_tsvector('simple', {one.column})) STORED"
            connection.execute(text(f"ALTER TABLE {one.table} ADD COLUMN IF NOT EXISTS {VECTOR} {held}"))
            connection.execute(text(f"CREATE INDEX {one.name} ON {one.table} USING gin ({VECTOR})"))
            # Until it knows how common words are, the planner reads all entries for a rare one.
            connection.execute(text(f"ANALYZE {one.table} ({VECTOR})"))
