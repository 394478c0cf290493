"""Adding and removing webhooks, and sending their deliveries again."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields, webhooks
from crm.domain.counting import counted
from crm.domain.delivery import DeliveryState
from crm.domain.errors import Invalid, NotFound
from crm.domain.webhooks import TEST, read_events
from crm.edge.networks import Allowed
from crm.secrets import SecretError, Secrets
from crm.services import audit
from crm.services.audit import By
from crm.services.office import properties, subteams
from crm.store.models import Webhook, WebhookDelivery, WebhookReach

PATIENCE = timedelta(minutes=10)
"""A receiver is only reported once it has been failing for this long."""
AT_ONCE = 500
"""Rows deleted per transaction."""


def add(
    session: Session,
    config: Config,
    secrets: Secrets,
    by: By,
    url: str,
    events: Sequence[str],
    *,
    property_slugs: Sequence[str] = (),
    subteam_slugs: Sequence[str] = (),
) -> tuple[Webhook, str]:
    """Adds a webhook: from now on, its address is told of all events, or of those at some properties. Returns it with
    its secret.

    Raises Invalid, NotFound.
    """
    address = fields.url(url, "address")
    if problem := Allowed.of(config.api.webhook_networks).problem(address):
        raise Invalid(f"Nothing is sent to that address: {problem}.", code="webhook_address_refused")
    reach = [WebhookReach(property_id=properties.named(session, slug).id) for slug in dict.fromkeys(property_slugs)]
    reach += [WebhookReach(subteam_id=subteams.named(session, slug).id) for slug in dict.fromkeys(subteam_slugs)]
    webhook = Webhook(
        url=address,
        events=list(read_events(events)),
        is_narrow=bool(reach),
        reach=reach,
        node=config.node,
        made_by=by.who[:80],
        made_at=by.now,
    )
    session.add(webhook)
    session.flush()
    secret = webhooks.new_secret()
    # An id may be reused after a webhook is removed, so an old secret is replaced.
    secrets.put(secret_name(webhook.id), secret)
    audit.record(session, by, f"webhook {webhook.id} added: {', '.join(webhook.events)}")
    return webhook, secret


def remove(session: Session, secrets: Secrets, by: By, webhook_id: int) -> None:
    """Raises NotFound."""
    session.delete(named(session, webhook_id))
    session.flush()
    secrets.remove(secret_name(webhook_id))
    audit.record(session, by, f"webhook {webhook_id} removed")


def replay(
    session: Session,
    by: By,
    webhook_id: int,
    *,
    keys: Sequence[str] = (),
    since: datetime | None = None,
    failed_only: bool = False,
) -> int:
    """Sends deliveries again: those with the given keys, or all since a time, or only the failed ones. Returns how
    many. A stopped webhook is resumed.

    Each keeps its id, by which the receiver can recognize it. Raises NotFound.
    """
    webhook = named(session, webhook_id, lock=True)
    which = [WebhookDelivery.webhook_id == webhook_id, WebhookDelivery.state != DeliveryState.SENDING]
    if keys:
        which.append(WebhookDelivery.key.in_(keys))
    if since is not None:
        which.append(WebhookDelivery.created_at >= since)
    if failed_only:
        which.append(WebhookDelivery.state.in_((DeliveryState.FAILED, DeliveryState.BLOCKED)))
    again = (
        update(WebhookDelivery)
        .where(*which)
        .values(state=DeliveryState.QUEUED, next_attempt_at=by.now, attempts=0, error="", replayed_at=by.now)
        .returning(WebhookDelivery.key)
        .execution_options(synchronize_session=False)
    )
    found = session.scalars(again).all()
    if missing := sorted(set(keys) - set(found)):
        raise NotFound(f"There is no delivery {missing[0][:40]} to this webhook.", code="webhook_delivery_unknown")
    webhook.stopped_at, webhook.not_before, webhook.failures = None, None, 0
    webhook.failing_since = webhook.told_at = None
    audit.record(session, by, f"{counted(len(found), 'delivery', 'deliveries')} of webhook {webhook_id} sent again")
    return len(found)


def prune(session: Session, now: datetime) -> int:
    """Deletes a batch of deliveries that have been kept long enough; returns how many."""
    old = select(WebhookDelivery.id).where(
        WebhookDelivery.created_at < now - webhooks.KEPT,
        WebhookDelivery.state.not_in((DeliveryState.QUEUED, DeliveryState.SENDING)),
    )
    some = old.order_by(WebhookDelivery.created_at).limit(AT_ONCE)
    gone = delete(WebhookDelivery).where(WebhookDelivery.id.in_(some)).returning(WebhookDelivery.id)
    return len(session.scalars(gone.execution_options(synchronize_session=False)).all())


def named(session: Session, webhook_id: int, *, lock: bool = False) -> Webhook:
    """Raises NotFound."""
    found = session.get(Webhook, webhook_id, with_for_update=lock)
    if found is None:
        raise NotFound(f"There is no webhook {webhook_id}.", code="webhook_unknown", webhook=webhook_id)
    return found


def secret_name(webhook_id: int) -> str:
    return f"webhook/{webhook_id}"


def secret_of(secrets: Secrets, webhook_id: int) -> str:
    """Raises Invalid if it is missing."""
    try:
        return secrets.get(secret_name(webhook_id))
    except SecretError as error:
        raise Invalid(
            "The webhook's secret is missing here: remove the webhook and add it again.", code="webhook_secret_missing"
        ) from error


@dataclass(frozen=True)
class WebhookHealth:
    """A webhook whose receiver accepts nothing."""

    webhook: int
    """Its number."""
    host: str
    """Host of its address."""
    since: datetime
    stopped: bool
    """Its receiver replied that it is gone, so nothing more is sent."""

    def sentence(self, tz: tzinfo) -> str:
        what = "is stopped, because its receiver is gone," if self.stopped else "has accepted nothing"
        return f"Webhook {self.webhook} to {self.host} {what} since {self.since.astimezone(tz):%Y-%m-%d %H:%M}."


def silent(session: Session, now: datetime) -> list[WebhookHealth]:
    """Webhooks that are stopped, or have been failing for longer than a receiver takes to restart."""
    found = select(Webhook.id, Webhook.url, Webhook.stopped_at, Webhook.failing_since).order_by(Webhook.id)
    found = found.where(or_(Webhook.stopped_at.is_not(None), Webhook.failing_since < now - PATIENCE))
    return [
        WebhookHealth(
            row.id, urlsplit(row.url).hostname or "", row.stopped_at or row.failing_since, row.stopped_at is not None
        )
        for row in session.execute(found)
    ]


def new_key() -> str:
    """An id for a delivery."""
    return f"msg_{uuid.uuid4().hex}"


def body_of(event: str, at: datetime, data: dict[str, object]) -> str:
    """The body of a delivery (Standard Webhooks, "Payload structure")."""
    return msgspec.json.encode({"type": event, "timestamp": at, "data": data}).decode()


def headers_of(secret: str, key: str, now: datetime, body: bytes) -> dict[str, str]:
    """Headers that identify the delivery and prove that it is ours."""
    return {
        "content-type": "application/json",
        "user-agent": "Leaseline",
        "webhook-id": key,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": webhooks.signature(secret, key, now, body),
    }


def test_of(webhook: Webhook, secrets: Secrets, now: datetime) -> tuple[str, bytes, dict[str, str]]:
    """Address, body and headers of a test delivery. Raises Invalid."""
    body = body_of(TEST, now, {"webhook": webhook.id}).encode()
    return webhook.url, body, headers_of(secret_of(secrets, webhook.id), new_key(), now, body)
