"""A call told from its facts: who, when, which phones rang, how it ended. Pure.

The facts may come late, twice or in any order; the story is the same once all are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from crm.domain.calls import (
    KINDS,
    REFUSALS,
    AnswerPromised,
    CallArrived,
    CallbackPromised,
    CallbackQueued,
    CallDirection,
    CallEnded,
    CallerBlocked,
    CallerIs,
    CallPlaced,
    CallRefused,
    CallStep,
    ChannelLeft,
    Cut,
    DeskChosen,
    DialStatus,
    EmergencyCalledBack,
    EndedBy,
    Fact,
    HandedToDialplan,
    KeyPressed,
    LanguageChosen,
    LegEnded,
    LegRang,
    LinkRequested,
    LinkTexted,
    Outcome,
    PropertyChosen,
    QuestionAsked,
    RecordingAnnounced,
    RecordingEnded,
    RecordingStarted,
    Speaker,
    StepTaken,
    TalkCut,
    TalkEnded,
    TalkStarted,
    TourBooked,
    VoicemailLeft,
    VoiceTalkEnded,
    VoiceTurnTaken,
)
from crm.domain.ringing import StageName

FINISHED, FAILED, HUNG_UP = "finished", "failed", "hung_up"
"""Why a talk with the voice agent ended: all was said, it could not go on, the caller hung up."""
EMERGENCY_CALLBACK = "emergency_callback"
"""The reason the dialplan gives for taking such a call (context emergency-callback)."""

_OUTSIDE = (StageName.OFFICE, StageName.ANSWERING)
"""Stages that ring people outside the office."""

_RANK = {kind: rank for rank, kind in enumerate(KINDS)}


@dataclass(frozen=True)
class LegStory:
    """One phone that rang."""

    id: str
    started_at: datetime
    device: str = ""
    agent: str = ""
    stage: str = ""
    number: str | None = None
    """E.164, when it was dialed through a trunk."""
    announced_at: datetime | None = None
    """Heard that the call is recorded."""
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    status: DialStatus | None = None
    """None while it rings, or when nobody saw it stop."""


@dataclass(frozen=True)
class VoiceTalkStory:
    """What the voice agent did for the caller."""

    turns: int
    """Of the caller's, in words."""
    answers: int
    """Of the agent's that gave a fact."""
    language: str = ""
    """The caller's, as it was heard last; empty: nothing was."""
    links: tuple[str, ...] = ()
    """Texted during the talk: of conversation.LinkKind."""
    promises: tuple[str, ...] = ()
    """What a person is to get back to the caller about."""
    why_ended: str = ""
    """As in VoiceTalkEnded; empty: the caller hung up, or the talk was cut off."""
    summary: str = ""

    @property
    def has_served(self) -> bool:
        """Whether the caller got something of it: an answer, or the promise of one."""
        return self.turns > 0 and (self.answers > 0 or bool(self.promises) or self.why_ended == FINISHED)


@dataclass(frozen=True)
class RecordingStory:
    id: str
    mode: str
    file: str
    started_at: datetime
    ended_at: datetime | None = None
    seconds: int = 0


_WAITING = (CallStep.PARKED, CallStep.TRANSFER, CallStep.REJOIN, CallStep.RING, CallStep.QUEUE, CallStep.VOICEMAIL)
"""Where a person is left without anybody talking to them."""


@dataclass(frozen=True)
class CallStory:
    started_at: datetime
    did: str
    """"" when no fact reported the call's arrival."""
    caller: str | None
    trunk: str
    without_app: bool
    step: CallStep
    link_requested: bool
    legs: tuple[LegStory, ...]
    talk_started_at: datetime | None
    voicemail: VoicemailLeft | None
    ended_at: datetime | None
    """None while the call is up, or with the dialplan, which has not yet reported how it ended."""
    ended_by: EndedBy | None
    direction: CallDirection = CallDirection.IN
    placed: CallPlaced | None = None
    """Who called whom, when the call was placed by us."""
    blocked: bool = False
    attestation: str = ""
    withheld: bool = False
    dialled: tuple[tuple[str, str], ...] = ()
    """As in CallArrived."""
    caller_digits: str = ""
    """As in CallArrived."""
    refused: int = 0
    """Status with which Asterisk's SIP stack refused the INVITE; 0: it did not."""
    is_emergency_callback: bool = False
    """Most likely the emergency service calling back: somebody here had just called it from the number dialed now."""
    promised: CallbackPromised | None = None
    """An agent who was rung will call back; the first of several counts."""
    recordings: tuple[RecordingStory, ...] = ()
    kind: str = ""
    """Kind of caller, as in crm.domain.route_inputs.CallerKind; empty: unknown."""
    desk: str = ""
    """The destination beside leasing that the call is for, as in crm.domain.route_inputs.DeskKind; empty: none."""
    property_slug: str = ""
    """Slug of the property chosen by key; empty: the line's."""
    language: str = ""
    """Chosen by key."""
    question: bool = False
    """The caller's question was recorded, because it is unclear which property it is about."""
    tour_id: int | None = None
    """Booked by key."""
    callback_queued: CallbackQueued | None = None
    """Set when the caller is to be called back in turn."""
    voice_talk: VoiceTalkStory | None = None
    """With the voice agent; None: it did not answer."""
    is_talk_timed: bool = True
    """Whether it is known when the talk began, and not only when it ended."""
    came_in: bool = False
    """The call got as far as the menu, or what came instead: ringing phones, with the app away."""
    left_waiting: bool = False
    """After a talk they were parked or transferred, and nobody has taken the call since."""
    cut: Cut | None = None
    """What cut the last talk off; None when one side ended it, or somebody has talked to the person since."""
    cut_leg: str = ""
    """The phone that was cut off from the person, if known."""

    @property
    def talked(self) -> bool:
        """Whether the two were connected, for however short a time."""
        return self.talk_started_at is not None

    def has_talked(self, shortest_seconds: float) -> bool:
        """Whether anything can have been said: the call did not end sooner than that after the answer."""
        if not (self.talked and self.is_talk_timed and self.talk_started_at and self.ended_at):
            return self.talked
        # A clock that was set back meanwhile tells nothing.
        return not timedelta(0) <= self.ended_at - self.talk_started_at < timedelta(seconds=shortest_seconds)

    @property
    def handed_over(self) -> bool:
        """The caller talked with an outside number that belongs to none of our agents: the one that all calls or a
        desk's calls go to, or the answering service."""
        return any(
            leg.answered_at and (leg.stage in _OUTSIDE or (leg.stage == StageName.DESK and leg.number))
            for leg in self.legs
        )

    @property
    def seconds(self) -> float:
        """From arrival to end; 0 while it is up."""
        return max(0.0, (self.ended_at - self.started_at).total_seconds()) if self.ended_at else 0.0

    @property
    def talk_seconds(self) -> int:
        """From the first word to the end of the call; 0 without a talk."""
        if not self.talk_started_at or not self.ended_at:
            return 0
        return max(0, round((self.ended_at - self.talk_started_at).total_seconds()))

    @property
    def answered_by(self) -> LegStory | None:
        """The phone of the first talk."""
        answered = [leg for leg in self.legs if leg.answered_at]
        return min(answered, key=lambda leg: (leg.answered_at, leg.id)) if answered else None


def tell(facts: Iterable[Fact]) -> CallStory:
    """The story of one call, from all its facts, of which there is at least one."""
    told = sorted({fact.id: fact for fact in facts}.values(), key=lambda fact: (fact.at, _RANK[type(fact)], fact.id))
    arrivals = [fact for fact in told if isinstance(fact, CallArrived)]
    # When both the app and the dialplan saw it arrive, the app knew more.
    arrival = min(arrivals, key=lambda fact: fact.without_app, default=None)
    placed = next((fact for fact in told if isinstance(fact, CallPlaced)), None)
    ending = _ending(told)
    # A talk of which only the end was logged took place nonetheless.
    talks = [fact.at for fact in told if isinstance(fact, TalkStarted | TalkEnded)]
    voicemails = [fact for fact in told if isinstance(fact, VoicemailLeft)]
    cut = _cut(told)
    handed = any(isinstance(fact, HandedToDialplan) for fact in told)
    return CallStory(
        started_at=placed.at if placed else min(fact.at for fact in arrivals or told),
        did=placed.did if placed else arrival.did if arrival else "",
        caller=placed.number if placed else arrival.caller if arrival else None,
        trunk=arrival.trunk if arrival else "",
        without_app=handed or any(fact.without_app for fact in arrivals),
        step=_step(told),
        link_requested=any(isinstance(fact, LinkRequested) for fact in told),
        legs=_legs(told, ending.at if ending else None),
        talk_started_at=min(talks, default=None),
        is_talk_timed=any(isinstance(fact, TalkStarted) for fact in told),
        voicemail=max(voicemails, key=lambda fact: fact.seconds, default=None),
        ended_at=ending.at if ending else None,
        ended_by=ending.by if ending else None,
        direction=placed.direction if placed else CallDirection.IN,
        placed=placed,
        blocked=any(isinstance(fact, CallerBlocked) for fact in told),
        refused=next((fact.status for fact in told if isinstance(fact, CallRefused)), 0),
        is_emergency_callback=any(map(is_emergency_callback, told)),
        attestation=next((fact.attestation for fact in arrivals if fact.attestation), ""),
        withheld=any(fact.withheld for fact in arrivals),
        dialled=arrival.dialled if arrival and not placed else (),
        caller_digits=arrival.caller_digits if arrival and not placed else "",
        promised=next((fact for fact in told if isinstance(fact, CallbackPromised)), None),
        recordings=_recordings(told),
        kind=next((fact.who for fact in reversed(told) if isinstance(fact, CallerIs)), ""),
        desk=next((fact.desk for fact in reversed(told) if isinstance(fact, DeskChosen)), ""),
        property_slug=next((fact.property for fact in reversed(told) if isinstance(fact, PropertyChosen)), ""),
        language=next((fact.language for fact in reversed(told) if isinstance(fact, LanguageChosen)), ""),
        question=any(isinstance(fact, QuestionAsked) for fact in told),
        tour_id=next((fact.tour_id for fact in told if isinstance(fact, TourBooked)), None),
        callback_queued=next((fact for fact in told if isinstance(fact, CallbackQueued)), None),
        voice_talk=_voice_talk(told),
        came_in=_came_in(told),
        left_waiting=_left_waiting(told),
        cut=cut.by if cut else None,
        cut_leg=cut.leg_id if cut else "",
    )


def is_emergency_callback(fact: Fact) -> bool:
    """Whether it says that the emergency service may be calling: by the app, or by the dialplan while that is away."""
    return isinstance(fact, EmergencyCalledBack) or (
        isinstance(fact, HandedToDialplan) and fact.reason == EMERGENCY_CALLBACK
    )


def _voice_talk(told: Sequence[Fact]) -> VoiceTalkStory | None:
    if not any(isinstance(fact, StepTaken) and fact.step is CallStep.VOICE_AGENT for fact in told):
        return None
    turns = [fact for fact in told if isinstance(fact, VoiceTurnTaken)]
    heard = [fact for fact in turns if fact.who == Speaker.CALLER]
    ended = next((fact for fact in reversed(told) if isinstance(fact, VoiceTalkEnded)), None)
    return VoiceTalkStory(
        turns=len(heard),
        answers=sum(fact.who == Speaker.AGENT and bool(fact.cites) for fact in turns),
        language=next((fact.language for fact in reversed(heard) if fact.language), ""),
        links=tuple(dict.fromkeys(fact.link for fact in told if isinstance(fact, LinkTexted))),
        promises=tuple(dict.fromkeys(fact.about for fact in told if isinstance(fact, AnswerPromised))),
        why_ended=ended.why if ended else "",
        summary=ended.summary if ended else "",
    )


def _came_in(told: Sequence[Fact]) -> bool:
    return any(
        isinstance(fact, KeyPressed | LinkRequested | LegRang)
        or (isinstance(fact, StepTaken) and fact.step is not CallStep.ARRIVED)
        for fact in told
    )


def _left_waiting(told: Sequence[Fact]) -> bool:
    # Only the app transfers and parks. The dialplan reports talks in whole seconds, which may seem to come before the
    # step in which they happened.
    talked = waits = False
    for fact in told:
        if isinstance(fact, StepTaken):
            talked = talked or fact.step is CallStep.TALK
            waits = talked and fact.step in _WAITING
        elif isinstance(fact, TalkStarted):
            waits = False
    return waits


def _cut(told: Sequence[Fact]) -> TalkCut | None:
    """The fact that cut the last talk off, with the leg that was talking."""
    talking: list[str] = []
    cut = None
    for fact in told:
        if isinstance(fact, TalkStarted):
            talking.append(fact.leg_id)
            cut = None
        elif isinstance(fact, TalkEnded | LegEnded):
            talking = [leg for leg in talking if fact.leg_id and leg != fact.leg_id]
        elif isinstance(fact, TalkCut) and (fact.leg_id or talking):
            cut = replace(fact, leg_id=fact.leg_id or talking[-1])
    return cut


_CUT = {
    Cut.STOPPED: "was cut off: the phone system was stopped in the middle of the talk",
    Cut.FAILED: "was cut off: the phone system failed in the middle of the talk",
    Cut.LINE_LOST: "was cut off: a line was lost in the middle of the talk",
}


def how_it_went(story: CallStory, outcome: Outcome) -> str:
    """What the caller did, as the second half of a sentence that begins "Called Maple Court and"."""
    if outcome is Outcome.TALKED:
        if story.voicemail:
            return f"talked, and left a voicemail of {story.voicemail.seconds} s after that"
        return "talked, but was then parked or transferred, and nobody picked up" if story.left_waiting else "talked"
    if outcome is Outcome.INTERRUPTED:
        voicemail = f", and left a voicemail of {story.voicemail.seconds} s" if story.voicemail else ""
        return f"{_CUT[story.cut or Cut.FAILED]}{voicemail}"
    if outcome is Outcome.LEFT_VOICEMAIL and story.voicemail:
        asked = "asked, without choosing a property, in" if story.question else "left"
        return f"{asked} a voicemail of {story.voicemail.seconds} s"
    if outcome is Outcome.BOOKED:
        return "booked a tour with the voice agent" if story.voice_talk else "booked a tour by key"
    if outcome is Outcome.GOT_LINK:
        return "got a link by text from the voice agent" if story.voice_talk else "got the link to the listings by text"
    if outcome is Outcome.ANSWERED:
        return "talked with the voice agent"
    if outcome is Outcome.WRONG_NUMBER:
        return "did not reach any of our lines"
    if outcome is Outcome.BLOCKED:
        return "was turned away: the number is on the block list"
    if outcome is Outcome.HANDED_OVER:
        service = any(leg.answered_at and leg.stage == StageName.ANSWERING for leg in story.legs)
        return f"was connected with the {'answering service' if service else 'number that calls are forwarded to'}"
    if outcome is Outcome.CALLBACK:
        return "kept their place in line, to be called back"
    if outcome is Outcome.NOT_REACHED:
        return "was not reached"
    if story.refused:
        why = REFUSALS.get(story.refused, "the phone system did not accept what their carrier sent")
        return f"did not get through: {why} (SIP {story.refused})"
    if story.talked:
        if story.ended_by is EndedBy.AGENT:
            return "was hung up on as soon as the phone was answered"
        return "hung up just as the phone was answered"
    return {
        CallStep.VOICE_AGENT: "hung up on the voice agent",
        CallStep.RING: "hung up while phones rang",
        CallStep.TALK: "was cut off when the phone was answered",
        CallStep.TOUR_OFFER: "did not book any of the tours offered",
        CallStep.QUEUE: "hung up while waiting for somebody to become free",
        CallStep.QUESTION: "did not say which property it was about",
        CallStep.VOICEMAIL: "left no voicemail when nobody answered",
        CallStep.TURNED_AWAY: "heard a busy signal, because the phone system was being stopped",
        CallStep.LAST_RESORT: "left no voicemail when nobody answered",
    }.get(story.step, "hung up in the menu")


def how_ours_went(story: CallStory, who: str, outcome: Outcome) -> str:
    """What came of a call that `who` placed, as a sentence."""
    if outcome is Outcome.TALKED:
        minutes, seconds = divmod(story.talk_seconds, 60)
        return f"{who} called and talked for {f'{minutes} min ' if minutes else ''}{seconds} s."
    if outcome is Outcome.INTERRUPTED:
        return f"{who} called and {_CUT[story.cut or Cut.FAILED]}."
    if outcome is Outcome.LEFT_VOICEMAIL and story.voicemail:
        return f"{who} left a voicemail of {story.voicemail.seconds} s."
    if story.talked:
        return f"{who} called and was cut off as soon as the phone was answered."
    return f"{who} called and reached nobody."


def _step(told: Sequence[Fact]) -> CallStep:
    step = CallStep.ARRIVED
    for fact in told:
        if isinstance(fact, StepTaken):
            step = fact.step
        elif isinstance(fact, HandedToDialplan):
            step = CallStep.LAST_RESORT
    return step


def _ending(told: Sequence[Fact]) -> CallEnded | None:
    endings = [fact for fact in told if isinstance(fact, CallEnded)]
    if _step(told) is CallStep.LAST_RESORT:
        # The app cannot know how a call ended that it had handed over.
        endings = [fact for fact in endings if fact.without_app]
    if not endings:
        return None
    left = [fact.at for fact in told if isinstance(fact, ChannelLeft) and fact.leg_id == fact.call_id]
    return replace(endings[0], at=min([endings[0].at, *left]))


def _in_talk(legs: Iterable[LegStory]) -> str:
    """The phone that was answered last and is still in the call; "" for none."""
    talking = [leg for leg in legs if leg.answered_at and not leg.ended_at]
    return talking[-1].id if talking else ""


def _recordings(told: Sequence[Fact]) -> tuple[RecordingStory, ...]:
    found: dict[str, RecordingStory] = {}
    for fact in told:
        if isinstance(fact, RecordingStarted):
            found[fact.recording_id] = RecordingStory(fact.recording_id, fact.mode, fact.file, fact.at)
        elif isinstance(fact, RecordingEnded) and (one := found.get(fact.recording_id)):
            found[one.id] = replace(one, ended_at=fact.at, seconds=fact.seconds)
    return tuple(found.values())


def _legs(told: Sequence[Fact], call_ended_at: datetime | None) -> tuple[LegStory, ...]:
    legs: dict[str, LegStory] = {}
    for fact in told:
        if not isinstance(fact, LegRang | LegEnded | TalkStarted | TalkEnded | ChannelLeft | RecordingAnnounced):
            continue
        leg_id = fact.leg_id or _in_talk(legs.values())
        if not leg_id or (isinstance(fact, RecordingAnnounced) and leg_id == fact.call_id and leg_id not in legs):
            # The announcement to the caller: their channel is the call's first, not a phone of ours.
            continue
        if isinstance(fact, ChannelLeft) and leg_id not in legs:
            continue
        leg = legs.get(leg_id) or LegStory(leg_id, fact.at)
        if isinstance(fact, LegRang):
            leg = replace(leg, device=fact.device, agent=fact.agent, stage=fact.stage, number=fact.number)
        elif isinstance(fact, RecordingAnnounced):
            leg = replace(leg, announced_at=leg.announced_at or fact.at)
        elif isinstance(fact, TalkStarted):
            leg = replace(leg, answered_at=leg.answered_at or fact.at)
        elif isinstance(fact, ChannelLeft):
            leg = replace(leg, ended_at=leg.ended_at or fact.at)
        elif isinstance(fact, TalkEnded):
            leg = replace(leg, answered_at=leg.answered_at or fact.at, ended_at=leg.ended_at or fact.at)
        else:
            leg = replace(leg, ended_at=leg.ended_at or fact.at, status=fact.status)
        legs[leg.id] = leg
    return tuple(
        replace(
            leg,
            ended_at=leg.ended_at or call_ended_at,
            status=DialStatus.ANSWER if leg.answered_at else leg.status,
        )
        for leg in legs.values()
    )
