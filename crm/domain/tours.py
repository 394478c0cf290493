"""Tours: which times can be offered, and the states of a tour. Pure; booking itself is `crm.services.tours.booking`.

Availability is weekly and local to the property; slots are instants in UTC, so the two nights a year on which clocks
change come out right.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from crm.domain.hours import weekly
from crm.domain.leads import LeadEvent, LeasingStage


class TourKind(StrEnum):
    ACCOMPANIED = "accompanied"
    """An agent shows the home."""
    SELF_GUIDED = "self_guided"
    REMOTE = "remote"
    """By video."""


class TourState(StrEnum):
    BOOKED = "booked"
    DONE = "done"
    MISSED = "missed"
    """Nobody came."""
    CANCELLED = "cancelled"


STAGE_AFTER = {
    TourState.BOOKED: LeasingStage.SHOWING_BOOKED,
    TourState.DONE: LeasingStage.STILL_DECIDING,
    TourState.MISSED: LeasingStage.SHOWING_MISSED,
    TourState.CANCELLED: LeasingStage.SHOWING_MISSED,
}
"""How far an interest has come once its tour is in a state."""

EVENT_OF = {
    TourState.BOOKED: LeadEvent.TOUR_BOOKED,
    TourState.DONE: LeadEvent.TOUR_TAKEN,
    TourState.MISSED: LeadEvent.TOUR_OFF,
    TourState.CANCELLED: LeadEvent.TOUR_OFF,
}
"""What each state of a tour means for the lead's status."""

REMINDERS = (timedelta(hours=24), timedelta(hours=2))
"""How long before a tour the person is reminded of it."""


@dataclass(frozen=True)
class Availability:
    """When tours of one kind may begin at one property, every week."""

    weekday: int
    """0 is Monday."""
    opens: str
    closes: str
    """HH:MM on the property's clock, up to 24:00; the last tour ends by then."""
    kind: TourKind
    minutes: int
    """Length of a tour."""
    buffer_minutes: int = 0
    """Between the end of one and the beginning of the next."""
    capacity: int = 1
    """People who may have the same time."""
    agent_id: int | None = None
    """The agent who gives it; None is nobody in particular."""


@dataclass(frozen=True)
class Blackout:
    """A time without tours."""

    starts_at: datetime
    ends_at: datetime
    agent_id: int | None = None
    """Only this agent's; None: everybody's."""


@dataclass(frozen=True, order=True)
class Slot:
    """A time that can be booked."""

    starts_at: datetime
    ends_at: datetime
    kind: TourKind
    agent_id: int | None
    capacity: int
    buffer_minutes: int


def slots(
    availabilities: Iterable[Availability], blackouts: Iterable[Blackout], tz: ZoneInfo, first: datetime, days: int
) -> list[Slot]:
    """The slots that begin from `first` on, on that day of the property's and the `days` after it, in order."""
    blackouts = list(blackouts)
    midnight = datetime.combine(first.astimezone(tz).date(), time(), tz).astimezone(UTC)
    found: set[Slot] = set()
    for one in availabilities:
        length, pause = timedelta(minutes=one.minutes), timedelta(minutes=one.buffer_minutes)
        # A day of 25 hours must not cut off the last evening.
        for opens, closes in weekly([(one.weekday, one.opens, one.closes)], tz).windows(midnight, days + 2):
            if (opens.astimezone(tz).date() - midnight.astimezone(tz).date()).days > days:
                continue
            starts_at = opens
            while starts_at + length <= closes:
                slot = Slot(starts_at, starts_at + length, one.kind, one.agent_id, one.capacity, one.buffer_minutes)
                if starts_at >= first and not any(_falls_into(slot, blackout) for blackout in blackouts):
                    found.add(slot)
                starts_at += length + pause
    return sorted(found, key=lambda slot: (slot.starts_at, slot.kind, slot.agent_id or 0))


OFFERED_DAYS = 14
"""How many days ahead times are offered by default."""
OFFERED = 3
"""How many times a caller is offered at once: nobody remembers more."""
APART = timedelta(hours=3)
"""Times offered together lie so far from each other where there are enough, so that one of them may suit."""
_FIRST_CHOICE = (TourKind.ACCOMPANIED, TourKind.SELF_GUIDED, TourKind.REMOTE)


def offer(free: Iterable[Slot], after: datetime | None = None) -> list[Slot]:
    """Which of the free slots a caller is offered by key: the next ones that begin later than `after`, spread out.

    A time that can be had in several ways is offered once, with somebody who shows the home before all others.
    """
    by_time: dict[datetime, Slot] = {}
    for slot in sorted(free, key=lambda slot: (slot.starts_at, _FIRST_CHOICE.index(slot.kind), slot.agent_id or 0)):
        if after is None or slot.starts_at > after:
            by_time.setdefault(slot.starts_at, slot)
    spread: list[Slot] = []
    for slot in by_time.values():
        if len(spread) < OFFERED and (not spread or slot.starts_at >= spread[-1].starts_at + APART):
            spread.append(slot)
    nearer = [slot for slot in by_time.values() if slot not in spread]
    return sorted([*spread, *nearer[: OFFERED - len(spread)]], key=lambda slot: slot.starts_at)


def _falls_into(slot: Slot, blackout: Blackout) -> bool:
    concerns = blackout.agent_id is None or blackout.agent_id == slot.agent_id
    return concerns and slot.starts_at < blackout.ends_at and slot.ends_at > blackout.starts_at


def collide(starts_at: datetime, ends_at: datetime, other_starts: datetime, other_ends: datetime, buffer: int) -> bool:
    """Whether one person cannot show both: they overlap, or leave less than `buffer` minutes between them."""
    pause = timedelta(minutes=buffer)
    return starts_at < other_ends + pause and other_starts < ends_at + pause


def reminders(starts_at: datetime, now: datetime) -> list[datetime]:
    """When the person is to be reminded, without times in the past, or so soon that they repeat the confirmation."""
    return [at for before in REMINDERS if (at := starts_at - before) > now + timedelta(minutes=30)]
