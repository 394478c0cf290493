"""May this text leave now? The one decision for every send. Pure.

In this order, and all reasons are kept:

1. The opt-out ledger. Only the answers that somebody who opted out has just asked for pass it: the confirmation of
   their STOP, and HELP. A confirmation that could not leave within five minutes does not leave at all (47 CFR
   64.1200(a)(12)).
2. Quiet hours. An answer to the person's own call or text may go out at any time; everything else waits until it is
   open in the office's zone and in every zone of the number, by the rules of the number's state.
3. The hourly limits: to one person, and of the whole office. Confirmations are held to neither.

A notice to somebody of the office is held to the first alone: 2 and 3 protect prospects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from crm.domain.hours import Schedule, weekly
from crm.domain.texts import Purpose


class Verdict(StrEnum):
    SEND = "send"
    WAIT = "wait"
    BLOCK = "block"


class MessageClass(StrEnum):
    CONFIRMATION = "confirmation"
    """Of a keyword the person has just sent."""
    ANSWER = "answer"
    """To the person's own call or text."""
    FOLLOW_UP = "follow_up"
    """Our idea, not theirs."""
    NOTICE = "notice"
    """To somebody of the office."""


CONFIRM_WITHIN = timedelta(minutes=5)
ANSWER_WITHIN = timedelta(hours=1)
"""A text by an agent is an answer so long after the person called or wrote; later it is a follow-up."""
HOUR = timedelta(hours=1)

_CONFIRMATIONS = {Purpose.STOP_CONFIRMED, Purpose.START_CONFIRMED, Purpose.HELP}
_DESPITE_OPT_OUT = {Purpose.STOP_CONFIRMED, Purpose.HELP}
_TO_WITHHELD = _CONFIRMATIONS | {Purpose.AGENT, Purpose.STAFF}
"""What somebody decided on who knew what they were doing, or asked for."""


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
        *_daily("09:00", "18:00", _WORKDAYS), *_daily("10:00", "17:00", _SATURDAY),
    ),
    "South Dakota": _daily("09:00", "21:00", _NO_SUNDAY),
    "Texas": (*_daily("09:00", "21:00", _NO_SUNDAY), *_daily("12:00", "21:00", _SUNDAY)),
    "Utah": _daily("08:00", "20:00", _NO_SUNDAY),
    "Washington": _daily("08:00", "20:00"),
    "Wyoming": _daily("08:00", "20:00"),
}  # fmt: skip
"""States stricter than that, by weekday (0 is Monday), as their solicitation laws stood in 2025. Facts for a default,
not legal advice; where sources differ the narrower hours stand here. State holidays are not in it."""


# --- the question and the answer ---


@dataclass(frozen=True)
class Place:
    """Where the clock matters: the office, or one zone the number may be in."""

    zone: ZoneInfo
    state: str = ""
    """Of the United States, by name; empty for unknown."""


@dataclass(frozen=True)
class Ask:
    """What is known about a text that wants to leave."""

    purpose: Purpose
    created_at: datetime
    expires_at: datetime | None = None
    """After that it is of no use, such as a reminder of a tour that has begun; None: never."""
    opted_out: str = ""
    """Where the ledger says the person opted out, in words; empty when they did not."""
    is_withheld: bool = False
    """The person has never been in touch but with their number withheld."""
    last_heard_at: datetime | None = None
    """When the person called or wrote last, before the text was made."""
    places: tuple[Place, ...] = ()
    sent_to_person: tuple[datetime, ...] = ()
    """Texts that left for this number within the last hour; confirmations left out."""
    sent_by_office: tuple[datetime, ...] = ()
    """All that left within the last hour; only the newest `per_hour` matter."""
    per_person_per_hour: int = 0
    """0 is no limit."""
    per_hour: int = 0


@dataclass(frozen=True)
class Decision:
    verdict: Verdict
    reasons: tuple[str, ...]
    until: datetime | None = None
    """When to ask again; with WAIT only."""


def class_of(purpose: Purpose, created_at: datetime, last_heard_at: datetime | None) -> MessageClass:
    if purpose is Purpose.STAFF:
        return MessageClass.NOTICE
    if purpose in _CONFIRMATIONS:
        return MessageClass.CONFIRMATION
    if purpose in (Purpose.LISTINGS_LINK, Purpose.MISSED_CALL, Purpose.TOUR, Purpose.CALLBACK):
        return MessageClass.ANSWER
    if last_heard_at is not None and created_at - last_heard_at <= ANSWER_WITHIN:
        return MessageClass.ANSWER
    return MessageClass.FOLLOW_UP


def decide(ask: Ask, now: datetime) -> Decision:
    """Send, wait, or block, and every reason that counted."""
    kind = class_of(ask.purpose, ask.created_at, ask.last_heard_at)
    if ask.opted_out and ask.purpose not in _DESPITE_OPT_OUT:
        return Decision(Verdict.BLOCK, (f"The person opted out of texts: {ask.opted_out}.",))
    if ask.is_withheld and ask.purpose not in _TO_WITHHELD:
        return Decision(Verdict.BLOCK, ("The person withholds their number, so nothing is texted to it by itself.",))
    if ask.purpose is Purpose.STOP_CONFIRMED and now - ask.created_at > CONFIRM_WITHIN:
        return Decision(Verdict.BLOCK, ("A STOP is confirmed within five minutes or not at all.",))

    reasons = []
    if ask.opted_out:
        reasons.append("The person opted out, and this answers the word they sent.")
    until = now
    if kind is MessageClass.FOLLOW_UP:
        opens = next_open(ask.places, now)
        if opens > now:
            reasons.append(f"Quiet hours of {_named(ask.places, now)}; a follow-up waits until they are over.")
            until = max(until, opens)
        else:
            reasons.append("It is outside the quiet hours.")
    else:
        reasons.append(f"Quiet hours do not hold back {_CLASS_NAMES[kind]}.")
    if ask.purpose not in (Purpose.STOP_CONFIRMED, Purpose.START_CONFIRMED, Purpose.STAFF):
        for sent, limit, whose in (
            (ask.sent_to_person, ask.per_person_per_hour, "to one person"),
            (ask.sent_by_office, ask.per_hour, "of the office"),
        ):
            if (free := _free_at(sent, limit, now)) > now:
                reasons.append(f"The limit of {limit} texts an hour {whose} is reached.")
                until = max(until, free)
    if ask.expires_at is not None and until >= ask.expires_at:
        return Decision(Verdict.BLOCK, (*reasons, "It would come too late to be of use."))
    if until > now:
        return Decision(Verdict.WAIT, tuple(reasons), until)
    return Decision(Verdict.SEND, tuple(reasons))


def next_open(places: Sequence[Place], now: datetime) -> datetime:
    """`now` when it is open everywhere, else the first moment at which it is."""
    schedules = [_schedule(place) for place in places]
    at = now
    # Each round moves to the latest opening. Clocks that share no hour would never meet; there are none in the data.
    for _ in range(200):
        latest = max((schedule.next_open(at) or at for schedule in schedules), default=at)
        if latest == at:
            return at
        at = latest
    return now + timedelta(days=1)


def _schedule(place: Place) -> Schedule:
    return weekly(STATES.get(place.state, FEDERAL), place.zone)


def _named(places: Sequence[Place], now: datetime) -> str:
    closed = [place for place in places if not _schedule(place).is_open(now)]
    return ", ".join(dict.fromkeys(place.state or place.zone.key for place in closed))


def _free_at(sent: Sequence[datetime], limit: int, now: datetime) -> datetime:
    """When the limit lets the next one through."""
    recent = sorted(at for at in sent if at > now - HOUR)
    if not limit or len(recent) < limit:
        return now
    return recent[len(recent) - limit] + HOUR


_CLASS_NAMES = {
    MessageClass.CONFIRMATION: "an answer to a keyword",
    MessageClass.ANSWER: "an answer to the person's own call or text",
    MessageClass.NOTICE: "a notice to somebody of the office",
}
