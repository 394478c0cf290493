"""Where a page of a list ends, as the address of the next page says it."""

from __future__ import annotations

from datetime import datetime

from crm.domain.errors import NotFound

PER_PAGE = 20
"""Entries of a list that come first: on a phone, each takes a quarter of the screen. `n` goes on to the next."""
LARGEST_ID = 2**31 - 1


def written(at: datetime, id: int) -> str:
    return f"{at.isoformat()}/{id}"


def moment_and_id(raw: str) -> tuple[datetime, int] | None:
    """Time and id of the last entry on the page before; None for the first page. Raises NotFound for anything that is
    none of ours."""
    if not raw:
        return None
    moment, _, id = raw.rpartition("/")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        raise _unknown() from None
    # The calendar's first and last days have no neighbors in other time zones.
    if at.tzinfo is None or not 1900 < at.year < 3000:
        raise _unknown()
    return at, number(id)


def number(raw: str) -> int:
    """An id. Raises NotFound for what is none, and for what no database has."""
    if not (raw.isascii() and raw.isdecimal() and len(raw) <= 10 and 0 < int(raw) <= LARGEST_ID):
        raise _unknown()
    return int(raw)


def _unknown() -> NotFound:
    return NotFound("There is no such page.", code="page_unknown")
