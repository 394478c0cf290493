"""A call as a story: what happened, in order, in sentences, from what is on record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain.calls import CallDirection, Speaker
from crm.domain.delivery import DeliveryState
from crm.domain.ringing import StageName
from crm.domain.route_plan import Path, Rule
from crm.domain.tasks import TaskKind
from crm.domain.texts import TextDirection
from crm.edge import numbers
from crm.store.models import Agent, Leg, Property, Tour, TourSlot, Voicemail, VoiceTurn
from crm.store.models.living import ALL
from crm.views import messages, tasks
from crm.views.calls import CallDetail
from crm.words import call_story
from crm.words.call_story import CallNames
from crm.words.codes import in_words
from crm.words.console.sentences import in_short


class StoryLine(msgspec.Struct, frozen=True):
    """Something that happened in a call, or followed from it."""

    at: datetime
    text: str


def told(
    session: Session,
    call: CallDetail,
    *,
    now: datetime,
    tz: ZoneInfo,
    region: str,
    with_words: bool = True,
    language: str = "en",
) -> list[StoryLine]:
    """What happened, and what followed, in order; without what was said and written unless `with_words`."""
    legs = _legs(session, call.id)
    names = _names(session, call, legs, tz, region, language)
    lines = [
        *_facts(call, names),
        *_routing(call, names),
        *_phones(legs, names),
        *_afterwards(session, call, now, tz, with_words, names),
    ]
    if with_words:
        lines += [*_voice_talk(session, call.id, names), *_recordings(call, names)]
        lines += _voicemail(session, call.id, names)
    return sorted(lines, key=lambda line: line.at)


def who_of(call: CallDetail, region: str, language: str = "en") -> str:
    """Who is outside, as a sentence begins."""
    if call.direction == CallDirection.INTERNAL:
        return call_story.said(language, "colleague")
    number = numbers.display(call.caller, region) if call.caller else call.caller_digits
    if call.contact and call.contact != call.caller:
        return f"{call.contact}, {number}" if number else call.contact
    return number or call_story.said(language, "withheld")


_LegNames = list[tuple[Leg, str | None]]


def _legs(session: Session, call_id: str) -> _LegNames:
    found = select(Leg, Agent.name).outerjoin(Agent, Agent.id == Leg.agent_id).where(Leg.call_id == call_id)
    return [(leg, name) for leg, name in session.execute(found.order_by(Leg.started_at, Leg.id))]


def _names(session: Session, call: CallDetail, legs: _LegNames, tz: ZoneInfo, region: str, language: str) -> CallNames:
    slugs = {str(event.data[key]) for event in call.events for key in ("agent", "property") if event.data.get(key)}
    agents = select(Agent.slug, Agent.name).where(Agent.slug.in_(slugs)).order_by(Agent.retired_at.is_(None))
    properties = select(Property.slug, Property.name).where(Property.slug.in_(slugs))
    number = numbers.display(call.did, region) if call.did.startswith("+") else call.did
    line = f"{call.line} ({number})" if call.line and call.line != call.did else number
    return CallNames(
        call=call.id,
        person=who_of(call, region, language),
        line=line if call.line else call_story.said(language, "not_a_line", line=line),
        legs={leg.id: _phone(leg, name, region, language) for leg, name in legs},
        agents={slug: name or slug for slug, name in session.execute(agents.execution_options(**ALL))},
        properties={slug: name or slug for slug, name in session.execute(properties)},
        tours=dict(_tours(session, call.id, tz, language)),
        number=lambda number: numbers.display(number, region),
        language=language,
    )


def _phone(leg: Leg, agent: str | None, region: str, language: str) -> str:
    phone = numbers.display(leg.number, region) if leg.number else leg.device
    return f"{agent} ({phone})" if agent and phone else agent or phone or call_story.said(language, "a_phone")


def _tours(session: Session, call_id: str, tz: ZoneInfo, language: str) -> Iterator[tuple[int, str]]:
    found = (
        select(Tour.id, TourSlot.starts_at, Property.name)
        .join(TourSlot, TourSlot.id == Tour.slot_id)
        .join(Property, Property.id == TourSlot.property_id)
        .where(Tour.call_id == call_id)
    )
    for id, at, where in session.execute(found):
        yield id, f"{where}, {call_story.moment(at.astimezone(tz), language)}"


def _facts(call: CallDetail, names: CallNames) -> Iterator[StoryLine]:
    for event in call.events:
        if text := call_story.sentence(event.kind, event.data, names):
            yield StoryLine(event.at, text)


def _routing(call: CallDetail, names: CallNames) -> Iterator[StoryLine]:
    """In short: each rule's sentence is in the explanation of the call's routing (`crm.views.routing`)."""
    language = names.language
    for one in call.routing:
        stages = names.say("then").join(in_words(StageName, stage, language) for stage in one.stages)
        what = in_words(Path, one.path, language) or names.say("as_planned")
        what = f"{what}: {stages}" if stages else what
        rule = in_words(Rule, one.rule, language)
        yield StoryLine(
            one.at, names.say("decided_by", what=what, rule=rule) if rule else names.say("decided", what=what)
        )


def _phones(legs: _LegNames, names: CallNames) -> Iterator[StoryLine]:
    for (stage, _), together in groupby(legs, key=_begin):
        rung = [leg for leg, _ in together]
        phones = [names.leg(leg.id) for leg in rung]
        yield StoryLine(rung[0].started_at, call_story.rang(phones, stage, names.language))
    for leg, _ in legs:
        phone = names.leg(leg.id)
        if leg.answered_at:
            yield StoryLine(leg.answered_at, names.say("answered", phone=phone))
            if leg.ended_at:
                lasted = call_story.length((leg.ended_at - leg.answered_at).total_seconds())
                yield StoryLine(leg.ended_at, names.say("talk_over", phone=phone, length=lasted))
        elif leg.ended_at and (text := call_story.stopped(phone, leg.status, names.language)):
            yield StoryLine(leg.ended_at, text)


def _begin(entry: tuple[Leg, str | None]) -> tuple[str, datetime]:
    """What phones that ring together have in common."""
    leg, _ = entry
    return leg.stage, leg.started_at.replace(microsecond=0)


def _voice_talk(session: Session, call_id: str, names: CallNames) -> Iterator[StoryLine]:
    turns = select(VoiceTurn).where(VoiceTurn.call_id == call_id).order_by(VoiceTurn.number, VoiceTurn.started)
    for turn in session.scalars(turns):
        if turn.who == Speaker.ACT:
            what = turn.text or names.say("something")
            yield StoryLine(turn.at, names.say("agent_did", what=what, result=turn.result))
        elif turn.who != Speaker.KEYS:  # Keys are facts of their own.
            text = f'"{turn.text}"' if turn.text else names.say("forgotten")
            key = "agent_said" if turn.who == Speaker.AGENT else "caller_said"
            text = names.say(key, how=_sureness(turn, names), text=text)
            yield StoryLine(turn.at, f"{text}{_sources(turn, names)}")


def _sureness(turn: VoiceTurn, names: CallNames) -> str:
    """How sure the recognizer was of what the caller said."""
    return "" if turn.confidence is None else names.say("sure", percent=f"{100 * turn.confidence:.0f}")


def _sources(turn: VoiceTurn, names: CallNames) -> str:
    """The rows that a sentence of the agent's comes from, and whether it was heard to its end."""
    cites = ", ".join(f"{str(kind).replace('_', ' ')} {id} v{version}" for kind, id, version in turn.cites)
    told = [names.say("from_rows", rows=cites)] if cites else []
    told += [turn.result] if turn.result and turn.result != "heard" else []
    return f" ({', '.join(told)})" if told else ""


def _recordings(call: CallDetail, names: CallNames) -> Iterator[StoryLine]:
    for one in call.recordings:
        at = one.ended_at or one.started_at
        key = "recorded_gone" if one.deleted_at else "recorded"
        yield StoryLine(at, names.say(key, length=call_story.length(one.seconds), file=one.file))
        if one.summary:
            yield StoryLine(at, names.say("recorded_short", summary=in_short(one.summary, names.language).rstrip(".")))
        if one.transcript:
            yield StoryLine(at, names.say("recorded_words", text=one.transcript))


def _voicemail(session: Session, call_id: str, names: CallNames) -> Iterator[StoryLine]:
    found = session.get(Voicemail, call_id)
    if found is None:
        return
    if found.transcript:
        yield StoryLine(found.left_at, names.say("voicemail_words", text=found.transcript))
    if found.heard_at:
        yield StoryLine(found.heard_at, names.say("voicemail_heard"))
    if found.taken_at and found.taken_by:
        yield StoryLine(found.taken_at, names.say("voicemail_taken", who=found.taken_by.name or found.taken_by.slug))


def _afterwards(
    session: Session, call: CallDetail, now: datetime, tz: ZoneInfo, with_words: bool, names: CallNames
) -> Iterator[StoryLine]:
    for text in messages.of_call(session, call.id) if with_words else ():
        key = "wrote" if text.direction == TextDirection.IN else "were_sent"
        state = in_words(DeliveryState, text.state, names.language)
        yield StoryLine(text.created_at, names.say(key, state=state, text=text.body))
    for task in tasks.of_call(session, call.id, now):
        what = names.say("task", id=task.id, kind=in_words(TaskKind, task.kind, names.language))
        owner = session.scalar(select(Agent.name).where(Agent.slug == task.owner, Agent.retired_at.is_(None)))
        whose = owner or task.owner or names.say("team", name=task.team)
        due = call_story.moment(task.due_at.astimezone(tz), names.language)
        if task.created_at < call.started_at:
            at = call.ended_at or call.started_at
            yield StoryLine(at, names.say("task_too", task=what, who=whose, at=due, why=task.why))
        else:
            yield StoryLine(task.created_at, names.say("task_went", task=what, who=whose, at=due, why=task.why))
        if task.done_at:
            result = names.say("task_done_so", task=what, result=task.result) if task.result else ""
            yield StoryLine(task.done_at, result or names.say("task_done", task=what))


def days(lines: Iterable[StoryLine], tz: ZoneInfo, language: str = "en") -> Iterator[tuple[str, list[StoryLine]]]:
    """The lines of each day on the office's clock."""
    for day, found in groupby(lines, key=lambda line: call_story.day_of(line.at.astimezone(tz), language)):
        yield day, list(found)
