"""Guest cards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from crm.store.models import Activity, Agent, Interest, Lead, LeadPhone, Property
from crm.views.lists import by_owner


class InterestEntry(msgspec.Struct):
    """A lead's interest in one property."""

    property: str
    """Slug."""
    stage: str
    """How far it has come."""
    updated_at: datetime


class ActivityEntry(msgspec.Struct):
    """An entry of the timeline."""

    at: datetime
    kind: str
    """The industry's event name: CallFromProspect, Text, ..."""
    text: str
    call: str | None


class LeadEntry(msgspec.Struct, kw_only=True):
    """One person's guest card."""

    id: int
    name: str | None
    """Null until it is known."""
    phones: list[str]
    """E.164; none for a caller who withheld the number."""
    email: str
    """Empty until somebody enters it."""
    status: str
    """new, in_progress or closed."""
    source: str
    """Where their first call came from."""
    agent: str | None
    """Slug of the assigned agent."""
    language: str
    """Chosen in a call, and used from then on; empty: the line's."""
    created_at: datetime
    interests: list[InterestEntry]


class LeadDetail(LeadEntry, kw_only=True):
    """A guest card with its timeline."""

    timeline: list[ActivityEntry]
    """Oldest first."""


_CARD = select(
    Lead.id,
    Lead.name,
    Lead.email,
    Lead.status,
    Lead.source,
    Agent.slug.label("agent"),
    Lead.language,
    Lead.created_at,
).outerjoin(Agent, Agent.id == Lead.assigned_agent_id)


def listed(
    session: Session, *, status: str | None = None, since: datetime | None = None, limit: int = 50
) -> list[LeadEntry]:
    """The newest first."""
    found = _CARD.order_by(Lead.created_at.desc(), Lead.id.desc()).limit(limit)
    if status is not None:
        found = found.where(Lead.status == status)
    if since is not None:
        found = found.where(Lead.created_at >= since)
    return [LeadEntry(**card) for card in _whole(session, session.execute(found).all())]


def one(session: Session, lead_id: int) -> LeadDetail:
    [card] = _whole(session, session.execute(_CARD.where(Lead.id == lead_id)).all())
    timeline = select(Activity.at, Activity.kind, Activity.text, Activity.call_id).where(Activity.lead_id == lead_id)
    rows = session.execute(timeline.order_by(Activity.at, Activity.id))
    return LeadDetail(**card, timeline=[ActivityEntry(*row) for row in rows])


def _whole(session: Session, cards: Sequence[Row[*tuple[Any, ...]]]) -> list[dict[str, Any]]:
    """With what there may be several of to a lead, read for all of them at once."""
    ids = [card.id for card in cards]
    numbers = select(LeadPhone.lead_id, LeadPhone.number).where(LeadPhone.lead_id.in_(ids))
    phones = by_owner(session, numbers.order_by(LeadPhone.id))
    interests: dict[int, list[InterestEntry]] = {id: [] for id in ids}
    places = (
        select(Interest.lead_id, Property.slug, Interest.stage, Interest.updated_at)
        .join(Property, Property.id == Interest.property_id)
        .where(Interest.lead_id.in_(ids))
        .order_by(Interest.id)
    )
    for row in session.execute(places):
        interests[row.lead_id].append(InterestEntry(row.slug, row.stage, row.updated_at))
    return [{**card._mapping, "phones": phones[card.id], "interests": interests[card.id]} for card in cards]
