"""Opening hours, correct across daylight saving: the week and the dates are local, instants aware UTC."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from crm.domain.errors import Invalid

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00", re.ASCII)
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_CLOSED_FOR_GOOD = 2 * 366
"""How many days without an opening end the search."""
_DATES_KEPT = 100


@dataclass(frozen=True, order=True)
class Opening:
    """One opening in the week, from `opens` until before `closes`, in minutes since midnight."""

    weekday: int
    """0 is Monday."""
    opens: int
    closes: int

    def __post_init__(self) -> None:
        if self.weekday not in range(7):
            raise Invalid(
                f"Weekday {self.weekday} does not exist: write 0 for Monday up to 6 for Sunday.",
                code="weekday_number_invalid",
                weekday=self.weekday,
            )
        if not 0 <= self.opens < self.closes <= 24 * 60:
            raise Invalid(
                "An opening has to end after it begins: write a night as two, up to 24:00 and from 00:00.",
                code="opening_reversed",
            )

    @classmethod
    def parse(cls, weekday: int, opens: str, closes: str) -> Opening:
        """From "HH:MM", up to 24:00. Raises Invalid."""
        return cls(weekday, clock_minutes(opens), clock_minutes(closes))


@dataclass(frozen=True)
class SpecialHours:
    """A date that differs from the week: closed all day, open at other times, or expressly as in the week."""

    name: str = ""
    windows: tuple[tuple[int, int], ...] | None = ()
    """From when until when, in minutes since midnight; none: closed all day. None: as in the week, though the date is
    a public holiday."""

    @property
    def is_closed(self) -> bool:
        return self.windows == ()

    @classmethod
    def open(cls, name: str, opens: str, closes: str) -> SpecialHours:
        """Open from "HH:MM", up to 24:00. Raises Invalid."""
        opening = Opening.parse(0, opens, closes)
        return cls(name, ((opening.opens, opening.closes),))


@dataclass(frozen=True)
class Schedule:
    """When an office, a desk or a person is open: the week, and the dates that differ from it.

    Without openings the week is always open: nobody should lose calls for want of a setting.
    """

    openings: tuple[Opening, ...]
    tz: ZoneInfo
    special: Mapping[date, SpecialHours] = field(default_factory=dict)
    """Dates set by hand; they take precedence over public holidays."""
    holidays: Callable[[int], Mapping[date, str]] | None = None
    """The public holidays of a year with their names; closed all day."""
    _dates: dict[date, tuple[tuple[datetime, datetime], ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """Cache: many calls ask about the same few dates."""

    @property
    def always_open(self) -> bool:
        """Open at all hours because nothing was set, as opposed to set to be so."""
        return not self.openings and not self.special and self.holidays is None

    @property
    def week(self) -> list[tuple[int, str, str]]:
        """The week's openings as (weekday, "HH:MM", "HH:MM"), in order."""
        return [(one.weekday, _clock(one.opens), _clock(one.closes)) for one in sorted(self.openings)]

    @property
    def covers_whole_week(self) -> bool:
        """The week has no closed minute, whatever dates differ."""
        days = [self._of_weekday(weekday) for weekday in range(7)]
        return all(_is_whole(windows) for windows in days)

    def with_week(self, openings: tuple[Opening, ...]) -> Schedule:
        """Another week at the same property, such as a desk's, with the property's special days and holidays.

        What never closes knows none of them, and without openings it never does.
        """
        own = Schedule(openings, self.tz)
        return own if not openings or own.covers_whole_week else replace(self, openings=openings)

    def special_day(self, at: datetime) -> SpecialHours | None:
        """What is special about the local date at this moment; None: a date like any other."""
        return self._special(at.astimezone(self.tz).date())

    def is_open(self, at: datetime) -> bool:
        if self.always_open:
            return True
        # Asked for thousands of agents during one call, so it looks at no more than it must.
        day = at.astimezone(self.tz).date()
        return any(opens <= at < closes for one in (day, day - _DAY) for opens, closes in self._of_date(one))

    def next_open(self, at: datetime) -> datetime | None:
        """`at` itself if open then, else the next opening; None when there is none within two years."""
        if self.always_open:
            return at
        opens, _ = next(self._windows_from(at), (None, None))
        return max(opens, at) if opens else None

    def next_change(self, at: datetime) -> datetime | None:
        """When it is to be looked at again after `at`: the next opening or closing, or sooner where it never closes;
        None when there is none within two years."""
        if self.always_open:
            return None
        opens, closes = next(self._windows_from(at), (None, None))
        return opens if opens and opens > at else closes

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
        """The moment `minutes` of opening hours have passed since `now`.

        Where it never opens again, that is `minutes` from now: what is left to do must not wait for ever.
        """
        left = timedelta(minutes=minutes)
        if self.always_open:
            return now + left
        for opens, closes in self._windows_from(now):
            begins = max(opens, now)
            if begins + left <= closes:
                return begins + left
            left -= closes - begins
        return now + timedelta(minutes=minutes)

    def _special(self, day: date) -> SpecialHours | None:
        if day in self.special:
            return self.special[day]
        name = self.holidays(day.year).get(day) if self.holidays else None
        return SpecialHours(name) if name is not None else None

    def _windows_from(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """All openings that end after `at`, in order, adjacent ones merged; ends after the last."""
        merged: tuple[datetime, datetime] | None = None
        given: datetime | None = None
        for opens, closes in self._single_windows(at):
            if given:
                # Where midnight comes twice, a day begins before the one before it has ended.
                opens = max(opens, given)
                if opens >= closes:
                    continue
            if merged and opens <= merged[1]:
                merged = (merged[0], max(merged[1], closes))
            else:
                if merged and merged[1] > at:
                    yield merged
                merged = (opens, closes)
            # A schedule that never closes is one endless window, which is given in pieces.
            if merged[1] - merged[0] > 7 * _DAY:
                yield merged
                given = merged[1]
                merged = None
        if merged and merged[1] > at:
            yield merged

    def _single_windows(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        # From a day earlier, for a window that began before `at`'s own date.
        day = at.astimezone(self.tz).date() - _DAY
        closed_days = 0
        while closed_days < _CLOSED_FOR_GOOD:
            closed_days += 1
            for window in self._of_date(day):
                yield window
                closed_days = 0
            day += _DAY

    def _of_date(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        """The date's openings in order; some may overlap."""
        if (known := self._dates.get(day)) is not None:
            return known
        if len(self._dates) >= _DATES_KEPT:
            self._dates.clear()
        windows = (window for start, end in self._minutes_of(day) for window in self._opening(day, start, end))
        found = self._dates[day] = tuple(sorted(windows))
        return found

    def _opening(self, day: date, start: int, end: int) -> Iterator[tuple[datetime, datetime]]:
        opens = _instant(day, start, self.tz, fold=0)
        closes = _instant(day, end, self.tz, fold=1)
        again = _instant(day, start, self.tz, fold=1)
        repeated = again - opens
        if repeated and _offset(closes - repeated - _MINUTE, self.tz) == _offset(opens, self.tz):
            # It lies within the hour that comes twice, and the clock leaves it in between.
            yield opens, closes - repeated
            yield again, closes
        elif opens < closes:
            # Nothing is left of an opening that lies within the hour the clocks skip.
            yield opens, closes

    def _minutes_of(self, day: date) -> list[tuple[int, int]]:
        special = self._special(day)
        if special and special.windows is not None:
            return sorted(special.windows)
        return self._of_weekday(day.weekday())

    def _of_weekday(self, weekday: int) -> list[tuple[int, int]]:
        if not self.openings:
            return [(0, 24 * 60)]
        return sorted((one.opens, one.closes) for one in self.openings if one.weekday == weekday)


def _is_whole(windows: list[tuple[int, int]]) -> bool:
    """The windows, which are in order, cover the whole day."""
    until = 0
    for opens, closes in windows:
        if opens > until:
            return False
        until = max(until, closes)
    return until == 24 * 60


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


def _offset(at: datetime, tz: ZoneInfo) -> timedelta | None:
    return at.astimezone(tz).utcoffset()


def clock_minutes(clock: str) -> int:
    """Minutes since midnight of "HH:MM", up to 24:00. Raises Invalid."""
    if not _CLOCK.fullmatch(clock):
        raise Invalid(f"{clock!r} is not a time of day: write it like 09:00, up to 24:00.", code="clock_invalid")
    hours, past = clock.split(":")
    return int(hours) * 60 + int(past)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def weekly(openings: Iterable[tuple[int, str, str]], tz: ZoneInfo) -> Schedule:
    """A schedule from (weekday, "HH:MM", "HH:MM"), the same every week. Raises Invalid."""
    return Schedule(tuple(sorted(Opening.parse(*opening) for opening in openings)), tz)
