"""Turns happenings into deliveries: one for each webhook that subscribes to the event and may see it.

A delivery names records and says what changed, but contains no personal data. Receivers read that with a key, which
sees no more than it should; so none of it waits in a queue, or leaks to a receiver that somebody has taken over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.delivery import DeliveryState
from crm.domain.webhooks import WebhookEvent
from crm.services.webhooks.subscriptions import body_of, new_key
from crm.store.models import (
    Call,
    Happening,
    Interest,
    Line,
    Property,
    Tour,
    TourSlot,
    Webhook,
    WebhookDelivery,
    WebhookReach,
)
from crm.store.models.living import ALL

AT_ONCE = 200
"""Happenings per transaction: an import makes thousands of leads."""


@dataclass(frozen=True)
class _Subscriber:
    webhook_id: int
    events: frozenset[str]
    reach: Reach


@dataclass(frozen=True)
class _Event:
    """An event, and what decides which webhooks hear of it."""

    property_id: int | None
    """Id of the property it is about; None: it is about the person."""
    lead_id: int | None
    data: dict[str, object]


def fan_out(session: Session, now: datetime) -> int:
    """Makes the deliveries for a batch of happenings, in order; returns how many happenings that were."""
    waiting = select(Happening).order_by(Happening.id).limit(AT_ONCE).with_for_update(skip_locked=True)
    found = session.scalars(waiting).all()
    if not found:
        return 0
    subscribers = list(_subscribers(session))
    seen_at = _seen_at(session, [one.lead_id for one in found if one.lead_id is not None])
    for happening in found:
        told = _told(session, happening)
        if told is None:
            continue
        at = happening.at or now
        for subscriber in subscribers:
            if happening.event in subscriber.events and _may_hear(subscriber.reach, told, seen_at, session):
                session.add(
                    WebhookDelivery(
                        key=new_key(),
                        webhook_id=subscriber.webhook_id,
                        event=happening.event,
                        body=body_of(happening.event, at, told.data),
                        state=DeliveryState.QUEUED,
                        attempts=0,
                        next_attempt_at=now,
                        error="",
                        created_at=now,
                    )
                )
    session.execute(delete(Happening).where(Happening.id.in_([one.id for one in found])))
    session.flush()
    return len(found)


def _subscribers(session: Session) -> Iterator[_Subscriber]:
    for webhook in session.scalars(select(Webhook).where(Webhook.stopped_at.is_(None)).order_by(Webhook.id)):
        reach = WHOLE_OFFICE
        if webhook.is_narrow:
            own = select(WebhookReach.property_id).where(WebhookReach.webhook_id == webhook.id)
            teams = select(WebhookReach.subteam_id).where(WebhookReach.webhook_id == webhook.id)
            which = or_(
                Property.id.in_(own.where(WebhookReach.property_id.is_not(None))),
                Property.subteam_id.in_(teams.where(WebhookReach.subteam_id.is_not(None))),
            )
            reach = Reach(frozenset(session.scalars(select(Property.id).where(which))))
        yield _Subscriber(webhook.id, frozenset(webhook.events), reach)


def _seen_at(session: Session, lead_ids: Sequence[int]) -> dict[int, set[int]]:
    """The properties that leads are interested in."""
    found: dict[int, set[int]] = {id: set() for id in lead_ids}
    for lead_id, property_id in session.execute(
        select(Interest.lead_id, Interest.property_id).where(Interest.lead_id.in_(found))
    ):
        found[lead_id].add(property_id)
    return found


def _may_hear(reach: Reach, told: _Event, seen_at: dict[int, set[int]], session: Session) -> bool:
    """The same rules as for records in crm/store/queries/reach.py."""
    if reach.properties is None:
        return True
    if told.property_id is not None:
        return told.property_id in reach.properties
    if told.lead_id is None:
        return False
    if told.lead_id not in seen_at:
        seen_at |= _seen_at(session, [told.lead_id])
    return not seen_at[told.lead_id].isdisjoint(reach.properties)


def _told(session: Session, happening: Happening) -> _Event | None:
    match happening.event:
        case WebhookEvent.LEAD_CREATED:
            return _Event(None, happening.lead_id, {"lead": happening.lead_id})
        case WebhookEvent.STAGE_CHANGED:
            slug = session.scalar(
                select(Property.slug).where(Property.id == happening.property_id).execution_options(**ALL)
            )
            data: dict[str, object] = {
                "lead": happening.lead_id,
                "property": slug,
                "stage": happening.became,
                "previous": happening.was,
            }
            return _Event(happening.property_id, happening.lead_id, data)
        case WebhookEvent.TOUR_BOOKED | WebhookEvent.TOUR_CHANGED:
            return _of_tour(session, happening)
        case WebhookEvent.CALL_ENDED:
            return _of_call(session, happening)
    return None


def _of_tour(session: Session, happening: Happening) -> _Event | None:
    row = session.execute(
        select(Property.id, Property.slug, TourSlot.starts_at)
        .join(TourSlot, TourSlot.property_id == Property.id)
        .join(Tour, Tour.slot_id == TourSlot.id)
        .where(Tour.id == happening.tour_id)
    ).first()
    if row is None:
        return None
    data: dict[str, object] = {
        "tour": happening.tour_id,
        "lead": happening.lead_id,
        "property": row.slug,
        "at": row.starts_at,
        "state": happening.became,
    }
    return _Event(row.id, happening.lead_id, data)


def _of_call(session: Session, happening: Happening) -> _Event | None:
    row = session.execute(
        select(Call.direction, Call.outcome, Call.lead_id, Property.id.label("property_id"), Property.slug)
        .outerjoin(Line, Line.id == Call.line_id)
        .outerjoin(Property, Property.id == func.coalesce(Call.property_id, Line.property_id))
        .where(Call.id == happening.call_id)
    ).first()
    if row is None:
        return None
    data: dict[str, object] = {
        "call": happening.call_id,
        "direction": row.direction,
        "outcome": row.outcome,
        "lead": row.lead_id,
        "property": row.slug,
    }
    return _Event(row.property_id, row.lead_id, data)
