"""Reports on calls, leads and tours."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, exists, func, or_, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import metrics, periods
from crm.domain.leads import Happened, LeasingStage
from crm.domain.metrics import CallRecord, CardPart, Figures, MetricGroup
from crm.domain.periods import PeriodKind
from crm.store.models import (
    Activity,
    Agent,
    Call,
    CallEvent,
    CallReview,
    Interest,
    Lead,
    LeadPhone,
    Leg,
    Line,
    Property,
    Subteam,
    Tour,
)
from crm.store.models.living import ALL
from crm.store.queries import calls as queries

TOUR_WITHIN = timedelta(hours=1)
HAS = "has_"
"""Prefix of the columns that say whether a record has a part."""


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
    name_share: float | None
    """Of the leads, those whose name nobody typed; so for the four below."""
    number_share: float | None
    source_share: float | None
    property_share: float | None
    wish_share: float | None
    """Move-in or bedrooms."""

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
            *(found.share_with(part) for part in CardPart),
        )


class SourceEntry(msgspec.Struct):
    """The results of one lead source."""

    period: str
    """Such as 2026-03, or the Monday of a week; empty: all of the time asked for."""
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


def sources(
    session: Session, config: Config, since: datetime, until: datetime, by: PeriodKind | None = None
) -> list[SourceEntry]:
    """What each source of callers brought, the most calls first; with `by`, in each month or week."""
    if by is None:
        return _sources(session, since, until)
    return [
        one
        for period in periods.between(since, until, by, config.tz)
        for one in _sources(session, period.start, period.end, period.name)
    ]


def _sources(session: Session, since: datetime, until: datetime, period: str = "") -> list[SourceEntry]:
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
        SourceEntry(period, name or "unknown", called[name], leads.get(name, 0), tours[name], applied.get(name, 0))
        for name in {*called, *leads}
    ]
    return sorted(found, key=lambda one: (-one.calls, one.name))


def lost(session: Session, config: Config, now: datetime) -> list[LostEntry]:
    """Callers who may be lost: there should be none."""
    return [LostEntry(one.call_id, one.started_at, one.why) for one in queries.lost(session, config.node, now)]


_APPLIED = (LeasingStage.APPLICATION_SENT, LeasingStage.APPLIED, LeasingStage.APPROVED, LeasingStage.LEASED)


def calls(session: Session, since: datetime, until: datetime) -> list[CallRecord]:
    """Every leasing call to one of our lines in that time, with what the figures need."""
    rows = session.execute(_RECORD.where(*queries.leasing(since, until)).order_by(Call.started_at, Call.id)).all()
    properties, agents, subteams = (_names(session, model) for model in (Property, Agent, Subteam))
    tours = _tours(session, [_Span(row.id, row.lead_id, row.started_at, row.ended_at) for row in rows], since)
    return [
        CallRecord(
            id=row.id,
            started_at=row.started_at,
            talk_started_at=row.talk_started_at,
            property=properties.get(row.property_id, ""),
            source=row.source or "",
            agent=agents.get(row.agent_id, ""),
            subteam=subteams.get(row.subteam_id, ""),
            transferred=row.transferred,
            routed_right=row.routed_right,
            tours=tours[row.id],
            lead_id=row.lead_id,
            captured=frozenset() if row.lead_id is None else _captured(row),
        )
        for row in rows
    ]


def _names(session: Session, model: type[Property | Agent | Subteam]) -> dict[int, str]:
    """Short names by id. A retired one whose name another has had is told apart by the day it ended (UTC), and those of
    one day by a number."""
    of_all = select(model.id, model.slug, model.retired_at).order_by(model.retired_at, model.id)
    rows = session.execute(of_all.execution_options(**ALL)).all()
    had_by = Counter(row.slug for row in rows)
    ended: Counter[str] = Counter()
    names: dict[int, str] = {}
    for row in rows:
        names[row.id] = row.slug
        if row.retired_at and had_by[row.slug] > 1:
            until = f"{row.slug} (until {row.retired_at:%Y-%m-%d}"
            ended[until] += 1
            names[row.id] = f"{until})" if ended[until] == 1 else f"{until}, no. {ended[until]})"
    return names


def _captured(row: Row[*tuple[Any, ...]]) -> frozenset[CardPart]:
    """What a record has that nobody typed."""
    if row.entered:
        return frozenset()
    return frozenset(part for part in CardPart if row._mapping[HAS + part]) - {
        CardPart(part) for part in row.typed.split(",") if part
    }


_FIRST_TO_ANSWER = (
    select(Leg.agent_id)
    .where(Leg.call_id == Call.id, Leg.answered_at.is_not(None))
    .order_by(Leg.answered_at, Leg.id)
    .limit(1)
    .scalar_subquery()
)
_WAS_ENTERED = exists().where(
    Activity.lead_id == Lead.id,
    Activity.kind == Happened.ENTERED,
    or_(Activity.key.startswith("hand:"), Activity.key.startswith("import:")),
)
_HAS = (
    (func.coalesce(Lead.name, "") != "").label(HAS + CardPart.NAME),
    exists().where(LeadPhone.lead_id == Lead.id).label(HAS + CardPart.NUMBER),
    (Lead.source != "").label(HAS + CardPart.SOURCE),
    exists().where(Interest.lead_id == Lead.id).label(HAS + CardPart.PROPERTY),
    or_(Lead.move_in_on.is_not(None), Lead.bedrooms.is_not(None)).label(HAS + CardPart.WISH),
    _WAS_ENTERED.label("entered"),
)
_RECORD = (
    select(
        Call.id,
        Call.lead_id,
        Call.started_at,
        Call.talk_started_at,
        Call.ended_at,
        Property.id.label("property_id"),
        Line.source,
        _FIRST_TO_ANSWER.label("agent_id"),
        Subteam.id.label("subteam_id"),
        exists().where(CallEvent.call_id == Call.id, CallEvent.kind == "Transferred").label("transferred"),
        CallReview.routed_right,
        *_HAS,
        Lead.typed,
    )
    .outerjoin(Line, Line.id == Call.line_id)
    .outerjoin(Property, Property.id == Line.property_id)
    .outerjoin(Subteam, Subteam.id == Property.subteam_id)
    .outerjoin(Lead, Lead.id == Call.lead_id)
    .outerjoin(CallReview, CallReview.call_id == Call.id)
)


@dataclass(frozen=True)
class _Span:
    """When one call was up."""

    id: str
    lead_id: int | None
    started_at: datetime
    ended_at: datetime | None


def _tours(session: Session, spans: Sequence[_Span], since: datetime) -> Counter[str]:
    """How many tours were booked per call. `spans` are sorted by start. A tour without a call counts for its person's
    latest call, if it was booked during that call or within TOUR_WITHIN after it."""
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
