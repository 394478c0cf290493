"""Everything that is known about a call at the moment of the routing decision. Pure.

Stored with each decision as JSON, so that it can be explained and decided again: a field that comes later needs a
default.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from crm.domain.choosing import Answers, PropertyChoice
from crm.domain.hours import Schedule
from crm.domain.ringing import Strategy


class CallerKind(StrEnum):
    """The kinds of callers that routing tells apart."""

    PROSPECT = "prospect"
    RESIDENT = "resident"
    OWNER = "owner"
    VENDOR = "vendor"


CONTACT_KINDS = tuple(kind.value for kind in CallerKind if kind is not CallerKind.PROSPECT)
"""Who can be known by their number without being a lead."""


class DeskKind(StrEnum):
    """Destinations beside leasing."""

    RESIDENT = "resident"
    OWNER = "owner"
    VENDOR = "vendor"
    MAINTENANCE = "maintenance"
    """Emergencies in a home; at any hour."""
    CONCERN = "concern"
    """Fair housing, disputes, complaints: always a person."""


class AiAnswers(StrEnum):
    """When the voice agent answers a line's callers."""

    OFF = "off"
    AFTER_HOURS = "after_hours"
    OVERFLOW = "overflow"
    """While all of the property's people are on calls."""
    ALWAYS = "always"


class OfficeState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    HOLIDAY = "holiday"
    OVERFLOW = "overflow"
    """Open, but everybody is busy, or enough callers wait already."""


@dataclass(frozen=True)
class CallerFacts:
    number: str | None = None
    """E.164; None is withheld or malformed."""
    kind: CallerKind = CallerKind.PROSPECT
    """From the list of known numbers."""
    name: str = ""
    assigned_agent: str | None = None
    """Slug."""
    language: str = ""
    """Their choice in an earlier call; empty: none."""
    can_be_texted: bool = True
    stage: str = ""
    """The stage of theirs that puts them past the voice agent (crm.domain.leads.BEYOND_VOICE_AGENT); empty: none."""


@dataclass(frozen=True)
class EmergencyFacts:
    """Somebody has just called the emergency service, showing the number that is called now."""

    device: str
    """Slug of the phone."""
    agent: str = ""
    """Slug; empty: the phone is nobody's."""
    but: str = ""
    """Why this caller is not the emergency service calling back, as one sentence; empty: it may be."""

    @property
    def rings_through(self) -> bool:
        """Whether the phone that called rings, before any question."""
        return not self.but


@dataclass(frozen=True)
class OfficeFacts:
    """The property's office at this moment, else the office's own."""

    state: OfficeState = OfficeState.OPEN
    """OPEN, CLOSED or HOLIDAY; that everybody is busy is for the decision to see."""
    holiday: str = ""
    """Its name."""
    opens_at: datetime | None = None
    """When it opens next; None while it is open, and when it never does again."""

    @classmethod
    def of(cls, schedule: Schedule, now: datetime) -> OfficeFacts:
        if schedule.is_open(now):
            return cls()
        day = schedule.special_day(now)
        # A day with hours of its own is none off, though its name tells why it is closed earlier.
        state = OfficeState.HOLIDAY if day and day.is_closed else OfficeState.CLOSED
        return cls(state, day.name if day else "", schedule.next_open(now))


@dataclass(frozen=True)
class PropertyFacts:
    """The property the call is about."""

    slug: str
    name: str
    has_tours: bool = False
    """Times for a tour can be offered."""


@dataclass(frozen=True)
class People:
    """The agents who may be rung, by slug. `available` and `busy` cover all of them, as of this moment."""

    subteam: tuple[str, ...] = ()
    """Members of the property's subteam; empty when there is none."""
    strategy: Strategy = Strategy.RING_ALL
    sisters: tuple[str, ...] = ()
    """Members of its sister subteams, who help out."""
    sisters_strategy: Strategy = Strategy.RING_ALL
    """ROUND_ROBIN when all sister subteams ring so: then whoever of all of them has waited longest is first."""
    everyone: tuple[str, ...] = ()
    available: frozenset[str] = frozenset()
    """On duty, within their own schedule, and with a phone that has no DND."""
    busy: frozenset[str] = frozenset()
    """In a talk."""
    free: frozenset[str] | None = None
    """Agents who could answer right now: a phone of theirs would ring. None: all available ones who are not busy."""
    after_hours: frozenset[str] = frozenset()
    """Their own schedule says in so many words that they answer now."""
    roster: tuple[str, ...] = field(default=(), compare=False)
    """All agents of the office, by whose order a decision is kept; the decision itself knows nothing of it."""
    owner: str = ""
    """The owner of the next action: the lead's agent, else whoever of the subteam has the fewest, else the subteam
    (subteam:SLUG), else the admin."""


@dataclass(frozen=True)
class DeskRoute:
    """A destination beside leasing; agents by slug, or an outside number."""

    agents: tuple[str, ...] = ()
    strategy: Strategy = Strategy.RING_ALL
    number: str | None = None
    """E.164."""
    confirm: bool = True
    """Whoever answers there has to press 1."""
    is_open: bool = True
    at_any_hour: bool = False
    """Its agents' phones ring although the property's office is closed: its own hours say so, or it is for emergencies.
    Off duty and DND stay what they are."""
    mailbox: str = ""
    """Where messages for it go; empty: to the property's."""
    owner: str = ""
    """Slug of who owns what is left to do, or subteam:SLUG; empty: as for any call."""
    by_property: bool = False
    """Properties have their own, and which property it is is not known yet."""


@dataclass(frozen=True)
class Rules:
    """What the office has set (its defaults stand in crm/config/calls.py); seconds of 0 leave a stage out."""

    agent_seconds: float = 0
    subteam_seconds: float = 0
    everyone_seconds: float = 0
    office_seconds: float = 0
    desk_seconds: float = 0
    answering_seconds: float = 0
    emergency_seconds: float = 0
    queue: bool = False
    """Callers who find everybody busy may wait, or be called back."""
    overflow_waiting: int = 0
    """With so many callers waiting, others go to sister teams and the answering service at once; 0: no limit."""
    languages: tuple[str, ...] = ()
    """Which are offered by a key beside the line's own."""


@dataclass(frozen=True)
class RoutingInputs:
    """Everything that is known when the decision is taken."""

    now: datetime
    line_known: bool
    language: str = "en"
    """The line's."""
    source: str = ""
    """Where callers see this number: sign, website, an ILS."""
    caller: CallerFacts = CallerFacts()
    answers: Answers = ()
    choice: PropertyChoice = PropertyChoice("There are no properties to choose from.", slug="")  # noqa: RUF009 - it is frozen
    property: PropertyFacts | None = None
    office: OfficeFacts = OfficeFacts()
    people: People = People()
    desks: dict[DeskKind, DeskRoute] = field(default_factory=dict)
    waiting: int = 0
    """Callers in the queue of this property's people."""
    forward_to: str | None = None
    """E.164: all leasing calls go there; None: they do not."""
    forward_confirm: bool = True
    """Whoever answers there has to press 1."""
    forward_failed: str = ""
    """Why it is not possible with this call, as one sentence; empty while nothing is known against it."""
    answering_service: str | None = None
    """E.164 of who answers when nobody here does."""
    due_at: datetime | None = None
    """When a task of this call is due: within the first open hour. None: at once."""
    fast_due_at: datetime | None = None
    """The same for a question that nobody could place."""
    rules: Rules = Rules()
    ai_answers: AiAnswers = AiAnswers.OFF
    """When the voice agent answers here: as the line says, else its property, else the office."""
    emergency: EmergencyFacts | None = None
    """None: nobody has called the emergency service lately, showing this number."""
