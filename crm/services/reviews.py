"""The weekly review: a random sample of leasing calls for people to judge, and what they say of the routing."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from crm.domain.imports import MOST_PROBLEMS, Wrong
from crm.domain.reviews import ReviewAnswer, unknown
from crm.services.audit import By, note
from crm.store.models import Call, CallReview, Interest, Lead, Leg, RoutingDecision, Task, Tour
from crm.store.queries import calls

BATCH = 500


@dataclass(frozen=True)
class Case:
    """One call as it is judged: what was decided, who talked, and what the CRM got of it."""

    call: Call
    """With its line and legs."""
    decisions: tuple[RoutingDecision, ...]
    """In order; the last is the one that was carried out."""
    talked_with: tuple[str, ...]
    """Slugs of agents, in order; a number outside where it was none."""
    audio: tuple[str, ...]
    """Names in the recordings folder; nothing that retention has removed."""
    interest: Interest | None
    """In the property that the call was about."""
    task: Task | None
    tour: Tour | None
    """Booked in the call."""


def sample(session: Session, since: datetime, until: datetime, size: int, seed: int | None = None) -> list[Case]:
    """So many of the leasing calls that came in and are not reviewed yet, each as likely as any other, by time.

    The same seed draws the same calls as long as there are the same.
    """
    ids = session.scalars(
        select(Call.id)
        .where(*calls.leasing(since, until), ~select(CallReview.call_id).where(CallReview.call_id == Call.id).exists())
        .order_by(Call.id)
    )
    found = list(ids)
    drawn = random.Random(seed).sample(found, min(size, len(found)))
    cases = [one for start in range(0, len(drawn), BATCH) for one in _cases(session, drawn[start:][:BATCH])]
    return sorted(cases, key=lambda one: (one.call.started_at, one.call.id))


def _cases(session: Session, ids: Sequence[str]) -> list[Case]:
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
    owned = select(Task).where(Task.call_id.in_(ids)).options(selectinload(Task.owner)).order_by(Task.id.desc())
    tasks = {one.call_id: one for one in session.scalars(owned)}
    booked = select(Tour).where(Tour.call_id.in_(ids)).options(selectinload(Tour.slot)).order_by(Tour.id.desc())
    tours = {one.call_id: one for one in session.scalars(booked)}
    return [
        Case(
            call,
            tuple(decisions.get(call.id, ())),
            _talked_with(call),
            _audio(call),
            _interest(call),
            tasks.get(call.id),
            tours.get(call.id),
        )
        for call in found
    ]


def _talked_with(call: Call) -> tuple[str, ...]:
    answered = sorted((leg for leg in call.legs if leg.answered_at), key=lambda leg: (leg.answered_at, leg.id))
    return tuple(leg.agent.slug if leg.agent else leg.number or leg.device for leg in answered)


def _audio(call: Call) -> tuple[str, ...]:
    message = call.voicemail
    spoken = [message.file] if message and message.deleted_at is None and message.purged_at is None else []
    return (*spoken, *(one.file for one in call.recordings if one.deleted_at is None))


def _interest(call: Call) -> Interest | None:
    interests = call.lead.interests if call.lead else []
    return next((one for one in interests if one.property_id == call.property_id), None)


def answer(session: Session, by: By, answers: Sequence[ReviewAnswer]) -> None:
    """Keeps all answers, or none: raises Wrong when one is to a call that is not on record. A later one replaces an
    earlier one."""
    known: set[str] = set()
    for start in range(0, len(answers), BATCH):
        ids = [one.call for one in answers[start : start + BATCH]]
        known.update(session.scalars(select(Call.id).where(Call.id.in_(ids))))
    if problems := unknown(answers, known):
        raise Wrong(problems[:MOST_PROBLEMS])
    for one in answers:
        review = session.get(CallReview, one.call) or CallReview(call_id=one.call)
        review.routed_right, review.note, review.who, review.at = one.routed_right, one.note, by.who[:80], by.now
        session.add(review)
    note(session, by, f"routing of {len(answers)} calls reviewed")
