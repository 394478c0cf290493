"""Reports: what the calls of a time add up to, and callers that nobody takes care of, of whom there must be none."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased, selectinload

from crm.config import Config
from crm.domain.calls import Outcome
from crm.domain.leads import LeasingStage
from crm.domain.metrics import CallRecord
from crm.domain.tasks import task_after
from crm.services.office import owners
from crm.services.outbox import notices
from crm.store.models import Call, CallEvent, CallReview, Lead, Leg, Line, Property, Task, TaskCall, Tour
from crm.store.queries import calls as calls_queries
from crm.store.queries import nodes
from crm.words import notices as words

SETTLED = timedelta(hours=6)
"""A call without an outcome for so long is not up any more."""
TOUR_WITHIN = timedelta(hours=1)
LOOK_SECONDS = 3600.0
BATCH = 500

_log = logging.getLogger(__name__)


def calls(session: Session, since: datetime, until: datetime) -> list[CallRecord]:
    """Every leasing call that came in to one of our lines in that time, as the figures need it."""
    found = (
        session.execute(
            select(Call.id, Call.lead_id, Call.started_at, Call.ended_at)
            .where(*calls_queries.leasing(since, until))
            .order_by(Call.started_at, Call.id)
        )
    ).all()
    tours = _tours(session, [_Span(*row) for row in found], since)
    ids = [row.id for row in found]
    return [
        record for start in range(0, len(ids), BATCH) for record in _records(session, ids[start : start + BATCH], tours)
    ]


def _records(session: Session, ids: list[str], tours: Mapping[str, int]) -> list[CallRecord]:
    rows = session.scalars(
        select(Call)
        .where(Call.id.in_(ids))
        .options(
            selectinload(Call.line).selectinload(Line.property).selectinload(Property.subteam),
            selectinload(Call.legs).selectinload(Leg.agent),
            selectinload(Call.lead).selectinload(Lead.phones),
            selectinload(Call.lead).selectinload(Lead.interests),
        )
        .order_by(Call.started_at, Call.id)
    )
    transferred = set(
        session.scalars(select(CallEvent.call_id).where(CallEvent.call_id.in_(ids), CallEvent.kind == "Transferred"))
    )
    reviewed = select(CallReview.call_id, CallReview.routed_right).where(CallReview.call_id.in_(ids))
    reviews = {row.call_id: row.routed_right for row in session.execute(reviewed)}
    return [_record(call, call.id in transferred, tours.get(call.id, 0), reviews.get(call.id)) for call in rows]


@dataclass(frozen=True)
class _Span:
    """When one call was up."""

    id: str
    lead_id: int | None
    started_at: datetime
    ended_at: datetime | None


def _tours(session: Session, spans: Sequence[_Span], since: datetime) -> Counter[str]:
    """How many tours each call brought. `spans` come by their beginning; a tour that names no call counts for the
    latest one of its person, when it was booked in it or soon after."""
    named = {span.id for span in spans}
    by_lead: dict[int, list[_Span]] = {}
    for span in spans:
        if span.lead_id is not None:
            by_lead.setdefault(span.lead_id, []).append(span)
    counts: Counter[str] = Counter()
    booked = select(Tour.call_id, Tour.lead_id, Tour.booked_at).where(Tour.booked_at >= since)
    for call_id, lead_id, booked_at in session.execute(booked):
        if call_id is not None:
            counts.update([call_id] if call_id in named else [])
            continue
        own = by_lead.get(lead_id, [])
        at = bisect_right(own, booked_at, key=lambda span: span.started_at)
        latest = own[at - 1] if at else None
        if latest and latest.ended_at and booked_at <= latest.ended_at + TOUR_WITHIN:
            counts[latest.id] += 1
    return counts


def _record(call: Call, transferred: bool, tours: int, routed_right: bool | None) -> CallRecord:
    place = call.line.property if call.line else None
    answered = sorted((leg for leg in call.legs if leg.answered_at), key=lambda leg: (leg.answered_at, leg.id))
    lead = call.lead
    return CallRecord(
        id=call.id,
        started_at=call.started_at,
        talk_started_at=call.talk_started_at,
        property=place.slug if place else "",
        source=call.line.source if call.line else "",
        agent=answered[0].agent.slug if answered and answered[0].agent else "",
        subteam=place.subteam.slug if place and place.subteam else "",
        transferred=transferred,
        routed_right=routed_right,
        tours=tours,
        lead_complete=bool(lead.phones and lead.source and lead.interests) if lead else None,
    )


# --- where people come from ---


@dataclass(frozen=True)
class Source:
    """What one source of callers brought."""

    name: str
    calls: int
    leads: int
    """People who were new to us."""
    tours: int
    applications: int
    """People who got as far as an application."""


def sources(session: Session, since: datetime, until: datetime) -> list[Source]:
    """By source, the most calls first."""
    records = calls(session, since, until)
    leads = (
        session.scalars(
            select(Lead).where(Lead.created_at >= since, Lead.created_at < until).options(selectinload(Lead.interests))
        )
    ).all()
    applied = {LeasingStage.APPLICATION_SENT, LeasingStage.APPLIED, LeasingStage.LEASED}
    names = {record.source for record in records} | {lead.source for lead in leads}
    found = [
        Source(
            name=name or "unknown",
            calls=sum(record.source == name for record in records),
            leads=sum(lead.source == name for lead in leads),
            tours=sum(record.tours for record in records if record.source == name),
            applications=sum(
                lead.source == name and any(one.stage in applied for one in lead.interests) for lead in leads
            ),
        )
        for name in names
    ]
    return sorted(found, key=lambda one: (-one.calls, one.name))


# --- nobody is lost ---


@dataclass(frozen=True)
class Lost:
    """A caller with neither an outcome nor an owned next action."""

    call_id: str
    started_at: datetime
    why: str


def lost(session: Session, config: Config, now: datetime) -> list[Lost]:
    """Must be empty. Calls that are up are not lost, nor are those of another node that lives and sees to them."""
    need_task = [outcome for outcome in Outcome if task_after(outcome) is not None]
    endless = session.scalars(
        select(Call)
        .where(Call.outcome.is_(None), Call.started_at < now - SETTLED)
        .where(~nodes.is_of_others(Call.node, config.node, now))
        .order_by(Call.started_at)
    )
    found = [Lost(call.id, call.started_at, "It has no outcome.") for call in endless]
    has_task = select(Task.id).where(Task.call_id == Call.id).exists()
    # Or one that it shares with other calls of the same person.
    shares_task = select(TaskCall.task_id).where(TaskCall.call_id == Call.id).exists()
    # A call of ours that reached nobody may leave an older task of the person's open instead of one of its own.
    lead_has_task = select(Task.id).where(Task.lead_id == Call.lead_id, Task.lead_id.is_not(None)).exists()
    # So it is with one to a resident, owner or vendor.
    other = aliased(Call)
    caller_has_task = (
        select(Task.id)
        .join(other, Task.call_id == other.id)
        .where(other.caller == Call.caller, Task.lead_id.is_(None), Call.direction == "out")
        .exists()
    )
    ownerless = session.scalars(
        select(Call)
        .where(Call.outcome.in_(need_task), ~has_task, ~shares_task, ~lead_has_task, ~caller_has_task)
        .where(Call.direction != "internal")
        .order_by(Call.started_at)
    )
    found += [
        Lost(call.id, call.started_at, f"It ended as {call.outcome}, and nobody has a task.") for call in ownerless
    ]
    return found


def alarm(session: Session, config: Config, now: datetime) -> int:
    """Tells the admin of each lost caller once; returns how many there are."""
    found = lost(session, config, now)
    for one in found:
        notices.tell(
            session,
            config,
            [owners.admin(session)],
            f"lost:{one.call_id}",
            "A caller may be lost",
            f"Nobody takes care of the call {one.call_id}. {one.why} {words.more('call_lost', call=one.call_id)}",
            now,
        )
    if found:
        _log.error("callers may be lost: nobody takes care of them", extra={"count": len(found)})
    return len(found)
