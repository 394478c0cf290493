"""What calls, leads and tours add up to."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from crm.config import Config
from crm.domain import metrics
from crm.domain.leads import LeasingStage
from crm.domain.metrics import CallRecord, Figures, MetricGroup
from crm.store.models import Call, CallEvent, CallReview, Interest, Lead, Leg, Line, Property, Tour
from crm.store.queries import calls as queries

TOUR_WITHIN = timedelta(hours=1)
_BATCH = 500


class MetricsEntry(msgspec.Struct):
    """The figures of one group; the last group, all, covers everything."""

    name: str
    calls: int
    qualified: int
    answer_median_seconds: float | None
    answer_p90_seconds: float | None
    first_pass: int
    first_pass_share: float | None
    """0 to 1, of the qualified calls."""
    reviewed: int
    """Qualified calls whose routing has been reviewed."""
    transferred: int
    tours: int
    leads: int
    leads_complete: int
    complete_share: float | None
    """0 to 1, of the leads."""

    @classmethod
    def of(cls, found: Figures) -> MetricsEntry:
        return cls(
            found.name,
            found.calls,
            found.qualified,
            found.answer_median_seconds,
            found.answer_p90_seconds,
            found.first_pass,
            found.first_pass_share,
            found.reviewed,
            found.transferred,
            found.tours,
            found.leads,
            found.leads_complete,
            found.complete_share,
        )


class SourceEntry(msgspec.Struct):
    """What one lead source brought."""

    name: str
    calls: int
    leads: int
    """New leads."""
    tours: int
    applications: int
    """Leads that got as far as an application."""


class LostEntry(msgspec.Struct):
    """A caller with neither an outcome nor an owned next action."""

    call: str
    started_at: datetime
    why: str


def figures(
    session: Session, config: Config, since: datetime, until: datetime, by: MetricGroup | None
) -> list[MetricsEntry]:
    """How quickly and how well callers were served: each group by name, and all together last."""
    return [MetricsEntry.of(one) for one in metrics.figures(calls(session, since, until), by, config.tz)]


def sources(session: Session, since: datetime, until: datetime) -> list[SourceEntry]:
    """What each source of callers brought, the most calls first."""
    called: Counter[str] = Counter()
    tours: Counter[str] = Counter()
    for record in calls(session, since, until):
        called[record.source] += 1
        tours[record.source] += record.tours
    is_new = (Lead.created_at >= since, Lead.created_at < until)
    has_applied = Lead.interests.any(Interest.stage.in_(_APPLIED))
    by_source = select(Lead.source, func.count()).where(*is_new).group_by(Lead.source)
    leads = dict(session.execute(by_source).all())
    applied = dict(session.execute(by_source.where(has_applied)).all())
    found = [
        SourceEntry(name or "unknown", called[name], leads.get(name, 0), tours[name], applied.get(name, 0))
        for name in {*called, *leads}
    ]
    return sorted(found, key=lambda one: (-one.calls, one.name))


def lost(session: Session, config: Config, now: datetime) -> list[LostEntry]:
    """Must be empty."""
    return [LostEntry(one.call_id, one.started_at, one.why) for one in queries.lost(session, config.node, now)]


_APPLIED = (LeasingStage.APPLICATION_SENT, LeasingStage.APPLIED, LeasingStage.LEASED)


def calls(session: Session, since: datetime, until: datetime) -> list[CallRecord]:
    """Every leasing call that came in to one of our lines in that time, as the figures need it."""
    found = (
        session.execute(
            select(Call.id, Call.lead_id, Call.started_at, Call.ended_at)
            .where(*queries.leasing(since, until))
            .order_by(Call.started_at, Call.id)
        )
    ).all()
    tours = _tours(session, [_Span(*row) for row in found], since)
    ids = [row.id for row in found]
    return [
        record
        for start in range(0, len(ids), _BATCH)
        for record in _records(session, ids[start : start + _BATCH], tours)
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
