"""Rows as JSON, whole, and back into the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import Date, DateTime, Numeric, Table, Time
from sqlalchemy.types import TypeDecorator

_READ = {Date: date.fromisoformat, DateTime: datetime.fromisoformat, Time: time.fromisoformat, Numeric: Decimal}


def to_json(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row, or some of its columns, in types of JSON. Times keep their microseconds, amounts all their digits."""
    return {str(name): _written(value) for name, value in row.items()}


def from_json(table: Table, kept: Mapping[str, Any]) -> dict[str, Any]:
    """The values that `to_json` was given, of columns that the table still has."""
    return {name: _read(table, name, value) for name, value in kept.items() if name in table.c}


def _written(value: Any) -> Any:
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _read(table: Table, name: str, value: Any) -> Any:
    if value is None:
        return None
    type_ = table.c[name].type
    if isinstance(type_, TypeDecorator):
        type_ = type_.impl_instance
    for kind, read in _READ.items():
        if isinstance(type_, kind) and isinstance(value, str):
            return read(value)
    return value
