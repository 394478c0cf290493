"""Statements for which a caller waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVarTuple

from sqlalchemy import CursorResult, Select
from sqlalchemy.orm import Session

Columns = TypeVarTuple("Columns")


def rows(session: Session, statement: Select[*Columns], values: Mapping[str, Any]) -> CursorResult[*Columns]:
    """What a prepared statement finds. It selects only columns, so the ORM is not needed, which takes longer than the
    database does. Like a query of the ORM, it sees what the session has changed, unless in `no_autoflush`."""
    if session.autoflush:
        session.flush()
    return session.connection().execute(statement, values)
