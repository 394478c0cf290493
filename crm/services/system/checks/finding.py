"""What a check of the doctor reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Level(StrEnum):
    OK = "OK"
    WARN = "WARN"
    """Something will not work as it should."""
    ERROR = "ERROR"
    """Callers are not served, or an emergency call would not be."""
    UNSEEN = "?"
    """Cannot be seen from here, so a person has to try it."""


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    check: str
    """What was checked."""
    level: Level
    """OK, WARN: something does not work as it should, ERROR: callers are not served, or an emergency call would not be;
    or ?: it cannot be seen from here."""
    text: str
    """What was found."""
    code: str = ""
    """Names the situation for programs, and selects the advice on how to fix it; empty if there is nothing to fix."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """What that advice needs to know, such as the trunk in question."""


def counted(check: str, count: int, text: str, code: str, **facts: object) -> Finding:
    """A warning if anything is waiting that should not be."""
    return warn(check, text, code, **facts) if count else ok(check, "Nothing waits.")


def some(names: Sequence[str]) -> str:
    """As many of the names as fit on a line."""
    return ", ".join(names) if len(names) <= 8 else f"{', '.join(names[:7])} and {len(names) - 7} more"


def ok(check: str, text: str) -> Finding:
    return Finding(check, Level.OK, text)


def warn(check: str, text: str, code: str, **facts: object) -> Finding:
    return Finding(check, Level.WARN, text, code, facts)


def unseen(check: str, text: str, code: str, **facts: object) -> Finding:
    return Finding(check, Level.UNSEEN, text, code, facts)


def fault(check: str, text: str, code: str, **facts: object) -> Finding:
    return Finding(check, Level.ERROR, text, code, facts)
