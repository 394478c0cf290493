"""Facts about calls, and the one outcome they add up to.

A flow states facts, the ledger (`crm.services.calls.ledger`) records them; so does the import of what Asterisk logged
while the app was away. A fact has an id of its own: recording it twice changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

RECORDING = ("off", "announced", "demand")
"""Whether calls about a property are recorded; on "demand", when an agent keys the code for it."""

ORDER_MARK = "order-"
"""Prefix of the id of an ordered call, which has an id before it has a channel."""


class Outcome(StrEnum):
    """How a call ended; every call gets exactly one."""

    TALKED = "talked"
    INTERRUPTED = "interrupted"
    """A talk that was cut off: neither side ended it, and nobody has talked to the person since."""
    LEFT_VOICEMAIL = "left_voicemail"
    BOOKED = "booked"
    """A tour was booked by key, or with the voice agent."""
    ANSWERED = "answered"
    """The voice agent answered what the caller asked, and nobody else talked to them."""
    GOT_LINK = "got_link"
    CALLBACK = "callback"
    """The caller is called back when it is their turn in line."""
    GAVE_UP = "gave_up"
    WRONG_NUMBER = "wrong_number"
    """The number dialed is not one of our lines."""
    BLOCKED = "blocked"
    """A blocked caller."""
    HANDED_OVER = "handed_over"
    """Somebody outside the system took the caller, such as the number all calls are forwarded to."""
    NOT_REACHED = "not_reached"
    """A call that we placed and nobody answered."""


class CallStep(StrEnum):
    """Where in the flow a call is. Each step can be entered again after the app was away."""

    ARRIVED = "arrived"
    MENU = "menu"
    TEXT_OFFER = "text_offer"
    TOUR_OFFER = "tour_offer"
    """Times for a tour are offered by key."""
    VOICE_AGENT = "voice_agent"
    """The voice agent talks with the caller."""
    QUEUE = "queue"
    """The caller waits until somebody is free."""
    QUESTION = "question"
    """Nobody knows which property it is about: what the caller wants is recorded."""
    RING = "ring"
    TALK = "talk"
    VOICEMAIL = "voicemail"
    UNKNOWN_LINE = "unknown_line"
    TURNED_AWAY = "turned_away"
    """Leaseline was being stopped: the caller gets busy."""
    BLOCKED = "blocked"
    PARKED = "parked"
    """The caller waits to be picked up."""
    TRANSFER = "transfer"
    """The person hears music while phones ring to which the call is being transferred."""
    CONSULT = "consult"
    """The person hears music while the agent consults the colleague they are about to be transferred to."""
    REJOIN = "rejoin"
    """The agent's browser has vanished in the talk: the person hears music until it is back, or other phones ring."""
    DIALLING = "dialling"
    """A call that we place: phones of the agent, of a colleague, or outside are ringing."""
    LAST_RESORT = "last_resort"
    """Asterisk's dialplan has the call."""


class DialStatus(StrEnum):
    """How ringing one phone ended, in Asterisk's words (DIALSTATUS)."""

    ANSWER = "ANSWER"
    NOANSWER = "NOANSWER"
    BUSY = "BUSY"
    CANCEL = "CANCEL"
    """The caller hung up, or a colleague was first."""
    CHANUNAVAIL = "CHANUNAVAIL"
    CONGESTION = "CONGESTION"


class EndedBy(StrEnum):
    CALLER = "caller"
    AGENT = "agent"
    SYSTEM = "system"


class Cut(StrEnum):
    """What cut a talk."""

    STOPPED = "stopped"
    """Leaseline was stopped by its admin."""
    FAILED = "failed"
    """The phone system failed."""
    LINE_LOST = "line_lost"
    """The line of one side."""


class CallDirection(StrEnum):
    """Which way a call goes."""

    IN = "in"
    OUT = "out"
    INTERNAL = "internal"
    """Between colleagues."""


@dataclass(frozen=True)
class Fact:
    """Base of all facts. `id` is unique forever, `call_id` the id of the call's first channel, `at` aware UTC."""

    id: str
    call_id: str
    at: datetime


@dataclass(frozen=True)
class CallArrived(Fact):
    did: str
    """As dialed, reduced to digits and a leading +; empty when nothing is left."""
    caller: str | None
    """E.164; None is withheld or cannot be read."""
    trunk: str = ""
    without_app: bool = False
    """Logged by Asterisk alone, while the app was away."""
    attestation: str = ""
    """STIR/SHAKEN result, as the trunk gave it."""
    withheld: bool = False
    """The caller withholds their number; it is given here anyway if privacy.keep_withheld says so."""
    dialled: tuple[tuple[str, str], ...] = ()
    """Each number dialed that the INVITE names: where (crm.domain.invite.DidSource), and the number, cleaned. The
    ledger finds out which one is a line of ours (`crm.services.routing.arrivals`); with none given, it is `did`."""
    caller_digits: str = ""
    """What a caller shows whose number cannot be read; empty: no digits, or withheld."""


@dataclass(frozen=True)
class CallRefused(Fact):
    """The INVITE failed: Asterisk's SIP stack refused or ignored it, before there was a channel, or the dialplan
    refused it because too many were calling."""

    status: int
    """Of REFUSALS."""


@dataclass(frozen=True)
class CallPlaced(Fact):
    """An agent calls somebody. Takes the place of CallArrived."""

    direction: CallDirection
    agent: str
    """Slug."""
    device: str
    did: str = ""
    """Our line whose number is shown."""
    number: str | None = None
    """E.164 of the person outside; None for a colleague."""
    extension: str = ""
    """Of the colleague."""
    order_id: int | None = None
    """The call_order row that asked for it."""


@dataclass(frozen=True)
class CallerBlocked(Fact):
    """The caller was blocked, by this entry of the block list."""

    entry: str


@dataclass(frozen=True)
class CallerSpared(Fact):
    """The caller is on the block list but gets through, for this reason."""

    entry: str
    why: str


@dataclass(frozen=True)
class EmergencyCalledBack(Fact):
    """Most likely, the emergency service: the phone that had called it rings, without a menu."""

    device: str
    """Slug."""


@dataclass(frozen=True)
class StepTaken(Fact):
    step: CallStep


@dataclass(frozen=True)
class KeyPressed(Fact):
    key: str
    """Of 0-9 * #; several where a question asks for more than one."""
    question: str = ""
    """As in crm.domain.choosing.Question; empty when it was another prompt."""


@dataclass(frozen=True)
class Routed(Fact):
    """Whom the call should ring, and why."""

    rule: str
    reasons: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    path: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    """What was known; below, what was decided. As crm.store.decisions writes and reads them."""
    plan: dict[str, Any] = field(default_factory=dict)
    roster: tuple[str, ...] = ()
    """The list by which both refer to agents."""


@dataclass(frozen=True)
class CallerIs(Fact):
    """What kind of caller it is, by their number or as they say themselves."""

    who: str
    """As in crm.domain.route_inputs.CallerKind."""


@dataclass(frozen=True)
class DeskChosen(Fact):
    """The call is for a destination beside leasing."""

    desk: str
    """As in crm.domain.route_inputs.DeskKind."""


@dataclass(frozen=True)
class PropertyChosen(Fact):
    """What the call is about, where the line does not say it."""

    property: str
    """Slug."""


@dataclass(frozen=True)
class LanguageChosen(Fact):
    language: str


@dataclass(frozen=True)
class QuestionAsked(Fact):
    """Nobody knows which property it is about: what the caller wants is recorded, and somebody calls back soon."""


@dataclass(frozen=True)
class TourBooked(Fact):
    """By the caller, by key or with the voice agent."""

    tour_id: int


@dataclass(frozen=True)
class Queued(Fact):
    position: int
    """From 1."""


@dataclass(frozen=True)
class CallbackQueued(Fact):
    """The caller hung up to be called back when it is their turn."""

    agents: tuple[str, ...]
    """Slugs of the agents who may call them back."""


class Speaker(StrEnum):
    """Whose a turn in a talk with the voice agent is."""

    CALLER = "caller"
    AGENT = "agent"
    """The voice agent."""
    KEYS = "keys"
    """The caller, by key."""
    ACT = "act"
    """Nobody spoke: the agent did something."""


@dataclass(frozen=True)
class VoiceTurnTaken(Fact):
    """Something that was said or done in a talk with the voice agent. What it says is kept in a row of its own."""

    number: int
    """From 1, in order."""
    who: str
    """Of Speaker."""
    started: float
    """Seconds from the beginning of the talk, as below."""
    ended: float
    text: str = ""
    language: str = ""
    confidence: float | None = None
    """0 to 1, of what the caller said."""
    template: str = ""
    """Name of the agent's sentence; empty for a language model's own."""
    cites: tuple[tuple[str, int, int], ...] = ()
    """Kind, id and version of each row that the sentence comes from."""
    result: str = ""
    """Of an act: conversation.ActResult. Of a sentence of the agent's: heard, cut, or lost."""
    state: str = ""
    """What whoever leads the talk has to remember from here on, as JSON; empty: nothing new."""


@dataclass(frozen=True)
class LinkTexted(Fact):
    """The voice agent texted a link."""

    link: str
    """Of conversation.LinkKind."""


@dataclass(frozen=True)
class AnswerPromised(Fact):
    """The voice agent promised that a person gets back to the caller."""

    about: str


@dataclass(frozen=True)
class VoiceTalkEnded(Fact):
    """The talk with the voice agent is over; the call may go on to people."""

    why: str
    """finished, failed, or why the caller was passed on: conversation.TransferReason."""
    summary: str = ""
    """Who the caller is and what they want, for the person who takes over."""


@dataclass(frozen=True)
class LinkRequested(Fact):
    """The caller asked for the listings by text."""


@dataclass(frozen=True)
class LegRang(Fact):
    leg_id: str
    device: str
    agent: str
    """Slugs."""
    stage: str
    number: str | None = None
    """E.164, when it was dialed through a trunk."""


@dataclass(frozen=True)
class LegEnded(Fact):
    """A phone stopped ringing, or, if it had been answered, its talk is over."""

    leg_id: str
    status: DialStatus
    forwards: bool = False
    """The phone redirected the call (SIP 3xx), because somebody has set it to forward. Its status is BUSY."""


@dataclass(frozen=True)
class TalkStarted(Fact):
    leg_id: str


@dataclass(frozen=True)
class TalkEnded(Fact):
    leg_id: str
    """Empty when it comes from the dialplan, which may know only that the talk it took over has ended."""


@dataclass(frozen=True)
class TalkCut(Fact):
    """A talk ended without either side ending it. Stated in addition to the facts that end the leg and the call; it has
    no meaning where no talk was going on."""

    leg_id: str
    """Empty: whichever is talking."""
    by: Cut


@dataclass(frozen=True)
class ChannelLeft(Fact):
    """A channel of the call was gone at that time, according to Asterisk. Stated when the app was away and would
    otherwise date the end too late."""

    leg_id: str
    """For the call's first channel, this is the call's id."""


@dataclass(frozen=True)
class CallbackPromised(Fact):
    """The agent who was rung could not talk now: the caller got a text, and the agent will be rung again."""

    leg_id: str
    agent: str
    """Slug."""
    minutes: int


@dataclass(frozen=True)
class Transferred(Fact):
    """An agent transferred the person, who talks with `to_leg` from now on. The legs say who talked when."""

    from_leg: str
    to_leg: str
    way: str
    """blind or attended."""


@dataclass(frozen=True)
class TransferFailed(Fact):
    """Nobody took the transferred person, so they are back with the agent who transferred them."""

    from_leg: str
    target: str
    """As it was dialed."""
    why: str


@dataclass(frozen=True)
class Parked(Fact):
    slot: str
    """Extension that picks the person up."""
    leg_id: str
    """The leg of the agent who parked them."""


class SupervisorAct(StrEnum):
    """What somebody did with a call that they watched."""

    LISTENED = "listened"
    TOOK_OVER = "took_over"
    SENT = "sent"
    """To a colleague."""
    PARKED = "parked"
    PICKED_UP = "picked_up"
    """Had phones ring for the person who waits."""
    ENDED = "ended"


@dataclass(frozen=True)
class SupervisorActed(Fact):
    """Somebody who watches the calls did something with this one."""

    by: str
    """With which name they sign in."""
    what: str
    """Of SupervisorAct."""
    agent: str = ""
    """Slug of the agent whose phone it was."""
    device: str = ""
    """Slug of the phone."""


@dataclass(frozen=True)
class RecordingAnnounced(Fact):
    """A leg heard to the end that the call is recorded. The leg is a channel's id; the caller's is the call's."""

    leg_id: str


@dataclass(frozen=True)
class RecordingStarted(Fact):
    recording_id: str
    mode: str
    """announced or demand."""
    file: str
    """Name in the recordings folder."""


@dataclass(frozen=True)
class RecordingEnded(Fact):
    recording_id: str
    seconds: int


@dataclass(frozen=True)
class VoicemailLeft(Fact):
    file: str
    """Name in the recordings folder."""
    seconds: int
    mailbox: str = ""
    """agent:SLUG, subteam:SLUG, property:SLUG or office; empty is the line's."""


@dataclass(frozen=True)
class HandedToDialplan(Fact):
    """The app handed the call to Asterisk's last resort, or lost it to it. What happens there comes from the spool."""

    reason: str


@dataclass(frozen=True)
class CallEnded(Fact):
    by: EndedBy
    without_app: bool = False
    """Logged by Asterisk alone. This is what ends a call that was handed to the dialplan."""


TALKS = (Outcome.TALKED, Outcome.HANDED_OVER, Outcome.INTERRUPTED)
"""Outcomes of calls in which somebody talked with the person."""

REFUSALS = {
    408: "the phone system was too busy to answer their carrier",
    420: "their carrier requires a SIP extension that the phone system does not support",
    422: "their carrier wants the call refreshed more often than the phone system allows",
    488: "their carrier offered no codec that the phone system supports",
    503: "more people called at once than the phone system takes",
}
"""Statuses with which an INVITE fails before the app has the call, and the reasons. 408 is what the caller's carrier
makes of no answer at all; with 503 the dialplan refuses whoever is over a limit."""

KINDS: tuple[type[Fact], ...] = (
    CallArrived,
    CallRefused,
    CallPlaced,
    CallerBlocked,
    CallerSpared,
    EmergencyCalledBack,
    StepTaken,
    KeyPressed,
    LanguageChosen,
    CallerIs,
    PropertyChosen,
    DeskChosen,
    Routed,
    VoiceTurnTaken,
    LinkTexted,
    AnswerPromised,
    VoiceTalkEnded,
    LinkRequested,
    QuestionAsked,
    TourBooked,
    Queued,
    CallbackQueued,
    LegRang,
    RecordingAnnounced,
    RecordingStarted,
    TalkStarted,
    Transferred,
    TransferFailed,
    Parked,
    SupervisorActed,
    TalkCut,
    ChannelLeft,
    LegEnded,
    TalkEnded,
    RecordingEnded,
    CallbackPromised,
    VoicemailLeft,
    HandedToDialplan,
    CallEnded,
)


def outcome_of(
    *,
    known_line: bool,
    talked: bool,
    voicemail_left: bool,
    link_sent: bool,
    direction: CallDirection = CallDirection.IN,
    blocked: bool = False,
    handed_over: bool = False,
    booked: bool = False,
    callback_queued: bool = False,
    interrupted: bool = False,
    answered: bool = False,
) -> Outcome:
    """The one outcome of an ended call: whatever served the caller best counts."""
    if interrupted:
        return Outcome.INTERRUPTED
    if talked:
        return Outcome.HANDED_OVER if handed_over else Outcome.TALKED
    if booked:
        return Outcome.BOOKED
    if voicemail_left:
        return Outcome.LEFT_VOICEMAIL
    if direction is not CallDirection.IN:
        return Outcome.NOT_REACHED
    if blocked:
        return Outcome.BLOCKED
    if not known_line:
        return Outcome.WRONG_NUMBER
    if callback_queued:
        return Outcome.CALLBACK
    if link_sent:
        return Outcome.GOT_LINK
    return Outcome.ANSWERED if answered else Outcome.GAVE_UP
