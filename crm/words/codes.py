"""What people read in place of a code, in tables, records and mails; JSON and CSV for programs keep the code.

Codes such as `got_link` are written by calls, texts, tasks and tours, and stay in the database; what they are called
may change.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from crm.domain.access import Role
from crm.domain.applications import ApplicationStatus, Step
from crm.domain.arrivals import ArrivalOutcome
from crm.domain.calls import CallDirection, CallStep, Cut, DialStatus, EndedBy, Outcome, Speaker
from crm.domain.conversation import ActResult, LinkKind, TransferReason
from crm.domain.delivery import DeliveryState
from crm.domain.follow_ups import FollowUpAct
from crm.domain.gate import Verdict
from crm.domain.heard import CardField
from crm.domain.leads import Happened, LeadKind, LeadStatus, LeadType, LeasingStage, Light
from crm.domain.listings import ListingState
from crm.domain.mailboxes import TranscriptState
from crm.domain.mails import MailPurpose
from crm.domain.merging import ProposalReason
from crm.domain.metrics import CardPart, MetricGroup, ReportKind
from crm.domain.periods import PeriodKind
from crm.domain.ringing import DeviceKind, StageName, Strategy
from crm.domain.route_inputs import AiAnswers, CallerKind, DeskKind, OfficeState
from crm.domain.route_plan import About, Path, Rule
from crm.domain.tasks import TaskKind
from crm.domain.texts import TextDirection, TextPurpose
from crm.domain.tours import TourKind, TourState
from crm.words.console.codes import SPANISH

WORDS: Mapping[type[StrEnum], Mapping[str, str]] = {
    About: {About.PATH: "what comes next", About.HEARS: "what they hear", About.RINGS: "who rings"},
    ActResult: {ActResult.ALREADY: "done before", ActResult.TAKEN: "taken by somebody else"},
    AiAnswers: {AiAnswers.OVERFLOW: "when nobody is free"},
    ApplicationStatus: {},
    ArrivalOutcome: {
        ArrivalOutcome.LEAD: "an inquiry",
        ArrivalOutcome.ANSWER: "an answer",
        ArrivalOutcome.NOTICE: "a notice",
        ArrivalOutcome.AUTOMATIC: "an automatic reply",
        ArrivalOutcome.BOUNCE: "a mail that came back",
        ArrivalOutcome.OWN: "our own",
        ArrivalOutcome.FLAGGED: "kept back as spam",
    },
    CallDirection: {
        CallDirection.IN: "came in",
        CallDirection.OUT: "placed by us",
        CallDirection.INTERNAL: "between colleagues",
    },
    CallStep: {
        CallStep.TEXT_OFFER: "offered a text",
        CallStep.TOUR_OFFER: "offered a tour",
        CallStep.QUEUE: "waiting in line",
        CallStep.QUESTION: "saying what they want",
        CallStep.RING: "phones ring",
        CallStep.TALK: "talking",
        CallStep.VOICEMAIL: "leaving a voicemail",
        CallStep.TURNED_AWAY: "turned away",
        CallStep.TRANSFER: "being transferred",
        CallStep.REJOIN: "waiting for the agent's browser",
        CallStep.CONSULT: "on hold while colleagues talk",
        CallStep.DIALLING: "dialing",
        CallStep.LAST_RESORT: "with Asterisk alone",
    },
    CallerKind: {},
    CardField: {CardField.MOVE_IN: "move-in"},
    CardPart: {CardPart.WISH: "move-in or bedrooms"},
    Cut: {
        Cut.STOPPED: "the phone system was stopped",
        Cut.FAILED: "the phone system failed",
        Cut.LINE_LOST: "a line was lost",
    },
    DeliveryState: {DeliveryState.UNKNOWN: "perhaps sent"},
    DeskKind: {},
    DeviceKind: {DeviceKind.DESK: "desk phone"},
    DialStatus: {
        DialStatus.ANSWER: "answered",
        DialStatus.NOANSWER: "no answer",
        DialStatus.BUSY: "busy",
        DialStatus.CANCEL: "stopped ringing",
        DialStatus.CHANUNAVAIL: "not reachable",
        DialStatus.CONGESTION: "refused",
    },
    EndedBy: {
        EndedBy.CALLER: "the person outside",
        EndedBy.AGENT: "an agent",
        EndedBy.SYSTEM: "the phone system",
    },
    FollowUpAct: {},
    Happened: {
        Happened.CALL_FROM: "call",
        Happened.CALL_TO: "call by us",
        Happened.TRANSCRIPT: "transcript",
        Happened.TEXT: "text",
        Happened.APPOINTMENT: "tour",
        Happened.SHOW: "tour taken",
        Happened.STAGE_CHANGED: "stage",
        Happened.TASK: "task",
        Happened.NOTE: "note",
        Happened.ENTERED: "entered",
        Happened.FOLLOW_UP: "follow-up",
        Happened.VOICEMAIL: "voicemail",
        Happened.EMAIL: "email",
        Happened.LINK_OPENED: "link opened",
        Happened.FORM: "form",
        Happened.APPLICATION: "application",
        Happened.MEETING: "meeting",
        Happened.STATUS_CHANGED: "status",
        Happened.ASSIGNED: "agent",
        Happened.EXPORTED: "exported",
        Happened.IDENTITY: "who they are",
        Happened.MERGED: "merged",
        Happened.OPT_OUT: "opt-out",
    },
    LeadKind: {},
    LeadStatus: {},
    LeadType: {},
    LeasingStage: {
        LeasingStage.SHOWING_DESIRED: "wants a tour",
        LeasingStage.SHOWING_BOOKED: "tour booked",
        LeasingStage.SHOWING_MISSED: "tour missed",
        LeasingStage.APPLICATION_SENT: "has an application",
    },
    Light: {Light.GREEN: "within a day", Light.YELLOW: "within two days", Light.RED: "two days ago or more"},
    LinkKind: {LinkKind.TOURS: "tour times", LinkKind.HOME: "a home"},
    ListingState: {ListingState.CHANGED: "published, with changes that are not"},
    MailPurpose: {MailPurpose.PERSONAL: "written by us", MailPurpose.INBOUND: "written to us"},
    MetricGroup: {},
    PeriodKind: {},
    OfficeState: {OfficeState.OVERFLOW: "nobody is free"},
    Outcome: {
        Outcome.INTERRUPTED: "talk cut off",
        Outcome.LEFT_VOICEMAIL: "left a voicemail",
        Outcome.BOOKED: "booked a tour",
        Outcome.ANSWERED: "answered by the voice agent",
        Outcome.GOT_LINK: "got a link",
        Outcome.CALLBACK: "to be called back",
        Outcome.HANDED_OVER: "talked with somebody outside",
        Outcome.NOT_REACHED: "not reached",
    },
    Path: {
        Path.ASK: "a question",
        Path.LIVE: "phones ring",
        Path.DESK: "a desk rings",
        Path.LINK: "the listings by text",
        Path.TOUR: "times for a tour",
        Path.QUESTION: "recording what they want",
        Path.QUEUE: "waiting in line",
        Path.VOICE_AGENT: "the voice agent",
        Path.REFUSE: "not one of our lines",
    },
    ProposalReason: {
        ProposalReason.SAME_EMAIL: "same email address",
        ProposalReason.BOTH_NAMED: "number of one, email address of the other",
    },
    Role: {},
    ReportKind: {},
    Rule: {
        Rule.MENU: "the caller's choice",
        Rule.UNSURE: "unclear property",
        Rule.OFFICE_FORWARD: "all calls are forwarded",
        Rule.NOBODY: "nobody to ring",
        Rule.OVERFLOW: "nobody is free",
        Rule.CALLER_KIND: "kind of caller",
        Rule.NO_LEASING: "not about leasing",
        Rule.NO_TEXTS: "no texts to this number",
    },
    Speaker: {Speaker.AGENT: "voice agent", Speaker.KEYS: "keys", Speaker.ACT: ""},
    StageName: {
        StageName.EMERGENCY: "emergency callback",
        StageName.OFFICE: "the number all calls go to",
        StageName.AGENT: "their agent",
        StageName.SISTERS: "helping subteams",
        StageName.ANSWERING: "answering service",
        StageName.QUEUE: "next in line",
    },
    Step: {},
    Strategy: {Strategy.RING_ALL: "all at once", Strategy.ROUND_ROBIN: "one after the other"},
    TaskKind: {
        TaskKind.LISTEN: "listen to a voicemail",
        TaskKind.REPLY: "reply to a text",
        TaskKind.INQUIRY: "answer an inquiry",
        TaskKind.FINISH_APPLICATION: "help with an application",
        TaskKind.REVIEW_APPLICATION: "review an application",
        TaskKind.UNKNOWN_DID: "add a line",
    },
    TextDirection: {TextDirection.IN: "received", TextDirection.OUT: "ours"},
    TextPurpose: {
        TextPurpose.LISTINGS_LINK: "link to the listings",
        TextPurpose.CALLBACK: "we call back",
        TextPurpose.AGENT: "written by us",
        TextPurpose.FOLLOW_UP: "follow-up",
        TextPurpose.STOP_CONFIRMED: "no more texts, confirmed",
        TextPurpose.START_CONFIRMED: "texts again, confirmed",
        TextPurpose.STAFF: "to our own people",
        TextPurpose.INBOUND: "written to us",
    },
    TourKind: {TourKind.SELF_GUIDED: "self-guided", TourKind.REMOTE: "by video"},
    TourState: {TourState.CANCELLED: "canceled"},
    TranscriptState: {TranscriptState.QUEUED: "being written", TranscriptState.NONE: "no model for it"},
    TransferReason: {
        TransferReason.ASKED: "asked for a person",
        TransferReason.KEY: "pressed the key for a person",
        TransferReason.STAGE: "is past the first questions",
        TransferReason.FAIR_HOUSING: "asked what only a person may answer",
        TransferReason.NOT_OURS_TO_DECIDE: "asked what the office has to decide",
        TransferReason.LANGUAGE: "speaks another language",
        TransferReason.SILENCE: "said nothing",
        TransferReason.TAKEN: "a colleague took the call",
        TransferReason.DISTRESS: "sounded upset",
    },
    Verdict: {Verdict.SEND: "may be sent", Verdict.WAIT: "waits", Verdict.BLOCK: "blocked"},
}
"""By kind; a code that is not listed reads as it is, with spaces in place of underscores."""


def in_words(kind: type[StrEnum], code: str | None, language: str = "en") -> str:
    """What people call it, e.g. `in_words(Outcome, "got_link")`, also of another version; empty for none. In English
    where there are no words in this language."""
    if not code:
        return ""
    if language == "es" and code in SPANISH.get(kind, {}):
        return SPANISH[kind][code]
    return WORDS[kind].get(code, code.replace("_", " "))
