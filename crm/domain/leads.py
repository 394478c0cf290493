"""Leads: where the office stands with a person, and how far their interest in a home has come. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from crm.domain import fields
from crm.domain.calls import TALKS, CallDirection, Outcome
from crm.domain.errors import Invalid


class LeadKind(StrEnum):
    """What a person wants from the office."""

    TENANT = "tenant"
    """To rent a home."""
    OWNER = "owner"
    """To have their property managed. Only in offices that manage for owners."""


class LeadType(StrEnum):
    """How promising a lead is, as the office sees it."""

    HOT = "hot"
    COLD = "cold"
    """By choice, or because the lead is closed."""


class LeadStatus(StrEnum):
    NEW = "new"
    """Nobody from the office has talked with them."""
    IN_PROGRESS = "in_progress"
    CLOSED = "closed"
    """The office is done with them."""


class LeadEvent(StrEnum):
    """What happens with a lead, as far as the status depends on it."""

    CALLED = "called"
    """They called, and nobody talked with them."""
    TURNED_AWAY = "turned away"
    """They called, and the block list kept them out."""
    WROTE = "wrote"
    TALKED = "talked"
    """On the phone, whoever placed the call."""
    REACHED_OUT = "reached out"
    """Somebody from the office called without reaching them, or wrote to them."""
    MET = "met"
    """In person, other than on a tour."""
    TOUR_BOOKED = "tour booked"
    """Or moved to another time."""
    TOUR_TAKEN = "tour taken"
    TOUR_OFF = "tour off"
    """It was cancelled, or they did not come."""
    APPLIED = "applied"
    """They began an application, or sent it."""
    UNWANTED = "unwanted"
    """Somebody from the office closed the lead."""


def status_after(status: str, event: LeadEvent) -> str:
    """Where the office stands with a lead once that has happened.

    Whatever brings the two together opens a closed lead again; a tour that does not take place brings nobody together.
    """
    if event is LeadEvent.UNWANTED:
        return LeadStatus.CLOSED
    if status == LeadStatus.CLOSED:
        return status if event in _LEAVES_CLOSED else LeadStatus.IN_PROGRESS
    return LeadStatus.IN_PROGRESS if event in _BEGINS else status


@dataclass(frozen=True, slots=True)
class LeadStanding:
    """What a lead's events make of it."""

    status: str
    is_hot: bool
    last_contact_at: datetime | None
    """When the person and the office last heard from each other, or tried to; None: never."""
    first_answer_at: datetime | None
    """When somebody from the office first talked or wrote to the person, or booked a tour with them; None: not yet."""


def standing_after(standing: LeadStanding, event: LeadEvent, at: datetime) -> LeadStanding:
    """The standing of a lead once `event` has happened at `at`. Applying it twice, or late, changes nothing more."""
    status = status_after(standing.status, event)
    is_hot = standing.is_hot
    if status == LeadStatus.CLOSED:
        is_hot = False
    elif standing.status == LeadStatus.CLOSED:
        is_hot = True
    last, first = standing.last_contact_at, standing.first_answer_at
    if event in _CONTACTS:
        last = max(last or at, at)
    if event in _ANSWERS:
        first = min(first or at, at)
    return LeadStanding(status, is_hot, last, first)


class Light(StrEnum):
    """How long ago the last contact with an open lead was."""

    GREEN = "green"
    """Less than 24 hours."""
    YELLOW = "yellow"
    """Less than 48 hours."""
    RED = "red"


def light(status: str, last_contact_at: datetime | None, created_at: datetime, now: datetime) -> Light | None:
    """The follow-up light of a lead; None for a closed one, which nobody has to follow up."""
    if status == LeadStatus.CLOSED:
        return None
    age = now - (last_contact_at or created_at)
    return Light.GREEN if age < YELLOW_AFTER else Light.YELLOW if age < RED_AFTER else Light.RED


@dataclass(frozen=True, slots=True)
class LeadFilter:
    """Which leads a list shows; every field that is given narrows it. Short names (slugs) stand for records."""

    kind: str | None = None
    type: str | None = None
    """hot or cold."""
    status: str | None = None
    """new, in_progress, closed, or open: either of the first two."""
    stage: str | None = None
    """Of an interest; together with `property`, of the interest in that one."""
    source: str | None = None
    property: str | None = None
    agent: str | None = None
    """Slug, or none: nobody's."""
    subteam: str | None = None
    """Of the properties they are interested in."""
    light: str | None = None
    overdue: bool = False
    """With an open task that is overdue."""
    since: datetime | None = None
    """Created then or later."""
    contact_since: datetime | None = None
    contact_before: datetime | None = None
    """Last contact before then, or never."""


def read_filter(raw: Mapping[str, str], tz: tzinfo, now: datetime) -> LeadFilter:
    """The filter that people write, whose times are counted from `now`. Its keys are the fields of LeadFilter.

    Raises Invalid.
    """
    if unknown := sorted(set(raw) - {*_CHOICES, *_NAMES, *_TIMES, "overdue"}):
        raise Invalid(f"Leads cannot be filtered by {unknown[0][:40]}.", code="filter_unknown")
    chosen = {key: _choice(key, value) for key, value in raw.items() if key in _CHOICES}
    names = {key: fields.text(value, key, 60, required=True) for key, value in raw.items() if key in _NAMES}
    times = {key: fields.since(value, tz, now) for key, value in raw.items() if key in _TIMES}
    overdue = raw.get("overdue", "no") in ("yes", "true")
    return LeadFilter(
        kind=chosen.get("kind"),
        type=chosen.get("type"),
        status=chosen.get("status"),
        stage=chosen.get("stage"),
        light=chosen.get("light"),
        source=names.get("source"),
        property=names.get("property"),
        agent=names.get("agent"),
        subteam=names.get("subteam"),
        overdue=overdue,
        since=times.get("since"),
        contact_since=times.get("contact_since"),
        contact_before=times.get("contact_before"),
    )


def _choice(key: str, value: str) -> str:
    if value not in _CHOICES[key]:
        raise Invalid(f"A {key} is one of {', '.join(_CHOICES[key])}.", code="filter_choice_unknown")
    return value


OPEN = "open"
"""As a status to filter by: new or in progress."""
NOBODY = "none"
"""As an agent to filter by: leads without one."""

YELLOW_AFTER, RED_AFTER = timedelta(hours=24), timedelta(hours=48)

_CONTACTS = frozenset(LeadEvent) - {LeadEvent.TURNED_AWAY, LeadEvent.UNWANTED}
_ANSWERS = frozenset(
    {LeadEvent.TALKED, LeadEvent.MET, LeadEvent.REACHED_OUT, LeadEvent.TOUR_BOOKED, LeadEvent.TOUR_TAKEN}
)
_LEAVES_CLOSED = (LeadEvent.TURNED_AWAY, LeadEvent.TOUR_OFF)
_BEGINS = (LeadEvent.TALKED, LeadEvent.MET, LeadEvent.TOUR_BOOKED, LeadEvent.TOUR_TAKEN, LeadEvent.TOUR_OFF)


def event_of_call(direction: CallDirection, outcome: Outcome) -> LeadEvent:
    """What an ended call between the office and a lead was."""
    if outcome in TALKS:
        return LeadEvent.TALKED
    if outcome is Outcome.BLOCKED:
        return LeadEvent.TURNED_AWAY
    return LeadEvent.CALLED if direction is CallDirection.IN else LeadEvent.REACHED_OUT


class Happened(StrEnum):
    """What an entry of a lead's timeline is about, by the industry's event names."""

    CALL_FROM = "CallFromProspect"
    CALL_TO = "CallToProspect"
    TRANSCRIPT = "Transcript"
    """The transcript of a voicemail of theirs."""
    TEXT = "Text"
    """Either way."""
    APPOINTMENT = "Appointment"
    """A tour was booked, moved, cancelled or missed."""
    SHOW = "Show"
    STAGE_CHANGED = "StageChanged"
    TASK = "Task"
    """Somebody made one by hand, or it went to somebody else."""
    NOTE = "Note"
    """What somebody wrote down about them, and nothing else."""
    ENTERED = "Entered"
    """Somebody entered them by hand, or imported them."""
    FOLLOW_UP = "FollowUp"
    """A step of a sequence ended without being sent."""
    VOICEMAIL = "Voicemail"
    """Somebody was called about a voicemail of theirs, or took it."""
    EMAIL = "Email"
    """Either way."""
    LINK_OPENED = "LinkOpened"
    """They opened a link that we had texted to them."""
    FORM = "Form"
    """They filled in a form on the website."""
    APPLICATION = "Application"
    """They were invited to apply, began, or sent an application; or the office decided on one."""
    MEETING = "Meeting"
    """The two met, other than on a tour."""
    STATUS_CHANGED = "StatusChanged"
    """The lead was closed or opened again, or its kind or type changed."""
    ASSIGNED = "Assigned"
    """An agent took the lead over."""
    EXPORTED = "Exported"
    """They were in a list that somebody exported, or their record was."""
    IDENTITY = "Identity"
    """They said something about who they are that contradicts what is known, or may be another lead."""
    MERGED = "Merged"
    """Another lead became part of this one, or a lead of its own again."""
    OPT_OUT = "OptOut"
    """They want no more texts or calls, or want them again."""


LOGGED = {
    "call": (Happened.CALL_TO, LeadEvent.TALKED),
    "call-from": (Happened.CALL_FROM, LeadEvent.TALKED),
    "attempt": (Happened.CALL_TO, LeadEvent.REACHED_OUT),
    "email": (Happened.EMAIL, LeadEvent.REACHED_OUT),
    "text": (Happened.TEXT, LeadEvent.REACHED_OUT),
    "meeting": (Happened.MEETING, LeadEvent.MET),
}
"""What people log by hand because it bypassed the system: the timeline entry, and the event for the lead."""


class LeasingStage(StrEnum):
    """Of an interest in a home, as the latest leasing event says."""

    CONTACTED = "contacted"
    """They have called or written."""
    SHOWING_DESIRED = "showing_desired"
    """They want to see a home, but no time is set yet."""
    SHOWING_BOOKED = "showing_booked"
    SHOWING_MISSED = "showing_missed"
    """They did not come, or cancelled."""
    STILL_DECIDING = "still_deciding"
    """They have seen it."""
    APPLICATION_SENT = "application_sent"
    """They have an application that is not finished."""
    APPLIED = "applied"
    APPROVED = "approved"
    """The office has said yes to their application; no lease is signed yet."""
    LEASED = "leased"
    LOST = "lost"
    """They went elsewhere, or said no; or the office did."""
    UNRESPONSIVE = "unresponsive"
    """They no longer answer."""


BEYOND_VOICE_AGENT = frozenset(
    {
        LeasingStage.SHOWING_BOOKED,
        LeasingStage.APPLICATION_SENT,
        LeasingStage.APPLIED,
        LeasingStage.APPROVED,
        LeasingStage.LEASED,
    }
)
"""Whoever is so far with any home talks to a person, never to the voice agent."""


_CHOICES = {
    "kind": tuple(LeadKind),
    "type": tuple(LeadType),
    "status": (*LeadStatus, OPEN),
    "stage": tuple(LeasingStage),
    "light": tuple(Light),
}
_NAMES = ("source", "property", "agent", "subteam")
_TIMES = ("since", "contact_since", "contact_before")
