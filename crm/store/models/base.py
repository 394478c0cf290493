"""What all tables share: times in UTC, and names of constraints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Index,
    LargeBinary,
    MetaData,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from crm.store import packing


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time on every database; SQLite has no time zone and would hand back a naive one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without time zone was about to be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        # Read from SQLite's text at once: by way of a time without a zone it takes twice as long, and lists are full
        # of times.
        return _from_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _from_text(value: str | None) -> datetime | None:
    return datetime.fromisoformat(f"{value}+00:00") if value is not None else None


class Microseconds(TypeDecorator[datetime]):
    """An aware UTC time as the number of microseconds since 1970, for tables with many rows: SQLite writes other times
    out, in 26 bytes."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without time zone was about to be stored")
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return _EPOCH + value * _MICROSECOND if value is not None else None


_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class PackedJson(TypeDecorator[Any]):
    """JSON that only Python reads, in a few bytes (`crm.store.packing`)."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes:
        return packing.packed(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        return packing.unpacked(value) if value is not None else None


CONDITION = "condition"
"""Where an index says which rows it has."""


def index_where(name: str, *columns: Any, where: str, unique: bool = False) -> Index:
    """An index of the rows that meet a condition, on both databases.

    SQLAlchemy's own options for it load the databases they name, PostgreSQL with all its drivers, in every process.
    Only who writes a migration needs them: `add_conditions`.
    """
    return Index(name, *columns, unique=unique, info={CONDITION: where})


def add_conditions(metadata: MetaData) -> None:
    """Has Alembic write the conditions of indexes into migrations."""
    for table in metadata.tables.values():
        for index in table.indexes:
            if where := index.info.get(CONDITION):
                for database in ("sqlite", "postgresql"):
                    index.dialect_options[database]["where"] = text(where)


def index_of_some(name: str, column: str) -> Index:
    """An index of the rows that have something in a column; most have not. A database that deletes the row that is
    referred to looks for them."""
    return index_where(name, column, where=f"{column} IS NOT NULL")


@dataclass(frozen=True)
class Declared:
    """A model whose table and columns are written down; `crm.store.models` maps it when somebody needs it."""

    model: type[Base]
    along: tuple[str, ...]
    """Models that have to be mapped with it, though no column and no relationship's type names them."""


DECLARED: dict[str, Declared] = {}
"""By the name of the class."""


class Base(DeclarativeBase):
    # Named constraints, because SQLite migrations rebuild tables and have to find them again.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime: UtcDateTime, dict[str, Any]: JSON, list[str]: JSON}

    def __init_subclass__(cls, *, along: tuple[str, ...] = ()) -> None:
        # SQLAlchemy's own would map it.
        DECLARED[cls.__name__] = Declared(cls, along)
