"""What people and programs may do, and which part of the office they see. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from crm.domain.errors import Invalid

LANGUAGES = ("en", "es")
"""Of the console."""


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


class Role(StrEnum):
    """What somebody who signs in to the console is there for."""

    ADMIN = "admin"
    """Also changes how the system works, and who may sign in."""
    MANAGER = "manager"
    """Also sees how the office does, and has a say in others' work."""
    AGENT = "agent"
    """Talks to people, and keeps their records."""
    READ_ONLY = "read-only"
    """Looks, and changes nothing."""


class Act(StrEnum):
    """What a role may let somebody do. To look at calls, leads, tasks, tours and listings needs none of them."""

    WORK = "work"
    """Change leads, tasks, tours and notes, write to people, and call them."""
    HEAR = "hear"
    """Listen to recordings and voicemail, and read transcripts."""
    REPORTS = "reports"
    EXPORT = "export"
    """Take many people's data out at once."""
    LISTINGS = "listings"
    """Change listings, and publish them."""
    ROUTING = "routing"
    """See why a call went where it went, and try one."""
    SUPERVISE = "supervise"
    """Listen in on talks and take them over, assign leads in bulk, and end others' calls."""
    ERASE = "erase"
    """Delete a person's data."""
    SETTINGS = "settings"
    """Change lines, hours, devices, forwarding and texts' templates."""
    PEOPLE = "people"
    """Invite people, change their roles, and disable them."""
    HEALTH = "health"
    """See whether all parts of the system are well."""


_READ_ONLY = frozenset({Act.HEAR, Act.REPORTS, Act.ROUTING})
_AGENT = frozenset({Act.WORK, Act.HEAR})
_MANAGER = _AGENT | _READ_ONLY | {Act.EXPORT, Act.LISTINGS, Act.SUPERVISE}
ACTS = {Role.ADMIN: frozenset(Act), Role.MANAGER: _MANAGER, Role.AGENT: _AGENT, Role.READ_ONLY: _READ_ONLY}
"""What each role may do."""
_WHOLE = frozenset({Act.ERASE, Act.SETTINGS, Act.PEOPLE, Act.HEALTH, Act.REPORTS})
"""Acts that concern the whole office, so that nobody who sees a part of it may do them."""


class Viewer(Protocol):
    """Somebody who has signed in."""

    @property
    def role(self) -> Role: ...

    @property
    def reach(self) -> Reach: ...


def may(who: Viewer, act: Act, property_id: int | None = None) -> bool:
    """Whether they may do this; with a property, whether they may with that one's."""
    if act not in ACTS[who.role] or (act in _WHOLE and not who.reach.is_whole):
        return False
    return property_id is None or who.reach.holds(property_id)
