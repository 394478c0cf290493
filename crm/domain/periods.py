"""Days, weeks and months on the office's clock, of which reports are made. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

SENT_AT = time(7)
"""When the report of a period that is over is sent, on the office's clock."""


class PeriodKind(StrEnum):
    DAY = "day"
    WEEK = "week"
    """From Monday on."""
    MONTH = "month"


@dataclass(frozen=True)
class Period:
    """From `start` until before `end`, in UTC."""

    name: str
    """2026-03-02: the day, or the week from that Monday on; 2026-03: the month."""
    start: datetime
    end: datetime


def name_of(at: datetime, kind: PeriodKind, tz: ZoneInfo) -> str:
    """The name of the period that a time is in."""
    first = _first_day(at.astimezone(tz).date(), kind)
    return f"{first:%Y-%m}" if kind is PeriodKind.MONTH else f"{first:%Y-%m-%d}"


def of(at: datetime, kind: PeriodKind, tz: ZoneInfo) -> Period:
    """The period that a time is in. Days of 23 or 25 hours are whole ones."""
    first = _first_day(at.astimezone(tz).date(), kind)
    return Period(name_of(at, kind, tz), _midnight(first, tz), _midnight(_next_first_day(first, kind), tz))


def between(since: datetime, until: datetime, kind: PeriodKind, tz: ZoneInfo) -> Iterator[Period]:
    """The periods of a span, the first and the last cut to it."""
    at = since
    while at < until:
        period = of(at, kind, tz)
        yield Period(period.name, max(period.start, since), min(period.end, until))
        at = period.end


def last(now: datetime, kind: PeriodKind, tz: ZoneInfo) -> Period:
    """The latest period of which the report is due: it is over, and it is past SENT_AT on the day after it."""
    period = of(now, kind, tz)
    if now < _sent_at(period, tz):
        period = of(period.start - timedelta(microseconds=1), kind, tz)
    return of(period.start - timedelta(microseconds=1), kind, tz)


def next_due(now: datetime, kind: PeriodKind, tz: ZoneInfo) -> datetime:
    """When the next report is due: after now, at SENT_AT on the first day of a period."""
    period = of(now, kind, tz)
    today = _sent_at(period, tz)
    return today if today > now else _sent_at(of(period.end, kind, tz), tz)


def _sent_at(period: Period, tz: ZoneInfo) -> datetime:
    return datetime.combine(period.start.astimezone(tz).date(), SENT_AT, tz).astimezone(UTC)


def _first_day(day: date, kind: PeriodKind) -> date:
    if kind is PeriodKind.MONTH:
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if kind is PeriodKind.WEEK else day


def _next_first_day(first: date, kind: PeriodKind) -> date:
    if kind is PeriodKind.MONTH:
        return (first + timedelta(days=31)).replace(day=1)
    return first + timedelta(days=7 if kind is PeriodKind.WEEK else 1)


def _midnight(day: date, tz: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tz).astimezone(UTC)
