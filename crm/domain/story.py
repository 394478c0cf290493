"""A call told from its facts: who, when, which phones rang, how it ended. Pure.

The facts may come late, twice or in any order; the story is the same once all are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from crm.domain.calls import (
    KINDS,
    CallArrived,
    CallEnded,
    DialStatus,
    EndedBy,
    Fact,
    HandedToDialplan,
    LegEnded,
    LegRang,
    LinkRequested,
    MessageLeft,
    Outcome,
    Step,
    StepTaken,
    TalkEnded,
    TalkStarted,
)

_RANK = {kind: rank for rank, kind in enumerate(KINDS)}


@dataclass(frozen=True)
class LegStory:
    """One phone that rang."""

    id: str
    started_at: datetime
    device: str = ""
    agent: str = ""
    stage: str = ""
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    status: DialStatus | None = None
    """None while it rings, or when nobody saw how it stopped."""


@dataclass(frozen=True)
class CallStory:
    started_at: datetime
    did: str
    """"" when the fact of the call's arrival never came."""
    caller: str | None
    trunk: str
    without_app: bool
    step: Step
    link_requested: bool
    legs: tuple[LegStory, ...]
    talk_started_at: datetime | None
    message: MessageLeft | None
    ended_at: datetime | None
    """None while the call is up, or with the dialplan, which has not told yet how it went on there."""
    ended_by: EndedBy | None

    @property
    def talked(self) -> bool:
        return self.talk_started_at is not None

    @property
    def answered_by(self) -> LegStory | None:
        """The phone of the first talk."""
        answered = [leg for leg in self.legs if leg.answered_at]
        return min(answered, key=lambda leg: (leg.answered_at, leg.id)) if answered else None


def tell(facts: Iterable[Fact]) -> CallStory:
    """The story of one call; `facts` are all of that call, at least one."""
    told = sorted({fact.id: fact for fact in facts}.values(), key=lambda fact: (fact.at, _RANK[type(fact)], fact.id))
    arrivals = [fact for fact in told if isinstance(fact, CallArrived)]
    # Where both the app and the dialplan saw it arrive, the app knew better.
    arrival = min(arrivals, key=lambda fact: fact.without_app, default=None)
    ending = _ending(told)
    # A talk whose end alone was noted has taken place all the same.
    talks = [fact.at for fact in told if isinstance(fact, TalkStarted | TalkEnded)]
    messages = [fact for fact in told if isinstance(fact, MessageLeft)]
    handed = any(isinstance(fact, HandedToDialplan) for fact in told)
    return CallStory(
        started_at=min(fact.at for fact in arrivals or told),
        did=arrival.did if arrival else "",
        caller=arrival.caller if arrival else None,
        trunk=arrival.trunk if arrival else "",
        without_app=handed or any(fact.without_app for fact in arrivals),
        step=_step(told),
        link_requested=any(isinstance(fact, LinkRequested) for fact in told),
        legs=_legs(told, ending.at if ending else None),
        talk_started_at=min(talks, default=None),
        message=max(messages, key=lambda fact: fact.seconds, default=None),
        ended_at=ending.at if ending else None,
        ended_by=ending.by if ending else None,
    )


def how_it_went(story: CallStory, outcome: Outcome) -> str:
    """What the caller did, as the second half of a sentence that begins "Called Maple Court and"."""
    if outcome is Outcome.TALKED:
        return "talked"
    if outcome is Outcome.LEFT_MESSAGE and story.message:
        return f"left a message of {story.message.seconds} s"
    if outcome is Outcome.GOT_LINK:
        return "got the link to the listings by text"
    if outcome is Outcome.WRONG_NUMBER:
        return "reached no line of ours"
    return {
        Step.RING: "hung up while phones rang",
        Step.TALK: "was cut off when the phone was answered",
        Step.VOICEMAIL: "left no message when nobody answered",
        Step.LAST_RESORT: "left no message when nobody answered",
    }.get(story.step, "hung up in the menu")


def _step(told: Sequence[Fact]) -> Step:
    step = Step.ARRIVED
    for fact in told:
        if isinstance(fact, StepTaken):
            step = fact.step
        elif isinstance(fact, HandedToDialplan):
            step = Step.LAST_RESORT
    return step


def _ending(told: Sequence[Fact]) -> CallEnded | None:
    endings = [fact for fact in told if isinstance(fact, CallEnded)]
    if _step(told) is Step.LAST_RESORT:
        # The app cannot tell how a call ended that it had given away.
        endings = [fact for fact in endings if fact.without_app]
    return endings[0] if endings else None


def _in_talk(legs: Iterable[LegStory]) -> str:
    """The phone that was answered last and is not over; "" when there is none."""
    talking = [leg for leg in legs if leg.answered_at and not leg.ended_at]
    return talking[-1].id if talking else ""


def _legs(told: Sequence[Fact], call_ended_at: datetime | None) -> tuple[LegStory, ...]:
    legs: dict[str, LegStory] = {}
    for fact in told:
        if not isinstance(fact, LegRang | LegEnded | TalkStarted | TalkEnded):
            continue
        leg_id = fact.leg_id or _in_talk(legs.values())
        if not leg_id:
            continue
        leg = legs.get(leg_id) or LegStory(leg_id, fact.at)
        if isinstance(fact, LegRang):
            leg = replace(leg, device=fact.device, agent=fact.agent, stage=fact.stage)
        elif isinstance(fact, TalkStarted):
            leg = replace(leg, answered_at=leg.answered_at or fact.at)
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
