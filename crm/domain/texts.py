"""The texts people get, made of the office's templates in their language (`crm.domain.text_templates`). Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from crm.domain.text_templates import Words, filled


class TextPurpose(StrEnum):
    LISTINGS_LINK = "listings_link"
    """The caller asked for it."""
    MISSED_CALL = "missed_call"
    """Nobody talked to the caller."""
    CALLBACK = "callback"
    """An agent who could not talk promised to call back."""
    AGENT = "agent"
    """An agent wrote it."""
    FOLLOW_UP = "follow_up"
    """A step of a sequence."""
    TOUR = "tour"
    """A tour was booked, moved or cancelled."""
    TOUR_REMINDER = "tour_reminder"
    APPLICATION = "application"
    """The link to an application that they have begun."""
    STOP_CONFIRMED = "stop_confirmed"
    START_CONFIRMED = "start_confirmed"
    HELP = "help"
    """Answers to the three keywords."""
    STAFF = "staff"
    """A notice to somebody in the office, on their own mobile."""
    INBOUND = "inbound"
    """The person wrote it."""


LIFETIMES: dict[TextPurpose, timedelta] = {
    TextPurpose.LISTINGS_LINK: timedelta(days=1),
    TextPurpose.MISSED_CALL: timedelta(hours=2),
    TextPurpose.CALLBACK: timedelta(minutes=30),
    TextPurpose.AGENT: timedelta(days=3),
    TextPurpose.FOLLOW_UP: timedelta(days=3),
    TextPurpose.TOUR: timedelta(days=1),
    TextPurpose.TOUR_REMINDER: timedelta(hours=12),
    TextPurpose.APPLICATION: timedelta(days=1),
    # 47 CFR 64.1200(a)(12): within five minutes, or not at all.
    TextPurpose.STOP_CONFIRMED: timedelta(minutes=5),
    TextPurpose.START_CONFIRMED: timedelta(hours=1),
    TextPurpose.HELP: timedelta(hours=1),
    TextPurpose.STAFF: timedelta(days=1),
}
"""How long a text is useful, and retried, after it was written. Quiet hours are included: from Saturday evening to
Monday morning is a day and a half. What has an end of its own, such as a reminder, ends with that (`expires_at`)."""


def of_use_until(purpose: TextPurpose, created_at: datetime, expires_at: datetime | None = None) -> datetime:
    return expires_at or created_at + LIFETIMES[purpose]


def of_use_again(purpose: TextPurpose, expires_at: datetime | None, now: datetime) -> datetime | None:
    """`expires_at` of a text that a person has sent once more; a reminder, and what answers a keyword, get no more."""
    if purpose in (
        TextPurpose.STOP_CONFIRMED,
        TextPurpose.START_CONFIRMED,
        TextPurpose.HELP,
        TextPurpose.TOUR_REMINDER,
    ):
        return expires_at
    return now + LIFETIMES[purpose]


class TextDirection(StrEnum):
    IN = "in"
    OUT = "out"


def listings_link(words: Words, name: str, url: str) -> str:
    """The listings, because the caller asked for them. `name` is the property's, or the company's."""
    return filled(words["listings"], name=name, url=url)


def link(words: Words, kind: str, name: str, url: str) -> str:
    """A link that the caller asked the voice agent for: `kind` is tours, application, listings or home; `name` the
    property's, or the company's."""
    return filled(words["listings" if kind == "listings" else f"link_{kind}"], name=name, url=url)


def missed_call(words: Words, name: str, url: str, *, is_active: bool) -> str:
    """For a caller nobody talked to: the listings when they are new, else about the property they know already."""
    # Without a link there is nothing to send to somebody new, either.
    if is_active or not url:
        return filled(words["missed_known"], name=name)
    return filled(words["missed_new"], name=name, url=url)


def tour(words: Words, what: str, name: str, when: str, url: str = "") -> str:
    """About a tour: `what` is booked, moved, cancelled or reminder; `when` the time as people of that language say it.

    `url` is where they may change it; without one they are asked to reply.
    """
    text = filled(words[f"tour_{what}"], name=name, when=when)
    if what == "cancelled":
        return text
    return f"{text} {filled(words['tour_change'], url=url) if url else words['tour_reply']}"


def application(words: Words, name: str, url: str) -> str:
    """The link to an application that the person has begun at this property."""
    return filled(words["application"], name=name, url=url)


def callback_promised(words: Words, agent: str, name: str, minutes: int) -> str:
    """The agent who was rung cannot talk now. `name` is the property's, or the company's."""
    return filled(words["callback"], agent=agent, name=name, minutes=minutes)


def callback_queued(words: Words, name: str) -> str:
    """The caller has hung up instead of waiting. `name` is the property's, or the company's."""
    return filled(words["queued"], name=name)


def stop_confirmed(words: Words, name: str) -> str:
    """The one answer to a STOP. It names us, says that it is done, and offers nothing."""
    return filled(words["stop"], name=name)


def start_confirmed(words: Words, name: str) -> str:
    return filled(words["start"], name=name)


def help_answer(words: Words, name: str, number: str) -> str:
    """`number` is the line, as people read it."""
    return filled(words["help"], name=name, number=number)
