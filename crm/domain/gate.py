"""May this text leave now? The one decision for every send. Pure.

In this order, and all reasons are kept:

1. The number itself: the rules of `[dialing]` hold for texts as for calls, whoever sends them.
2. The opt-out ledger. Only the answers that somebody who opted out has just asked for pass it: the confirmation of
   their STOP, and HELP. To whoever withholds their number nothing goes by itself.
3. Quiet hours. An answer to the person's own call or text may go out at any time; everything else waits until it is
   open in the office's zone and in every zone of the number, by the rules of the number's state.
4. A pause after a spike (`crm.domain.spikes`), for automatic texts.
5. The limits, by hour and by day. Of those of the office automatic texts get a share, so that what agents write and
   what is said about tours passes all the same. Answers to keywords have limits of their own.

What would come too late by all that is not sent at all (`crm.domain.texts.LIFETIMES`). A notice to somebody of the
office is held to the first two alone: the others protect prospects and purse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from crm.domain.hours import Schedule, weekly
from crm.domain.texts import TextPurpose, of_use_until


class Verdict(StrEnum):
    SEND = "send"
    WAIT = "wait"
    BLOCK = "block"


class MessageClass(StrEnum):
    CONFIRMATION = "confirmation"
    """The answer to a keyword that the person has just sent."""
    ANSWER = "answer"
    """An answer to the person's own call or text."""
    FOLLOW_UP = "follow_up"
    """Our idea, not theirs."""
    NOTICE = "notice"
    """To somebody in the office."""


ANSWER_WITHIN = timedelta(hours=1)
"""How long after a call or text of the person's an agent's text is an answer; later it is a follow-up."""
TOO_LATE = "It would come too late to be useful."
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

CONFIRMATIONS = frozenset({TextPurpose.STOP_CONFIRMED, TextPurpose.START_CONFIRMED, TextPurpose.HELP})
AUTOMATIC = frozenset({TextPurpose.LISTINGS_LINK, TextPurpose.MISSED_CALL, TextPurpose.CALLBACK, TextPurpose.FOLLOW_UP})
"""Nobody in the office has written or arranged them, and most are triggered by a caller."""
_ANSWERS = frozenset(
    {
        TextPurpose.LISTINGS_LINK,
        TextPurpose.MISSED_CALL,
        TextPurpose.TOUR,
        TextPurpose.CALLBACK,
        TextPurpose.APPLICATION,
    }
)
"""What somebody has just asked for, or answers their call."""
_COUNTED = frozenset(TextPurpose) - CONFIRMATIONS - {TextPurpose.STAFF, TextPurpose.INBOUND}
_DESPITE_OPT_OUT = {TextPurpose.STOP_CONFIRMED, TextPurpose.HELP}
_TO_WITHHELD = CONFIRMATIONS | {TextPurpose.AGENT, TextPurpose.STAFF}
"""Texts that somebody decided on knowingly, or asked for."""


# --- quiet hours as data: what is open, by state ---


def _daily(opens: str, closes: str, days: Sequence[int] = range(7)) -> tuple[tuple[int, str, str], ...]:
    return tuple((day, opens, closes) for day in days)


_WORKDAYS, _NO_SUNDAY, _SATURDAY, _SUNDAY = range(5), range(6), (5,), (6,)

FEDERAL = _daily("08:00", "21:00")
"""47 CFR 64.1200(c)(1)."""
STATES: dict[str, tuple[tuple[int, str, str], ...]] = {
    "Alabama": _daily("08:00", "20:00", _NO_SUNDAY),
    "Connecticut": _daily("09:00", "20:00"),
    "Florida": _daily("08:00", "20:00"),
    "Kentucky": _daily("10:00", "21:00"),
    "Louisiana": _daily("08:00", "20:00", _NO_SUNDAY),
    "Maryland": _daily("08:00", "20:00"),
    "Massachusetts": _daily("08:00", "20:00"),
    "Michigan": _daily("09:00", "21:00"),
    "Minnesota": _daily("09:00", "21:00"),
    "Mississippi": _daily("08:00", "20:00", _NO_SUNDAY),
    "Nevada": _daily("09:00", "20:00"),
    "New Jersey": _daily("08:00", "20:00"),
    "New Mexico": _daily("09:00", "21:00"),
    "Oklahoma": _daily("08:00", "20:00"),
    "Rhode Island": (
        *_daily("09:00", "18:00", _WORKDAYS),
        *_daily("10:00", "17:00", _SATURDAY),
    ),
    "South Dakota": _daily("09:00", "21:00", _NO_SUNDAY),
    "Texas": (*_daily("09:00", "21:00", _NO_SUNDAY), *_daily("12:00", "21:00", _SUNDAY)),
    "Utah": _daily("08:00", "20:00", _NO_SUNDAY),
    "Washington": _daily("08:00", "20:00"),
    "Wyoming": _daily("08:00", "20:00"),
}
"""States stricter than that, by weekday (0 is Monday), as their solicitation laws stood in 2025. Facts for a default,
not legal advice; where sources differ, these are the narrower hours. State holidays are not included."""


# --- the question and the answer ---


@dataclass(frozen=True)
class ClockLocation:
    """Where the clock matters: the office, or one zone the number may be in."""

    zone: ZoneInfo
    state: str = ""
    """A state of the United States, by name; empty for unknown."""


@dataclass(frozen=True)
class TextLimits:
    """The settings in `[texts]` that decide; 0 is no limit."""

    per_person_per_hour: int = 0
    per_hour: int = 0
    per_day: int = 0
    automatic_percent: int = 100
    """Of the two above."""
    confirmations_per_person_per_day: int = 0
    confirmations_per_hour: int = 0


@dataclass(frozen=True)
class Limit:
    """How many texts of some purposes may leave within a time."""

    most: int
    within: timedelta
    purposes: frozenset[TextPurpose]
    to_person: bool
    whose: str

    def __str__(self) -> str:
        if self.within == HOUR:
            return f"The limit of {self.most} {self.whose} an hour is reached."
        return f"The limit of {self.most} {self.whose} a day is reached."


def limits_on(purpose: TextPurpose, settings: TextLimits) -> tuple[Limit, ...]:
    """The limits that apply to a text of this purpose."""
    if purpose is TextPurpose.STAFF:
        return ()
    if purpose in CONFIRMATIONS:
        found = [
            Limit(settings.confirmations_per_person_per_day, DAY, CONFIRMATIONS, True, "answers to one person's words"),
            Limit(settings.confirmations_per_hour, HOUR, CONFIRMATIONS, False, "answers to keywords"),
        ]
    else:
        found = [
            Limit(settings.per_person_per_hour, HOUR, _COUNTED, True, "texts to one person"),
            Limit(settings.per_hour, HOUR, _COUNTED, False, "texts of the office"),
            Limit(settings.per_day, DAY, _COUNTED, False, "texts of the office"),
        ]
    if purpose in AUTOMATIC and settings.automatic_percent < 100:
        shares = ((settings.per_hour, HOUR), (settings.per_day, DAY))
        found += [
            Limit(max(1, most * settings.automatic_percent // 100), within, AUTOMATIC, False, "automatic texts")
            for most, within in shares
            if most
        ]
    return tuple(limit for limit in found if limit.most)


@dataclass(frozen=True)
class TextRequest:
    """What is known about a text that is due to leave."""

    purpose: TextPurpose
    created_at: datetime
    expires_at: datetime | None = None
    """When it becomes useless, like a reminder of a tour that has begun; None: as its purpose says."""
    refusal: str = ""
    """Why nothing goes to that number; empty when it may."""
    opted_out: str = ""
    """Where the ledger says the person opted out, in words; empty when they did not."""
    is_withheld: bool = False
    """The person has only ever been in touch with their number withheld."""
    last_heard_at: datetime | None = None
    """When the person called or wrote last, before the text was made."""
    locations: tuple[ClockLocation, ...] = ()
    paused_until: datetime | None = None
    """Automatic texts are; None: they are not."""
    sent: tuple[tuple[Limit, tuple[datetime, ...]], ...] = ()
    """For each of `limits_on`: when those left that count for it; only the newest `most` matter."""


@dataclass(frozen=True)
class GateDecision:
    verdict: Verdict
    reasons: tuple[str, ...]
    until: datetime | None = None
    """When to ask again; with WAIT only."""
    limit: Limit | None = None
    """The limit of the office that this time comes from, so that others wait for it as well."""


def class_of(purpose: TextPurpose, created_at: datetime, last_heard_at: datetime | None) -> MessageClass:
    if purpose is TextPurpose.STAFF:
        return MessageClass.NOTICE
    if purpose in CONFIRMATIONS:
        return MessageClass.CONFIRMATION
    if purpose in _ANSWERS:
        return MessageClass.ANSWER
    if last_heard_at is not None and created_at - last_heard_at <= ANSWER_WITHIN:
        return MessageClass.ANSWER
    return MessageClass.FOLLOW_UP


def decide(ask: TextRequest, now: datetime) -> GateDecision:
    """Decides to send, wait, or block, with every reason that counted."""
    kind = class_of(ask.purpose, ask.created_at, ask.last_heard_at)
    if kind is MessageClass.ANSWER and now - ask.created_at > ANSWER_WITHIN:
        # After hours without a carrier, at night, it no longer counts as an answer.
        kind = MessageClass.FOLLOW_UP
    if ask.refusal:
        return GateDecision(Verdict.BLOCK, (ask.refusal,))
    if ask.opted_out and ask.purpose not in _DESPITE_OPT_OUT:
        return GateDecision(Verdict.BLOCK, (f"The person opted out of texts: {ask.opted_out}.",))
    if ask.is_withheld and ask.purpose not in _TO_WITHHELD:
        return GateDecision(Verdict.BLOCK, ("The person withholds their number, so no automatic text goes to it.",))

    reasons = []
    if ask.opted_out:
        reasons.append("The person opted out, and this answers the word they sent.")
    until = now
    if kind is MessageClass.FOLLOW_UP:
        opens = next_open(ask.locations, now)
        if opens > now:
            reasons.append(f"Quiet hours of {_named(ask.locations, now)}; a follow-up waits until they are over.")
            until = max(until, opens)
        else:
            reasons.append("It is outside the quiet hours.")
    else:
        reasons.append(f"Quiet hours do not hold back {_CLASS_NAMES[kind]}.")
    full = None
    for limit, sent in ask.sent:
        if (free := _free_at(sent, limit, now)) > now:
            reasons.append(str(limit))
            if free >= until:
                full = None if limit.to_person else limit
            until = max(until, free)
    end = of_use_until(ask.purpose, ask.created_at, ask.expires_at)
    if until >= end:
        return GateDecision(Verdict.BLOCK, (*reasons, TOO_LATE))
    if ask.paused_until is not None and ask.paused_until > now and ask.purpose in AUTOMATIC:
        reasons.append("Automatic texts are paused after a spike, until that ends or somebody resumes them.")
        # A person may end it at any time, so what ends before it waits as long as it is of use.
        paused_until = min(ask.paused_until, end)
        full = full if until > paused_until else None
        until = max(until, paused_until)
    if until > now:
        return GateDecision(Verdict.WAIT, tuple(reasons), until, full)
    return GateDecision(Verdict.SEND, tuple(reasons))


def next_open(locations: Sequence[ClockLocation], now: datetime) -> datetime:
    """`now` if it is open everywhere, else the first moment at which it is."""
    schedules = [_schedule(location) for location in locations]
    at = now
    # Each round moves to the latest opening. Clocks that share no hour would never meet; there are none in the data.
    for _ in range(200):
        latest = max((schedule.next_open(at) or at for schedule in schedules), default=at)
        if latest == at:
            return at
        at = latest
    return now + timedelta(days=1)


def _schedule(location: ClockLocation) -> Schedule:
    return weekly(STATES.get(location.state, FEDERAL), location.zone)


def _named(locations: Sequence[ClockLocation], now: datetime) -> str:
    closed = [location for location in locations if not _schedule(location).is_open(now)]
    return ", ".join(dict.fromkeys(location.state or location.zone.key for location in closed))


def _free_at(sent: Sequence[datetime], limit: Limit, now: datetime) -> datetime:
    """When the limit lets the next one through."""
    recent = sorted(at for at in sent if at > now - limit.within)
    if len(recent) < limit.most:
        return now
    return recent[len(recent) - limit.most] + limit.within


def free_times(sent: Sequence[datetime], limit: Limit, now: datetime, after: int, count: int) -> list[datetime]:
    """When a limit that is reached lets so many more through, one after another, behind `after` that wait already."""
    recent = sorted(at for at in sent if at > now - limit.within)[-limit.most :] or [now - limit.within]
    turns = (divmod(turn, len(recent)) for turn in range(after, after + count))
    return [recent[index] + limit.within * (round + 1) for round, index in turns]


_CLASS_NAMES = {
    MessageClass.CONFIRMATION: "an answer to a keyword",
    MessageClass.ANSWER: "an answer to the person's own call or text",
    MessageClass.NOTICE: "a notice to somebody in the office",
}
