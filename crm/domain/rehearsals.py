"""Rehearsed calls, and past calls that are decided again: what is reported about them. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from crm.domain.choosing import Question
from crm.domain.routing import Path, RoutePlan
from crm.domain.tours import Slot


@dataclass(frozen=True)
class RehearsedTurn:
    """One exchange: a prompt, and what the caller keys."""

    question: Question
    hears: tuple[str, ...]
    """Word by word, in the caller's language."""
    keys: tuple[str, ...]
    """Keys that would be answers; empty: any digits."""
    pressed: tuple[str, ...]
    """Each try, the last one counts; "" is silence."""


@dataclass(frozen=True)
class Rehearsal:
    line: str
    """The number that is dialed."""
    label: str
    """Empty also when it is not a line."""
    caller: str | None
    """E.164; None: withheld."""
    at: datetime
    tz: ZoneInfo
    """Where the property is, else the office."""
    turns: tuple[RehearsedTurn, ...]
    hears: tuple[str, ...]
    """After the last turn."""
    plan: RoutePlan
    tour: Slot | None = None
    """What would be booked."""
    rings: dict[str, list[list[str]]] = field(default_factory=dict)
    """Phones by the plan's stages: slugs of devices that ring together, one list after the other."""


@dataclass(frozen=True)
class Changed:
    """A decision that would have been different."""

    call_id: str
    at: datetime
    before: RoutePlan
    after: RoutePlan


@dataclass
class Replay:
    calls: int = 0
    decisions: int = 0
    unreadable: int = 0
    """Stored by another version, or without what was known."""
    changed: list[Changed] = field(default_factory=list)

    @property
    def counts(self) -> list[tuple[str, str, int]]:
        """Which outcomes turned into which, the most frequent first."""
        found = Counter((told_plan(one.before), told_plan(one.after)) for one in self.changed)
        return [(before, after, count) for (before, after), count in found.most_common()]


def told_plan(plan: RoutePlan) -> str:
    """A plan in a few words, e.g. "live (subteam): agent 15 s, subteam 20 s"."""
    follows = [f"{stage.name} {stage.seconds:g} s" for stage in plan.stages]
    follows += [path.value for path in plan.otherwise if path is Path.QUEUE]
    return f"{plan.path} ({plan.rule}){': ' + ', '.join(follows) if follows else ''}"
