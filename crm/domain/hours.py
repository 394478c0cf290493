"""Office hours of one week, right across daylight saving: openings are local, instants aware UTC."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from crm.domain.errors import Invalid

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00", re.ASCII)
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, order=True)
class Opening:
    """One opening in the week, from `opens` until before `closes`, in minutes since midnight."""

    weekday: int
    """0 is Monday."""
    opens: int
    closes: int

    def __post_init__(self) -> None:
        if self.weekday not in range(7):
            raise Invalid(f"Weekday {self.weekday} does not exist: write 0 for Monday up to 6 for Sunday.")
        if not 0 <= self.opens < self.closes <= 24 * 60:
            raise Invalid("An opening has to end after it begins: write a night as two, up to 24:00 and from 00:00.")

    @classmethod
    def parse(cls, weekday: int, opens: str, closes: str) -> Opening:
        """From "HH:MM", up to 24:00. Raises Invalid."""
        return cls(weekday, _minutes(opens), _minutes(closes))


@dataclass(frozen=True)
class WeeklySchedule:
    """When the office is open. Without openings it always is: nobody should lose calls for want of a setting."""

    openings: tuple[Opening, ...]
    tz: ZoneInfo

    @property
    def always_open(self) -> bool:
        return not self.openings

    def is_open(self, at: datetime) -> bool:
        return self.next_open(at) == at

    def next_open(self, at: datetime) -> datetime:
        """`at` itself when open then, else the moment the office opens next."""
        if self.always_open:
            return at
        opens, _ = next(self._windows_from(at))
        return max(opens, at)

    def windows(self, start: datetime, days: int) -> list[tuple[datetime, datetime]]:
        """The openings within `days` times 24 hours from `start`, as UTC (opens, closes), cut at both ends."""
        end = start + days * _DAY
        if self.always_open:
            return [(start, end)] if days > 0 else []
        found: list[tuple[datetime, datetime]] = []
        for opens, closes in self._windows_from(start):
            if opens >= end:
                break
            if found and found[-1][1] == opens:
                found[-1] = (found[-1][0], min(closes, end))
            else:
                found.append((max(opens, start), min(closes, end)))
        return found

    def due_time(self, now: datetime, minutes: float) -> datetime:
        """The moment `minutes` of office hours have passed since `now`."""
        left = timedelta(minutes=minutes)
        if self.always_open:
            return now + left
        for opens, closes in self._windows_from(now):
            begins = max(opens, now)
            if begins + left <= closes:
                return begins + left
            left -= closes - begins
        raise AssertionError("a week's opening always comes again")

    def _windows_from(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """All openings that end after `at`, without end, in order; those that touch are one."""
        merged: tuple[datetime, datetime] | None = None
        for opens, closes in self._single_windows(at):
            if merged and opens <= merged[1]:
                merged = (merged[0], max(merged[1], closes))
            else:
                if merged and merged[1] > at:
                    yield merged
                merged = (opens, closes)
            # An office that never closes is one endless window; whoever asks gets it in pieces.
            if merged[1] - merged[0] > 7 * _DAY:
                yield merged
                merged = None

    def _single_windows(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        # From a day earlier, for a window that began before `at`'s own date.
        day = at.astimezone(self.tz).date() - _DAY
        while True:
            for opening in sorted(self.openings):
                if opening.weekday == day.weekday():
                    opens = _instant(day, opening.opens, self.tz, fold=0)
                    closes = _instant(day, opening.closes, self.tz, fold=1)
                    # Nothing is left of an opening that lies within the hour the clocks skip.
                    if opens < closes:
                        yield opens, closes
            day += _DAY


def _instant(day: date, minute: int, tz: ZoneInfo, fold: int) -> datetime:
    """A wall clock time as UTC. A time that comes twice is the first one with fold 0, the second with 1."""
    wall = datetime.combine(day, time()) + minute * _MINUTE
    instant = wall.replace(tzinfo=tz, fold=fold).astimezone(UTC)
    if instant.astimezone(tz).replace(tzinfo=None) == wall:
        return instant
    # The clock skips this time when it is put forward. That moment is the first at which it shows a later one.
    instant = wall.replace(tzinfo=tz, fold=1).astimezone(UTC)
    while instant.astimezone(tz).replace(tzinfo=None) < wall:
        instant += _MINUTE
    return instant


def _minutes(clock: str) -> int:
    if not _CLOCK.fullmatch(clock):
        raise Invalid(f"{clock!r} is not a time of day: write it like 09:00, up to 24:00.")
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def weekly(openings: Iterable[tuple[int, str, str]], tz: ZoneInfo) -> WeeklySchedule:
    """A schedule from (weekday, "HH:MM", "HH:MM"). Raises Invalid."""
    return WeeklySchedule(tuple(sorted(Opening.parse(*opening) for opening in openings)), tz)
