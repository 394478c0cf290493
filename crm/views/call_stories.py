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
from crm.domain.route_plan import Path
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


class StoryLine(msgspec.Struct, frozen=True):
    """Something that happened in a call, or followed from it."""

    at: datetime
    text: str


def told(
    session: Session, call: CallDetail, *, now: datetime, tz: ZoneInfo, region: str, with_words: bool = True
) -> list[StoryLine]:
    """What happened, and what followed, in order; without what was said and written unless `with_words`."""
    legs = _legs(session, call.id)
    names = _names(session, call, legs, tz, region)
    lines = [
        *_facts(call, names),
        *_routing(call),
        *_phones(legs, names),
        *_afterwards(session, call, now, tz, with_words),
    ]
    if with_words:
        lines += [*_voice_talk(session, call.id), *_recordings(call), *_voicemail(session, call.id)]
    return sorted(lines, key=lambda line: line.at)


def who_of(call: CallDetail, region: str) -> str:
    """Who is outside, as a sentence begins."""
    if call.direction == CallDirection.INTERNAL:
        return "A colleague"
    number = numbers.display(call.caller, region) if call.caller else call.caller_digits
    if call.contact and call.contact != call.caller:
        return f"{call.contact}, {number}" if number else call.contact
    return number or "Somebody who withholds their number"


_LegNames = list[tuple[Leg, str | None]]


def _legs(session: Session, call_id: str) -> _LegNames:
    found = select(Leg, Agent.name).outerjoin(Agent, Agent.id == Leg.agent_id).where(Leg.call_id == call_id)
    return [(leg, name) for leg, name in session.execute(found.order_by(Leg.started_at, Leg.id))]


def _names(session: Session, call: CallDetail, legs: _LegNames, tz: ZoneInfo, region: str) -> CallNames:
    slugs = {str(event.data[key]) for event in call.events for key in ("agent", "property") if event.data.get(key)}
    agents = select(Agent.slug, Agent.name).where(Agent.slug.in_(slugs)).order_by(Agent.retired_at.is_(None))
    properties = select(Property.slug, Property.name).where(Property.slug.in_(slugs))
    number = numbers.display(call.did, region) if call.did.startswith("+") else call.did
    line = f"{call.line} ({number})" if call.line and call.line != call.did else number
    return CallNames(
        call=call.id,
        person=who_of(call, region),
        line=line if call.line else f"{line}, which is not one of our lines,",
        legs={leg.id: _phone(leg, name, region) for leg, name in legs},
        agents={slug: name or slug for slug, name in session.execute(agents.execution_options(**ALL))},
        properties={slug: name or slug for slug, name in session.execute(properties)},
        tours=dict(_tours(session, call.id, tz)),
        number=lambda number: numbers.display(number, region),
    )


def _phone(leg: Leg, agent: str | None, region: str) -> str:
    phone = numbers.display(leg.number, region) if leg.number else leg.device
    return f"{agent} ({phone})" if agent and phone else agent or phone or "a phone"


def _tours(session: Session, call_id: str, tz: ZoneInfo) -> Iterator[tuple[int, str]]:
    found = (
        select(Tour.id, TourSlot.starts_at, Property.name)
        .join(TourSlot, TourSlot.id == Tour.slot_id)
        .join(Property, Property.id == TourSlot.property_id)
        .where(Tour.call_id == call_id)
    )
    for id, at, where in session.execute(found):
        yield id, f"{where}, {_when(at, tz)}"


def _facts(call: CallDetail, names: CallNames) -> Iterator[StoryLine]:
    for event in call.events:
        if text := call_story.sentence(event.kind, event.data, names):
            yield StoryLine(event.at, text)


def _routing(call: CallDetail) -> Iterator[StoryLine]:
    for one in call.routing:
        stages = ", then ".join(in_words(StageName, stage) for stage in one.stages)
        what = f"{in_words(Path, one.path) or 'as planned'}{f': {stages}' if stages else ''}"
        why = " ".join(reason if reason.endswith(".") else f"{reason}." for reason in one.reasons)
        yield StoryLine(one.at, f"Decided: {what}. {why}".strip())


def _phones(legs: _LegNames, names: CallNames) -> Iterator[StoryLine]:
    for (stage, _), together in groupby(legs, key=_begin):
        rung = [leg for leg, _ in together]
        phones = [names.leg(leg.id) for leg in rung]
        yield StoryLine(rung[0].started_at, call_story.rang(phones, in_words(StageName, stage)))
    for leg, _ in legs:
        phone = names.leg(leg.id)
        if leg.answered_at:
            yield StoryLine(leg.answered_at, f"{phone} answered.")
            if leg.ended_at:
                seconds = (leg.ended_at - leg.answered_at).total_seconds()
                yield StoryLine(leg.ended_at, f"The talk with {phone} was over after {call_story.length(seconds)}.")
        elif leg.ended_at and (text := call_story.stopped(phone, leg.status)):
            yield StoryLine(leg.ended_at, text)


def _begin(entry: tuple[Leg, str | None]) -> tuple[str, datetime]:
    """What phones that ring together have in common."""
    leg, _ = entry
    return leg.stage, leg.started_at.replace(microsecond=0)


def _voice_talk(session: Session, call_id: str) -> Iterator[StoryLine]:
    turns = select(VoiceTurn).where(VoiceTurn.call_id == call_id).order_by(VoiceTurn.number, VoiceTurn.started)
    for turn in session.scalars(turns):
        text = f'"{turn.text}"' if turn.text else "something that has been deleted since."
        if turn.who == Speaker.ACT:
            yield StoryLine(turn.at, f"The voice agent did: {turn.text or 'something'} ({turn.result}).")
        elif turn.who != Speaker.KEYS:  # Keys are facts of their own.
            who = "The voice agent" if turn.who == Speaker.AGENT else "They"
            yield StoryLine(turn.at, f"{who} said{_sureness(turn)}: {text}{_sources(turn)}")


def _sureness(turn: VoiceTurn) -> str:
    """How sure the recognizer was of what the caller said."""
    return "" if turn.confidence is None else f" ({100 * turn.confidence:.0f} % sure)"


def _sources(turn: VoiceTurn) -> str:
    """The rows that a sentence of the agent's comes from, and whether it was heard to its end."""
    cites = ", ".join(f"{str(kind).replace('_', ' ')} {id} v{version}" for kind, id, version in turn.cites)
    went = f", {turn.result}" if turn.result and turn.result != "heard" else ""
    return f" (from {cites}{went})" if cites else f" ({went.removeprefix(', ')})" if went else ""


def _recordings(call: CallDetail) -> Iterator[StoryLine]:
    for one in call.recordings:
        at = one.ended_at or one.started_at
        gone = ", which has been deleted since" if one.deleted_at else ""
        yield StoryLine(at, f"The recording is {call_story.length(one.seconds)} long: {one.file}{gone}.")
        if one.summary:
            yield StoryLine(at, f"The talk in short: {one.summary.rstrip('.')}.")
        if one.transcript:
            yield StoryLine(at, f"The talk in writing: {one.transcript}")


def _voicemail(session: Session, call_id: str) -> Iterator[StoryLine]:
    found = session.get(Voicemail, call_id)
    if found is None:
        return
    if found.transcript:
        yield StoryLine(found.left_at, f'They said in the voicemail: "{found.transcript}"')
    if found.heard_at:
        yield StoryLine(found.heard_at, "Somebody listened to the voicemail.")
    if found.taken_at and found.taken_by:
        yield StoryLine(found.taken_at, f"{found.taken_by.name or found.taken_by.slug} took the voicemail.")


def _afterwards(
    session: Session, call: CallDetail, now: datetime, tz: ZoneInfo, with_words: bool
) -> Iterator[StoryLine]:
    for text in messages.of_call(session, call.id) if with_words else ():
        way = "wrote" if text.direction == TextDirection.IN else "were sent a text"
        state = in_words(DeliveryState, text.state)
        yield StoryLine(text.created_at, f'They {way} ({state}): "{text.body}"')
    for task in tasks.of_call(session, call.id, now):
        what = f"Task {task.id} ({in_words(TaskKind, task.kind)})"
        owner = session.scalar(select(Agent.name).where(Agent.slug == task.owner, Agent.retired_at.is_(None)))
        whose = owner or task.owner or f"team {task.team}"
        due = f"due {_when(task.due_at, tz)}: {task.why}"
        if task.created_at < call.started_at:
            yield StoryLine(call.ended_at or call.started_at, f"{what} of {whose} is about this call, too, {due}")
        else:
            yield StoryLine(task.created_at, f"{what} went to {whose}, {due}")
        if task.done_at:
            result = f": {task.result}" if task.result else ""
            yield StoryLine(task.done_at, f"{what} was done{result}.")


def _when(at: datetime, tz: ZoneInfo) -> str:
    local = at.astimezone(tz)
    return f"{local:%a, %b} {local.day}, {local:%H:%M}"


def days(lines: Iterable[StoryLine], tz: ZoneInfo) -> Iterator[tuple[str, list[StoryLine]]]:
    """The lines of each day on the office's clock."""
    for day, found in groupby(lines, key=lambda line: call_story.day_of(line.at.astimezone(tz))):
        yield day, list(found)
