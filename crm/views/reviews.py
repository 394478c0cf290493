"""Calls for people to review."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from crm.domain.route_plan import as_it_went
from crm.store.models import Call, CallReview, Interest, Lead, Leg, RoutingDecision, Task, Tour
from crm.store.queries import calls
from crm.views import tasks

_BATCH = 500


class WeeklyEntry(msgspec.Struct, kw_only=True):
    """One call of the sample."""

    call: str
    at: datetime
    line: str
    """The number dialed."""
    label: str
    source: str
    caller: str
    """The kind of caller: prospect."""
    property: str | None
    """Slug."""
    path: str
    """The paths that were decided on, in order."""
    rule: str
    """The rule that decided it."""
    reasons: list[str]
    talked_with: list[str]
    """Agents, in order."""
    talk_seconds: int
    audio: list[str]
    """Names in the recordings folder: the voicemail, and recordings of the talk."""
    lead: int | None
    stage: str | None
    """The stage of the lead's interest in the property."""
    task: str | None
    """What is left to do, and by whom."""
    tour: datetime | None
    """When the tour booked in the call begins."""
    outcome: str


def sample(session: Session, since: datetime, until: datetime, size: int, seed: int | None = None) -> list[WeeklyEntry]:
    """A random sample of the leasing calls that have not been reviewed yet, by time.

    The same seed draws the same calls, as long as there are the same calls to draw from.
    """
    ids = session.scalars(
        select(Call.id)
        .where(*calls.leasing(since, until), ~select(CallReview.call_id).where(CallReview.call_id == Call.id).exists())
        .order_by(Call.id)
    )
    found = list(ids)
    drawn = random.Random(seed).sample(found, min(size, len(found)))
    entries = [one for start in range(0, len(drawn), _BATCH) for one in _entries(session, drawn[start:][:_BATCH])]
    return sorted(entries, key=lambda one: (one.at, one.call))


def _entries(session: Session, ids: Sequence[str]) -> list[WeeklyEntry]:
    found = session.scalars(
        select(Call)
        .where(Call.id.in_(ids))
        .options(
            selectinload(Call.line),
            selectinload(Call.legs).selectinload(Leg.agent),
            selectinload(Call.voicemail),
            selectinload(Call.recordings),
            selectinload(Call.lead).selectinload(Lead.interests).selectinload(Interest.property),
        )
    )
    decided = session.scalars(
        select(RoutingDecision).where(RoutingDecision.call_id.in_(ids)).order_by(RoutingDecision.at, RoutingDecision.id)
    )
    decisions: dict[str, list[RoutingDecision]] = {}
    for one in decided:
        decisions.setdefault(one.call_id, []).append(one)
    owned = (
        select(Task)
        .where(Task.call_id.in_(ids))
        .options(selectinload(Task.owner), selectinload(Task.subteam))
        .order_by(Task.id.desc())
    )
    tasks = {one.call_id: one for one in session.scalars(owned)}
    booked = select(Tour).where(Tour.call_id.in_(ids)).options(selectinload(Tour.slot)).order_by(Tour.id.desc())
    tours = {one.call_id: one for one in session.scalars(booked)}
    return [_entry(call, decisions.get(call.id, []), tasks.get(call.id), tours.get(call.id)) for call in found]


def _entry(call: Call, decisions: Sequence[RoutingDecision], task: Task | None, tour: Tour | None) -> WeeklyEntry:
    # The last is the one that was carried out.
    last = decisions[-1] if decisions else None
    talked = call.ended_at - call.talk_started_at if call.ended_at and call.talk_started_at else None
    interest = _interest(call)
    led_to = [(task.kind, tasks.owner_of(task))] if task else []
    return WeeklyEntry(
        call=call.id,
        at=call.started_at,
        line=call.did,
        label=call.line.label if call.line else "",
        source=call.line.source if call.line else "",
        caller=call.kind,
        property=interest.property.slug if interest else None,
        path=", then ".join(dict.fromkeys(one.path for one in decisions)),
        rule=last.rule if last else "",
        reasons=[as_it_went(one, led_to) for one in last.reasons] if last else [],
        talked_with=_talked_with(call),
        talk_seconds=round(talked.total_seconds()) if talked else 0,
        audio=_audio(call),
        lead=call.lead_id,
        stage=interest.stage if interest else None,
        task=f"{task.kind}, {_has(task)}{', done' if task.done_at else ''}" if task else None,
        tour=tour.slot.starts_at if tour else None,
        outcome=call.outcome or "",
    )


def _has(task: Task) -> str:
    return task.owner.slug if task.owner else f"team {task.held_by.slug}"


def _talked_with(call: Call) -> list[str]:
    answered = sorted((leg for leg in call.legs if leg.answered_at), key=lambda leg: (leg.answered_at, leg.id))
    return [leg.agent.slug if leg.agent else leg.number or leg.device for leg in answered]


def _audio(call: Call) -> list[str]:
    message = call.voicemail
    spoken = [message.file] if message and message.deleted_at is None and message.purged_at is None else []
    return [*spoken, *(one.file for one in call.recordings if one.deleted_at is None)]


def _interest(call: Call) -> Interest | None:
    interests = call.lead.interests if call.lead else []
    return next((one for one in interests if one.property_id == call.property_id), None)
