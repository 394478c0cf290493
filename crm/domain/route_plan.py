"""What the routing decision says: the path of a call, and all that follows, with the rules that said so. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from crm.domain.choosing import KeyPrompt, Say
from crm.domain.ringing import RingStage
from crm.domain.route_inputs import CallerKind, DeskKind
from crm.domain.tasks import TaskKind
from crm.domain.texts import TextPurpose


class Path(StrEnum):
    """What becomes of the call from here on."""

    ASK = "ask"
    """A question comes first."""
    LIVE = "live"
    """Phones ring."""
    DESK = "desk"
    """Phones ring for something other than leasing."""
    LINK = "link"
    """The listings by text."""
    TOUR = "tour"
    """Times for a tour are offered."""
    VOICEMAIL = "voicemail"
    """A voicemail that becomes a task, due within the next open hour."""
    QUESTION = "question"
    """It is unclear which property it is about: the caller's question is recorded, and somebody calls back soon."""
    QUEUE = "queue"
    """The caller waits for somebody to be free, or hangs up and is called back in turn."""
    VOICE_AGENT = "voice_agent"
    """The voice agent answers, in place of the menu."""
    REFUSE = "refuse"
    """The number dialed is not one of the lines."""


class Rule(StrEnum):
    """The rules that can decide something."""

    EMERGENCY = "emergency"
    """The emergency service may be calling back."""
    UNKNOWN_LINE = "unknown_line"
    MENU = "menu"
    """The caller's own choice."""
    LANGUAGE = "language"
    KNOWN_CALLER = "known_caller"
    """Their number is on the list of residents, owners and vendors."""
    CALLER_KIND = "caller_kind"
    CONCERN = "concern"
    MAINTENANCE = "maintenance"
    PROPERTY = "property"
    UNSURE = "unsure"
    OFFICE_FORWARD = "office_forward"
    """All leasing calls go to one outside number."""
    OPEN = "open"
    CLOSED = "closed"
    HOLIDAY = "holiday"
    AFTER_HOURS = "after_hours"
    """Somebody's own schedule says that they answer while the office is closed."""
    ASSIGNED_AGENT = "assigned_agent"
    SUBTEAM = "subteam"
    SISTERS = "sisters"
    EVERYONE = "everyone"
    ANSWERING_SERVICE = "answering_service"
    OVERFLOW = "overflow"
    NOBODY = "nobody"
    """There is nobody to plan with."""
    VOICE_AGENT = "voice_agent"
    """Whether the voice agent or the menu answers."""
    OWNER = "owner"
    NO_LEASING = "no_leasing"
    """Residents, owners and vendors become no leads, and get no texts about leasing."""
    NO_TEXTS = "no_texts"
    """The number is withheld, or one of our own."""


class About(StrEnum):
    """The part of a plan that a reason speaks of."""

    LANGUAGE = "language"
    CALLER = "caller"
    PROPERTY = "property"
    PATH = "path"
    HEARS = "hears"
    RINGS = "rings"
    OTHERWISE = "otherwise"
    RECORD = "record"
    TASK = "task"
    TEXTS = "texts"


@dataclass(frozen=True)
class Reason:
    """One sentence for whoever asks later, and the rule that it follows from."""

    rule: Rule
    text: str
    about: About = About.PATH


class Record(StrEnum):
    """Where the call is kept."""

    LEAD = "lead"
    CONTACT = "contact"
    """A resident, owner or vendor; no lead is made."""
    NONE = "none"


def who_has(owner: str) -> str:
    """The owner of a planned next action, in words."""
    what, _, slug = owner.rpartition(":")
    return f"team {slug}" if what else slug or "the admin"


_TO_HAVE = "If it remains unfinished, {owner} has the next action ({task})."
_HAD = re.compile(re.escape(_TO_HAVE).replace(r"\{owner\}", "(.+)").replace(r"\{task\}", r"(\w+)"))


def to_have(owner: str, task: TaskKind) -> str:
    """Whose the next action will be, as far as the decision can know: tasks are dealt when calls have ended."""
    return _TO_HAVE.format(owner=who_has(owner), task=task)


def owner_now(kind: str, owner: str, led_to: Sequence[tuple[str, str]]) -> str:
    """Who got a planned next action, by the kinds and owners of the tasks that the call led to: tasks are dealt when
    calls have ended, and may change hands."""
    owners = [whose for one, whose in led_to if one == kind] or [whose for _, whose in led_to]
    return owner if not owners or owner in owners else owners[0]


def as_it_went(sentence: str, led_to: Sequence[tuple[str, str]]) -> str:
    """The sentence of a decision about who was to have the next action: where another got it, it says both."""
    had = _HAD.fullmatch(sentence)
    if had is None:
        return sentence
    said = {who_has(owner): owner for _, owner in led_to}
    now = owner_now(had[2], said.get(had[1], had[1]), led_to)
    if who_has(now) == had[1]:
        return sentence
    return f"The next action ({had[2]}) was to be for {had[1]}, and is for {who_has(now)}."


@dataclass(frozen=True)
class TaskPlan:
    """The next action if the call ends unfinished."""

    kind: TaskKind
    owner: str
    """Slug of an agent, or subteam:SLUG; "" is the admin."""
    due_at: datetime | None


@dataclass(frozen=True)
class RoutePlan:
    path: Path
    rule: Rule
    """What decided the path."""
    reasons: tuple[Reason, ...]
    language: str
    task: TaskPlan
    kind: CallerKind = CallerKind.PROSPECT
    property: str = ""
    """Slug."""
    says: tuple[Say, ...] = ()
    """What the caller hears before the path begins."""
    ask: KeyPrompt | None = None
    stages: tuple[RingStage, ...] = ()
    """Who rings, in order."""
    queue: tuple[str, ...] = ()
    """Slugs of those for whom a caller who queues waits: whoever of them is free first."""
    otherwise: tuple[Path, ...] = ()
    """What follows, in order, when nobody answers or the caller does not take what the path offers."""
    record: Record = Record.LEAD
    texts: tuple[TextPurpose, ...] = ()
    """What is texted unless the call leads to something better."""
    desk: DeskKind | None = None
    """Which destination beside leasing the call is for, also when nobody there can be rung."""
    mailbox: str = ""
    """Where a voicemail goes; empty: to the property's."""
