"""What people read in place of a code, in tables, records and mails; JSON and CSV for programs keep the code.

Codes such as `got_link` are written by calls, texts, tasks and tours, and stay in the database; what they are called
may change. Kinds and codes are named here by their texts, which a test compares with `crm.domain`: who wants words for
one kind need not load all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from crm.words.console.codes import SPANISH

WORDS: Mapping[str, Mapping[str, str]] = {
    "About": {"path": "what comes next", "hears": "what they hear", "rings": "who rings"},
    "ActResult": {"already": "done before", "taken": "taken by somebody else"},
    "AiAnswers": {"overflow": "when nobody is free"},
    "ApplicationStatus": {},
    "ArrivalOutcome": {
        "lead": "an inquiry",
        "answer": "an answer",
        "notice": "a notice",
        "automatic": "an automatic reply",
        "bounce": "a mail that came back",
        "own": "our own",
        "flagged": "kept back as spam",
    },
    "CallDirection": {
        "in": "came in",
        "out": "placed by us",
        "internal": "between colleagues",
    },
    "CallStep": {
        "text_offer": "offered a text",
        "tour_offer": "offered a tour",
        "queue": "waiting in line",
        "question": "saying what they want",
        "ring": "phones ring",
        "talk": "talking",
        "voicemail": "leaving a voicemail",
        "turned_away": "turned away",
        "transfer": "being transferred",
        "rejoin": "waiting for the agent's browser",
        "consult": "on hold while colleagues talk",
        "dialling": "dialing",
        "last_resort": "with Asterisk alone",
    },
    "CallerKind": {},
    "CardField": {"move_in": "move-in"},
    "CardPart": {"wish": "move-in or bedrooms"},
    "Cut": {
        "stopped": "the phone system was stopped",
        "failed": "the phone system failed",
        "line_lost": "a line was lost",
    },
    "DeliveryState": {"unknown": "perhaps sent"},
    "DeskKind": {},
    "DeviceKind": {"desk": "desk phone"},
    "DialStatus": {
        "ANSWER": "answered",
        "NOANSWER": "no answer",
        "BUSY": "busy",
        "CANCEL": "stopped ringing",
        "CHANUNAVAIL": "not reachable",
        "CONGESTION": "refused",
    },
    "EndedBy": {
        "caller": "the person outside",
        "agent": "an agent",
        "system": "the phone system",
    },
    "FollowUpAct": {},
    "Happened": {
        "CallFromProspect": "call",
        "CallToProspect": "call by us",
        "Transcript": "transcript",
        "Text": "text",
        "Appointment": "tour",
        "Show": "tour taken",
        "StageChanged": "stage",
        "Task": "task",
        "Note": "note",
        "Entered": "entered",
        "FollowUp": "follow-up",
        "Voicemail": "voicemail",
        "Email": "email",
        "LinkOpened": "link opened",
        "Form": "form",
        "Application": "application",
        "Meeting": "meeting",
        "StatusChanged": "status",
        "Assigned": "agent",
        "Exported": "exported",
        "Identity": "who they are",
        "Merged": "merged",
        "OptOut": "opt-out",
    },
    "LeadKind": {},
    "LeadStatus": {},
    "LeadType": {},
    "LeasingStage": {
        "showing_desired": "wants a tour",
        "showing_booked": "tour booked",
        "showing_missed": "tour missed",
        "application_sent": "has an application",
    },
    "Light": {"green": "within a day", "yellow": "within two days", "red": "two days ago or more"},
    "LinkKind": {"tours": "tour times", "home": "a home"},
    "ListingState": {"changed": "published, with changes that are not"},
    "MailPurpose": {"personal": "written by us", "inbound": "written to us"},
    "MetricGroup": {},
    "PeriodKind": {},
    "OfficeState": {"overflow": "nobody is free"},
    "Outcome": {
        "interrupted": "talk cut off",
        "left_voicemail": "left a voicemail",
        "booked": "booked a tour",
        "answered": "answered by the voice agent",
        "got_link": "got a link",
        "callback": "to be called back",
        "handed_over": "talked with somebody outside",
        "not_reached": "not reached",
    },
    "Path": {
        "ask": "a question",
        "live": "phones ring",
        "desk": "a desk rings",
        "link": "the listings by text",
        "tour": "times for a tour",
        "question": "recording what they want",
        "queue": "waiting in line",
        "voice_agent": "the voice agent",
        "refuse": "not one of our lines",
    },
    "ProposalReason": {
        "same_email": "same email address",
        "both_named": "number of one, email address of the other",
    },
    "Role": {},
    "ReportKind": {},
    "Rule": {
        "menu": "the caller's choice",
        "unsure": "unclear property",
        "office_forward": "all calls are forwarded",
        "nobody": "nobody to ring",
        "overflow": "nobody is free",
        "caller_kind": "kind of caller",
        "no_leasing": "not about leasing",
        "no_texts": "no texts to this number",
    },
    "Speaker": {"agent": "voice agent", "keys": "keys", "act": ""},
    "StageName": {
        "emergency": "emergency callback",
        "office": "the number all calls go to",
        "agent": "their agent",
        "sisters": "helping subteams",
        "answering": "answering service",
        "queue": "next in line",
    },
    "Step": {},
    "Strategy": {"ring_all": "all at once", "round_robin": "one after the other"},
    "TaskKind": {
        "listen": "listen to a voicemail",
        "reply": "reply to a text",
        "inquiry": "answer an inquiry",
        "finish_application": "help with an application",
        "review_application": "review an application",
        "unknown_did": "add a line",
    },
    "TextDirection": {"in": "received", "out": "ours"},
    "TextPurpose": {
        "listings_link": "link to the listings",
        "callback": "we call back",
        "agent": "written by us",
        "follow_up": "follow-up",
        "stop_confirmed": "no more texts, confirmed",
        "start_confirmed": "texts again, confirmed",
        "staff": "to our own people",
        "inbound": "written to us",
    },
    "TourKind": {"self_guided": "self-guided", "remote": "by video"},
    "TourState": {"cancelled": "canceled"},
    "TranscriptState": {"queued": "being written", "none": "no model for it"},
    "TransferReason": {
        "asked": "asked for a person",
        "key": "pressed the key for a person",
        "stage": "is past the first questions",
        "fair_housing": "asked what only a person may answer",
        "not_ours_to_decide": "asked what the office has to decide",
        "language": "speaks another language",
        "silence": "said nothing",
        "taken": "a colleague took the call",
        "distress": "sounded upset",
    },
    "Verdict": {"send": "may be sent", "wait": "waits", "block": "blocked"},
}
"""By kind; a code that is not listed reads as it is, with spaces in place of underscores."""


def in_words(kind: type[StrEnum], code: str | None, language: str = "en") -> str:
    """What people call it, e.g. `in_words(Outcome, "got_link")`, also of another version; empty for none. In English
    where there are no words in this language."""
    if not code:
        return ""
    name = kind.__name__
    if language == "es" and code in SPANISH.get(name, {}):
        return SPANISH[name][code]
    return WORDS[name].get(code, code.replace("_", " "))
