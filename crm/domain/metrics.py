"""The numbers that matter, from calls as they are on record. Pure.

Every figure has its count beside it, and its definition in `DEFINITIONS`, which the command's help prints.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from crm.domain import periods
from crm.domain.periods import PeriodKind


class MetricGroup(StrEnum):
    """What the figures are grouped by."""

    PROPERTY = "property"
    SOURCE = "source"
    AGENT = "agent"
    SUBTEAM = "subteam"
    HOUR = "hour"
    """Of the day, on the office's clock."""
    WEEK = "week"
    """From Monday on."""
    MONTH = "month"


class CardPart(StrEnum):
    """What a complete record has."""

    NAME = "name"
    NUMBER = "number"
    SOURCE = "source"
    PROPERTY = "property"
    WISH = "wish"
    """When they want to move in, or how many bedrooms."""


class ReportKind(StrEnum):
    """Reports that can be mailed."""

    METRICS = "metrics"
    SOURCES = "sources"


DEFINITIONS = {
    "calls": ("Calls to one of our lines, not counting unwanted callers, residents, owners, vendors and concerns."),
    "qualified": "Those in which the caller talked to somebody.",
    "answer": "From the caller's arrival to the beginning of the first talk, in seconds: median and 90th percentile.",
    "first_pass": (
        "Qualified calls routed right on the first pass: a reviewed call as its review says (`report weekly`, `report "
        "review`), any other when the first person to answer kept it, without a transfer."
    ),
    "reviewed": "Qualified calls whose routing has been reviewed.",
    "transferred": "Calls in which an agent transferred the caller.",
    "tours": "Tours booked in a call, or by an agent within an hour after it.",
    "complete": (
        "Callers' records that have a name, a number, a source, a property, and a move-in date or bedrooms, and that "
        "nobody has typed: neither all of it, by hand or as an import, nor one of these as a correction on the card. "
        "Beside it, the same for each of them."
    ),
}


@dataclass(frozen=True)
class CallRecord:
    """What the figures need to know of one call that came in."""

    id: str
    started_at: datetime
    talk_started_at: datetime | None
    property: str = ""
    source: str = ""
    agent: str = ""
    """Slug of the agent who talked first."""
    subteam: str = ""
    transferred: bool = False
    routed_right: bool | None = None
    """What a review said; None: not reviewed."""
    tours: int = 0
    lead_id: int | None = None
    """Of the caller's record; None: they have none."""
    captured: frozenset[CardPart] = frozenset()
    """What their record has that nobody typed."""


@dataclass(frozen=True)
class Figures:
    """The numbers of one group."""

    name: str
    calls: int
    qualified: int
    answer_median_seconds: float | None
    """None: nobody was talked to."""
    answer_p90_seconds: float | None
    first_pass: int
    reviewed: int
    """Of the qualified calls: those whose routing somebody has judged."""
    transferred: int
    tours: int
    leads: int
    leads_complete: int
    captured: Mapping[CardPart, int]
    """How many of the leads have each part."""

    @property
    def first_pass_share(self) -> float | None:
        """0 to 1; None without a qualified call."""
        return self.first_pass / self.qualified if self.qualified else None

    @property
    def complete_share(self) -> float | None:
        return self.leads_complete / self.leads if self.leads else None

    def share_with(self, part: CardPart) -> float | None:
        """0 to 1, of the leads; None without any."""
        return self.captured[part] / self.leads if self.leads else None


def figures(calls: Iterable[CallRecord], by: MetricGroup | None, tz: ZoneInfo) -> list[Figures]:
    """The figures of each group by name, and of all together under the name "all", which comes last."""
    calls = list(calls)
    groups: dict[str, list[CallRecord]] = {}
    if by is not None:
        for call in calls:
            groups.setdefault(_GROUPS[by](call, tz) or "unknown", []).append(call)
    return [*(_of(name, found) for name, found in sorted(groups.items())), _of("all", calls)]


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least `share` of all do not exceed (nearest rank); None without values."""
    if not values:
        return None
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def _of(name: str, calls: Sequence[CallRecord]) -> Figures:
    talked = [call for call in calls if call.talk_started_at is not None]
    waits = [(call.talk_started_at - call.started_at) / timedelta(seconds=1) for call in talked if call.talk_started_at]
    # However often somebody calls, theirs is one record.
    known = {call.lead_id: call.captured for call in calls if call.lead_id is not None}.values()
    return Figures(
        name=name,
        calls=len(calls),
        qualified=len(talked),
        answer_median_seconds=percentile(waits, 0.5),
        answer_p90_seconds=percentile(waits, 0.9),
        first_pass=sum(_first_pass(call) for call in talked),
        reviewed=sum(call.routed_right is not None for call in talked),
        transferred=sum(call.transferred for call in calls),
        tours=sum(call.tours for call in calls),
        leads=len(known),
        leads_complete=sum(captured == frozenset(CardPart) for captured in known),
        captured={part: sum(part in captured for captured in known) for part in CardPart},
    )


def _first_pass(call: CallRecord) -> bool:
    return not call.transferred if call.routed_right is None else call.routed_right


_GROUPS: Mapping[MetricGroup, Callable[[CallRecord, ZoneInfo], str]] = {
    MetricGroup.PROPERTY: lambda call, _: call.property,
    MetricGroup.SOURCE: lambda call, _: call.source,
    MetricGroup.AGENT: lambda call, _: call.agent,
    MetricGroup.SUBTEAM: lambda call, _: call.subteam,
    MetricGroup.HOUR: lambda call, tz: f"{call.started_at.astimezone(tz):%H}:00",
    MetricGroup.WEEK: lambda call, tz: periods.name_of(call.started_at, PeriodKind.WEEK, tz),
    MetricGroup.MONTH: lambda call, tz: periods.name_of(call.started_at, PeriodKind.MONTH, tz),
}
