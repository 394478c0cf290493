"""What happened in a call, fact by fact, in sentences for people.

A sentence is about the person outside unless it names somebody. Ringing, answering and hanging up of our phones is
told from the legs, which know more than single facts (`crm.views.call_stories`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.domain.calls import REFUSALS, CallStep, Cut, DialStatus, EndedBy, SupervisorAct
from crm.domain.choosing import Question
from crm.domain.conversation import LinkKind, TransferReason
from crm.domain.story import EMERGENCY_CALLBACK, FAILED, FINISHED, HUNG_UP
from crm.words.codes import in_words

Data = Mapping[str, Any]


@dataclass(frozen=True)
class CallNames:
    """How people call what facts refer to."""

    call: str
    """Id of the call, which is the caller's channel."""
    person: str
    """Who is outside: "Pat Smith", "(512) 555-0199"; begins a sentence."""
    line: str
    """The line, with its number."""
    legs: Mapping[str, str]
    """Phones, by the leg's id: "Alice (alice-desk)"."""
    agents: Mapping[str, str]
    """Names, by slug."""
    properties: Mapping[str, str]
    """Names, by slug."""
    tours: Mapping[int, str]
    """When and where, by id."""
    number: Callable[[str], str]
    """A phone number as people of the country write it."""

    def leg(self, id: object) -> str:
        return self.legs.get(str(id), "another phone")

    def agent(self, slug: object) -> str:
        return self.agents.get(str(slug), str(slug))


def sentence(kind: str, data: Data, names: CallNames) -> str:
    """What a fact says; empty for what is told elsewhere. A fact of another version is shown as it is."""
    if (told := _SENTENCES.get(kind)) is not None:
        return told(data, names)
    return "" if kind in TOLD_ELSEWHERE else f"{kind}: {', '.join(f'{key} {value}' for key, value in data.items())}"


TOLD_ELSEWHERE = {
    "Routed",
    "VoiceTurnTaken",
    "LegRang",
    "LegEnded",
    "TalkStarted",
    "TalkEnded",
    "ChannelLeft",
    "RecordingEnded",
}
"""In the legs, the routing decisions, the talk with the voice agent and the recordings."""

_STEPS = {
    CallStep.MENU: "Heard the menu.",
    CallStep.TEXT_OFFER: "Was offered the listings by text.",
    CallStep.TOUR_OFFER: "Was offered times for a tour.",
    CallStep.VOICE_AGENT: "Was answered by the voice agent.",
    CallStep.QUEUE: "Began to wait in line.",
    CallStep.QUESTION: "Was asked to say what it is about.",
    CallStep.VOICEMAIL: "Was asked to leave a voicemail.",
    CallStep.UNKNOWN_LINE: "Heard that the number is not in use.",
    CallStep.TURNED_AWAY: "Heard a busy signal, because the phone system was being stopped.",
    CallStep.BLOCKED: "Was turned away.",
    CallStep.TRANSFER: "Heard music while phones rang for the transfer.",
    CallStep.CONSULT: "Heard music while the agent asked a colleague.",
    CallStep.REJOIN: "Heard music because the agent's browser was gone.",
    CallStep.LAST_RESORT: "Asterisk took the call by itself.",
}
"""The others are told by what happens in them."""
_QUESTIONS = {
    Question.MENU: "in the menu",
    Question.LINK: "after the link was texted",
    Question.WHO: "when asked who is calling",
    Question.URGENT: "when asked how urgent it is",
    Question.SAME: "when asked whether it is about the same property",
    Question.AREA: "when asked for the area",
    Question.LETTERS: "when asked for the property's first letters",
    Question.PROPERTY: "when asked for the property",
    Question.VOICE_AGENT: "in the talk with the voice agent",
    Question.TOUR: "when offered times for a tour",
}
_LANGUAGES = {"en": "English", "es": "Spanish", "fr": "French", "de": "German"}
_ENDS = {
    FINISHED: "All was said.",
    FAILED: "The voice agent could not go on.",
    HUNG_UP: "",
}


def _arrived(data: Data, names: CallNames) -> str:
    trunk = f" over trunk {data['trunk']}" if data.get("trunk") else ""
    alone = ", while only Asterisk was up" if data.get("without_app") else ""
    return f"{names.person} called {names.line}{trunk}{alone}."


def _refused(data: Data, names: CallNames) -> str:
    status = data.get("status", 0)
    why = REFUSALS.get(status, "the phone system did not accept what their carrier sent")
    return f"Did not get through: {why} (SIP {status})."


def _placed(data: Data, names: CallNames) -> str:
    shown = f", showing {names.number(data['did'])}" if data.get("did") else ""
    to = names.number(data["number"]) if data.get("number") else f"extension {data.get('extension', '')}"
    return f"{names.agent(data.get('agent'))} called {to} from {data.get('device', 'a phone')}{shown}."


def _step(data: Data, names: CallNames) -> str:
    return _STEPS.get(data.get("step", ""), "")


def _key(data: Data, names: CallNames) -> str:
    where = _QUESTIONS.get(data.get("question", ""), "")
    return f"Pressed {data.get('key') or 'nothing'}{f' {where}' if where else ''}."


def _caller_is(data: Data, names: CallNames) -> str:
    who = data.get("who", "")
    return "" if who == "prospect" else f"Is known as {_with_article(who)}."


def _voice_talk_ended(data: Data, names: CallNames) -> str:
    why = data.get("why", "")
    ending = _ENDS.get(why)
    if ending is None:
        ending = f"Was passed on to a person: {in_words(TransferReason, why)}." if why else ""
    summary = f" In short: {str(data['summary']).rstrip('.')}." if data.get("summary") else ""
    return f"{ending}{summary}".strip()


def _announced(data: Data, names: CallNames) -> str:
    leg = data.get("leg_id", "")
    who = "" if leg == names.call or leg not in names.legs else f"{names.leg(leg)} heard"
    return f"{who or 'Heard'} that the call is recorded."


def _recording(data: Data, names: CallNames) -> str:
    return f"The recording began{', because an agent keyed it' if data.get('mode') == 'demand' else ''}."


def _transferred(data: Data, names: CallNames) -> str:
    how = "after talking with them" if data.get("way") == "attended" else "without talking with them first"
    return f"{names.leg(data.get('from_leg'))} transferred them to {names.leg(data.get('to_leg'))}, {how}."


def _transfer_failed(data: Data, names: CallNames) -> str:
    to = f" to {data['target']}" if data.get("target") else ""
    return f"{names.leg(data.get('from_leg'))} tried to transfer them{to}, and has them back: {data.get('why', '')}"


_SUPERVISED: Mapping[str, str] = {
    SupervisorAct.LISTENED: "listened in",
    SupervisorAct.TOOK_OVER: "took the talk over",
    SupervisorAct.SENT: "sent them to {agent}",
    SupervisorAct.PARKED: "parked them",
    SupervisorAct.PICKED_UP: "had {agent} rung for them",
    SupervisorAct.ENDED: "ended the call",
}


def _supervised(data: Data, names: CallNames) -> str:
    what = _SUPERVISED.get(data.get("what", ""), "")
    if not what:
        return ""
    on = f" on {data['device']}" if data.get("device") else ""
    return f"{data.get('by', '')}, at the console, {what.format(agent=names.agent(data.get('agent')))}{on}."


def _cut(data: Data, names: CallNames) -> str:
    return f"The talk was cut off: {in_words(Cut, data.get('by'))}."


def _voicemail(data: Data, names: CallNames) -> str:
    box = f" for {data['mailbox']}" if data.get("mailbox") else ""
    return f"Left a voicemail of {length(data.get('seconds', 0))}{box}."


def _handed(data: Data, names: CallNames) -> str:
    reason = data.get("reason", "")
    why = "it may be the emergency service calling back" if reason == EMERGENCY_CALLBACK else reason.replace("_", " ")
    return f"Asterisk took the call by itself{f': {why}' if why else ''}."


def _ended(data: Data, names: CallNames) -> str:
    by = data.get("by")
    if by == EndedBy.CALLER:
        return f"{names.person} hung up."
    return "Our side hung up." if by == EndedBy.AGENT else "The phone system ended the call."


def _with_article(noun: str) -> str:
    return f"{'an' if noun[:1] in 'aeio' else 'a'} {noun}"


_SENTENCES: Mapping[str, Callable[[Data, CallNames], str]] = {
    "CallArrived": _arrived,
    "CallRefused": _refused,
    "CallPlaced": _placed,
    "CallerBlocked": lambda data, _: f"Is on the block list ({data.get('entry', '')}).",
    "CallerSpared": lambda data, _: (
        f"Is on the block list ({data.get('entry', '')}), and got through because {data.get('why', '')}."
    ),
    "EmergencyCalledBack": lambda data, _: (
        f"It may be the emergency service calling back, so {data.get('device', 'the phone')} rings without a menu."
    ),
    "StepTaken": _step,
    "KeyPressed": _key,
    "LanguageChosen": lambda data, _: f"Chose {_LANGUAGES.get(data.get('language', ''), data.get('language', ''))}.",
    "CallerIs": _caller_is,
    "PropertyChosen": lambda data, names: (
        f"Wants to know about {names.properties.get(data.get('property', ''), data.get('property', ''))}."
    ),
    "DeskChosen": lambda data, _: f"Is put through to the desk for {data.get('desk', '')}.",
    "LinkTexted": lambda data, _: f"Got a link by text: {in_words(LinkKind, data.get('link'))}.",
    "AnswerPromised": lambda data, _: f"Was promised an answer by a person: {data.get('about', '')}.",
    "VoiceTalkEnded": _voice_talk_ended,
    "LinkRequested": lambda *_: "Asked for the listings by text.",
    "QuestionAsked": lambda *_: "It is unclear which property it is about, so their question is recorded.",
    "TourBooked": lambda data, names: f"Booked a tour{_of_tour(data.get('tour_id'), names)}.",
    "Queued": lambda data, _: f"Is number {data.get('position', '')} in line.",
    "CallbackQueued": lambda *_: "Keeps their place in line, and is called back in turn.",
    "PlaceKept": lambda *_: "Keeps their place in line, and is called back in turn.",
    "RecordingAnnounced": _announced,
    "RecordingStarted": _recording,
    "Transferred": _transferred,
    "TransferFailed": _transfer_failed,
    "Parked": lambda data, names: f"{names.leg(data.get('leg_id'))} parked them on {data.get('slot', '')}.",
    "SupervisorActed": _supervised,
    "TalkCut": _cut,
    "CallbackPromised": lambda data, names: (
        f"{names.agent(data.get('agent'))} could not talk, and calls back in {data.get('minutes', '')} min."
    ),
    "VoicemailLeft": _voicemail,
    "MessageLeft": _voicemail,
    "HandedToDialplan": _handed,
    "CallEnded": _ended,
}


def _of_tour(id: object, names: CallNames) -> str:
    told = names.tours.get(id) if isinstance(id, int) else None
    return f": {told}" if told else ""


def rang(phones: list[str], stage: str) -> str:
    """Phones that began to ring at the same time, for a stage of the plan, in words."""
    who = phones[0] if len(phones) == 1 else f"{', '.join(phones[:-1])} and {phones[-1]}"
    return f"{who} rang{f' ({stage})' if stage else ''}."


def stopped(phone: str, status: str) -> str:
    """How ringing ended for a phone that nobody answered; empty where a hangup or another's answer tells it."""
    told: Mapping[str, str] = {
        DialStatus.NOANSWER: f"{phone} was not answered.",
        DialStatus.BUSY: f"{phone} was busy.",
        DialStatus.CHANUNAVAIL: f"{phone} could not be reached.",
        DialStatus.CONGESTION: f"{phone} could not be rung: the call was refused on the way.",
    }
    return told.get(status, "")


def length(seconds: float) -> str:
    """`42 s`, `2 min 5 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def day_of(at: datetime) -> str:
    """`Monday, March 2, 2026`."""
    return f"{at:%A, %B} {at.day}, {at.year}"
