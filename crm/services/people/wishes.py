"""What a lead is looking for: bedrooms, a move-in date, a budget, and room for their pets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from crm.domain import fields
from crm.domain.errors import Invalid
from crm.store.models import Lead

MOST_BEDROOMS = 20
MOST_BUDGET = 1_000_000
STUDIO = "studio"


def read(
    today: date | None = None,
    /,
    *,
    bedrooms: str | None = None,
    move_in: str | None = None,
    budget: str | None = None,
    pets: str | None = None,
) -> dict[str, Any]:
    """Parses wishes given as text into columns of the card; an empty text clears one. Raises Invalid.

    `bedrooms` is a number or "studio", `budget` dollars a month, `move_in` a date, with `today` also without its year.
    """
    found: dict[str, Any] = {}
    if bedrooms is not None:
        found["bedrooms"] = _bedrooms(bedrooms)
    if move_in is not None:
        found["move_in_on"] = fields.day(move_in, today) if move_in.strip() else None
    if budget is not None:
        found["budget"] = _budget(budget)
    if pets is not None:
        found["pets"] = fields.text(pets, "pets", 100)
    return found


def write(lead: Lead, wanted: Mapping[str, Any]) -> list[str]:
    """Writes what `read` returned into the card; returns the names of the changed columns."""
    changed = [column for column, value in wanted.items() if getattr(lead, column) != value]
    for column in changed:
        setattr(lead, column, wanted[column])
    return changed


def complete(lead: Lead, wanted: Mapping[str, Any]) -> None:
    """Fills in what the card lacks."""
    for column, value in wanted.items():
        if getattr(lead, column) in (None, ""):
            setattr(lead, column, value)


def _bedrooms(raw: str) -> int | None:
    word = raw.strip().lower()
    if not word:
        return None
    count = 0 if word == STUDIO else int(word) if word.isdecimal() and len(word) < 4 else -1
    if not 0 <= count <= MOST_BEDROOMS:
        raise Invalid("Give the bedrooms as a number such as 2, or studio.", code="bedrooms_invalid")
    return count


def _budget(raw: str) -> int | None:
    digits = raw.strip().removeprefix("$").replace(",", "").partition(".")[0]
    if not raw.strip():
        return None
    if not digits.isdecimal() or not 0 < int(digits[:9]) <= MOST_BUDGET:
        raise Invalid("Give the budget in dollars a month, such as 1500.", code="budget_invalid")
    return int(digits)
