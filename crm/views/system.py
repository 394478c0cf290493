"""The system itself: its home, settings and database, what is wrong with it, and what was loaded into it."""

from __future__ import annotations

import msgspec


class HomeEntry(msgspec.Struct):
    """Whether this home sends to people by itself, and what is waiting if it does not."""

    home: str
    held: str
    """Why nothing is sent; empty when it is."""
    texts: int
    """Texts waiting to be sent."""
    mails: int
    calls: int
    """Calls that were ordered and not yet placed."""


class Settings(msgspec.Struct):
    """The settings in force."""

    home: str
    """The home folder."""
    settings: dict[str, object]
    """Sections and keys as in leaseline.toml, defaults included; a password in database.url shows as ***."""


class SettingChange(msgspec.Struct):
    """A setting in leaseline.toml that differs from the one in force."""

    key: str
    """Section and name, such as ring.agent_seconds."""
    before: object
    after: object
    waits: bool
    """Whether it takes effect only when Asterisk starts (`leaseline restart`)."""


class Revision(msgspec.Struct):
    """The database's revision, and the one needed."""

    current: str | None
    """Revision of the database; null when it was never migrated."""
    needed: str
    """Revision this version of Leaseline needs."""
    is_current: bool


class ImportedEntry(msgspec.Struct):
    """The result for one list."""

    kind: str
    added: int
    changed: int


class FindingEntry(msgspec.Struct):
    """What one check found, and how to fix it."""

    check: str
    """What was checked."""
    level: str
    """OK, WARN: something does not work as it should, ERROR: callers are not served, or an emergency call would not be;
    or ?: it cannot be seen from here."""
    text: str
    """What was found."""
    code: str
    """Names the situation for programs, and selects the advice in `fix`; empty if there is nothing to fix."""
    facts: dict[str, object]
    """What that advice needs to know, such as the name of the trunk."""
    fix: str
    """How to fix it; empty if there is nothing to fix."""
