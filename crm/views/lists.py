"""Values that a row of a list may have several of, read for all rows at once."""

from __future__ import annotations

from collections import defaultdict
from typing import TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import Session

Key = TypeVar("Key")
Value = TypeVar("Value")


def by_owner(session: Session, pairs: Select[Key, Value]) -> dict[Key, list[Value]]:
    """Groups values by owner, in the order they come; owners without values are missing."""
    found: dict[Key, list[Value]] = defaultdict(list)
    for owner, value in session.execute(pairs):
        found[owner].append(value)
    return found
