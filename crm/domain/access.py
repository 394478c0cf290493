"""What a key of the API may do, and which part of the office it sees. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from crm.domain.errors import Invalid


class Scope(StrEnum):
    """A kind of record, and whether it may be changed."""

    LEADS_READ = "leads:read"
    """Guest cards, their timelines, and who has a number or an address."""
    LEADS_WRITE = "leads:write"
    """To add leads, change them, and write notes on them."""
    TASKS_READ = "tasks:read"
    TASKS_WRITE = "tasks:write"
    LISTINGS_READ = "listings:read"
    TOURS_READ = "tours:read"
    TOURS_WRITE = "tours:write"
    CALLS_READ = "calls:read"
    MESSAGES_READ = "messages:read"
    MESSAGES_WRITE = "messages:write"
    """To send texts."""


def read_scopes(raw: Iterable[str]) -> frozenset[Scope]:
    """Scopes as people write them, several in one text separated by commas. Raises Invalid."""
    found = set()
    for word in (part.strip() for text in raw for part in text.split(",")):
        if not word:
            continue
        if word not in tuple(Scope):
            raise Invalid(f"{word[:40]!a} is not a scope: use {', '.join(Scope)}.", code="scope_unknown")
        found.add(Scope(word))
    if not found:
        raise Invalid(f"A key without scopes can do nothing: give some of {', '.join(Scope)}.", code="scopes_missing")
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Reach:
    """The properties that somebody sees, with all that hangs on them."""

    properties: frozenset[int] | None = None
    """Ids; None: the whole office, and what belongs to no property too."""

    @property
    def is_whole(self) -> bool:
        return self.properties is None

    def holds(self, property_id: int | None) -> bool:
        return self.properties is None or property_id in self.properties


WHOLE_OFFICE = Reach()
