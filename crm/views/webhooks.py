"""Webhooks and their deliveries."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.domain.delivery import DeliveryState
from crm.store.models import Property, Subteam, Webhook, WebhookDelivery, WebhookReach
from crm.views.lists import by_owner


class WebhookEntry(msgspec.Struct, kw_only=True):
    """An address that is told of events."""

    id: int
    url: str
    events: list[str]
    state: str
    """active; failing: what was sent last was not taken; or stopped: its receiver said that it is gone."""
    whole_office: bool
    """Whether it hears of everything; otherwise only of the properties and subteams named."""
    properties: list[str]
    """Slugs."""
    subteams: list[str]
    """Slugs: it hears of all their properties."""
    waiting: int
    """Deliveries that are not made yet."""
    failing_since: datetime | None
    next_attempt_at: datetime | None
    """When it is tried again; null: at once, or there is nothing to send."""
    made_by: str
    made_at: datetime


class WebhookDeliveryEntry(msgspec.Struct, kw_only=True):
    """One event for one webhook."""

    id: str
    """As its receiver gets it in the header webhook-id."""
    webhook: int
    event: str
    state: str
    """queued, sending, sent, failed: given up, or blocked: its receiver is gone."""
    attempts: int
    error: str
    """Why the last attempt failed; empty when it did not."""
    created_at: datetime
    next_attempt_at: datetime | None
    sent_at: datetime | None
    body: str
    """What is sent."""


def listed(session: Session) -> list[WebhookEntry]:
    """In the order in which they were added."""
    properties = by_owner(
        session,
        select(WebhookReach.webhook_id, Property.slug)
        .join(Property, Property.id == WebhookReach.property_id)
        .order_by(Property.slug),
    )
    subteams = by_owner(
        session,
        select(WebhookReach.webhook_id, Subteam.slug)
        .join(Subteam, Subteam.id == WebhookReach.subteam_id)
        .order_by(Subteam.slug),
    )
    waiting = (
        select(func.count(WebhookDelivery.id))
        .where(
            WebhookDelivery.webhook_id == Webhook.id,
            WebhookDelivery.state.in_((DeliveryState.QUEUED, DeliveryState.SENDING)),
        )
        .correlate(Webhook)
        .scalar_subquery()
    )
    return [
        WebhookEntry(
            id=webhook.id,
            url=webhook.url,
            events=webhook.events,
            state="stopped" if webhook.stopped_at else "failing" if webhook.failing_since else "active",
            whole_office=not webhook.is_narrow,
            properties=properties.get(webhook.id, []),
            subteams=subteams.get(webhook.id, []),
            waiting=count,
            failing_since=webhook.failing_since,
            next_attempt_at=webhook.not_before if count else None,
            made_by=webhook.made_by,
            made_at=webhook.made_at,
        )
        for webhook, count in session.execute(select(Webhook, waiting).order_by(Webhook.id))
    ]


def deliveries(
    session: Session,
    *,
    webhook_id: int | None = None,
    state: str | None = None,
    since: datetime | None = None,
    limit: int = 50,
) -> list[WebhookDeliveryEntry]:
    """The newest first."""
    found = select(WebhookDelivery).order_by(WebhookDelivery.created_at.desc(), WebhookDelivery.id.desc()).limit(limit)
    if webhook_id is not None:
        found = found.where(WebhookDelivery.webhook_id == webhook_id)
    if state is not None:
        found = found.where(WebhookDelivery.state == state)
    if since is not None:
        found = found.where(WebhookDelivery.created_at >= since)
    return [
        WebhookDeliveryEntry(
            id=one.key,
            webhook=one.webhook_id,
            event=one.event,
            state=one.state,
            attempts=one.attempts,
            error=one.error,
            created_at=one.created_at,
            next_attempt_at=one.next_attempt_at,
            sent_at=one.sent_at,
            body=one.body,
        )
        for one in session.scalars(found)
    ]
