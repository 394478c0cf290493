"""The worker that delivers webhooks at least once: to several receivers in parallel, to each one delivery at a time.

After a failure, everything for a receiver waits, longer each time; a delivery that cannot be made within `OF_USE` is
given up. A receiver that has accepted nothing for `DEAD_AFTER` is reported to the admin once. Other receivers are not
delayed. A delivery that was under way when a process died is sent again: it may arrive twice, recognizable by its id.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.domain.delivery import DeliveryState, next_attempt
from crm.domain.errors import Invalid
from crm.domain.webhooks import DEAD_AFTER, OF_USE
from crm.edge.webhooks import AT_ONCE, Taken, WebhookError
from crm.secrets import Secrets
from crm.services.office import owners
from crm.services.outbox import notices
from crm.services.webhooks import fanout, subscriptions
from crm.store.models import Happening, Webhook, WebhookDelivery
from crm.store.queries import nodes
from crm.words import notices as words
from crm.worker import Worker

HELD = timedelta(seconds=5)
"""How often to check whether this home may still be a copy; while it may, nothing is sent."""
FIRST_RETRY_SECONDS = 5.0
OUTAGE = 3
"""After this many failures in a row, a success means that the receiver is back, and everything waiting for it is sent
at once."""

_log = logging.getLogger(__name__)


class Poster(Protocol):
    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Taken:
        """Raises WebhookError."""


@dataclass(frozen=True)
class WebhookClaim:
    """A delivery that this worker has claimed."""

    id: int
    webhook_id: int
    attempt: int
    key: str
    url: str
    body: bytes


@dataclass(frozen=True)
class WebhookResult:
    error: WebhookError | None
    """None: it was accepted."""
    at: datetime


class WebhookWorker(Worker[WebhookClaim, WebhookResult]):
    name = "webhooks"
    wakes_on = (Happening, Webhook, WebhookDelivery)
    at_once = AT_ONCE
    grace_seconds = 3.0

    def __init__(self, crm: Crm, poster: Poster, held: Callable[[], bool] = lambda: False) -> None:
        self._config, self._secrets, self._now = crm.config, crm.secrets, crm.now
        self._poster, self._held = poster, held

    def due(self, session: Session, now: datetime, under_way: Sequence[WebhookClaim]) -> datetime | None:
        if self._held():
            return now + HELD
        if session.scalar(select(Happening.id).limit(1)) is not None:
            return now
        return min((at for at, _ in self._waiting(session, now, under_way)), default=None)

    def claim(self, session: Session, now: datetime, under_way: Sequence[WebhookClaim]) -> WebhookClaim | None:
        if self._held():
            return None
        self.has_more = fanout.fan_out(session, now) > 0
        if self.has_more:
            return None
        due = sorted((at, id) for at, id in self._waiting(session, now, under_way) if at <= now)
        for _, webhook_id in due:
            next_up = (
                select(WebhookDelivery.id)
                .where(
                    WebhookDelivery.webhook_id == webhook_id,
                    WebhookDelivery.state == DeliveryState.QUEUED,
                    WebhookDelivery.next_attempt_at <= now,
                )
                .order_by(WebhookDelivery.next_attempt_at, WebhookDelivery.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            claimed = (
                update(WebhookDelivery)
                .where(WebhookDelivery.id == next_up.scalar_subquery(), WebhookDelivery.state == DeliveryState.QUEUED)
                .values(state=DeliveryState.SENDING, attempts=WebhookDelivery.attempts + 1)
                .returning(WebhookDelivery.id, WebhookDelivery.attempts, WebhookDelivery.key, WebhookDelivery.body)
                .execution_options(synchronize_session=False)
            )
            if row := session.execute(claimed).first():
                url = subscriptions.named(session, webhook_id).url
                return WebhookClaim(row.id, webhook_id, row.attempts, row.key, url, row.body.encode())
        return None

    async def work(self, claim: WebhookClaim) -> WebhookResult:
        try:
            headers = subscriptions.headers_of(_secret(self._secrets, claim), claim.key, self._now(), claim.body)
            await self._poster.post(claim.url, claim.body, headers)
        except WebhookError as error:
            return WebhookResult(error, self._now())
        return WebhookResult(None, self._now())

    def record(self, session: Session, claim: WebhookClaim, result: WebhookResult, now: datetime) -> None:
        webhook = session.get(Webhook, claim.webhook_id, with_for_update=True)
        delivery = session.get(WebhookDelivery, claim.id, with_for_update=True)
        if webhook is None or delivery is None:
            return
        is_ours = delivery.state == DeliveryState.SENDING and delivery.attempts == claim.attempt
        error = result.error
        if error is None:
            _took(session, webhook, result.at)
            delivery.state, delivery.next_attempt_at, delivery.error = DeliveryState.SENT, None, ""
            delivery.sent_at = result.at
        elif is_ours:
            _refused(session, self._config, webhook, delivery, error, result.at)
        facts = {"webhook": webhook.id, "key": delivery.key, "state": delivery.state, "reason": delivery.error}
        if error is None:
            _log.info("a webhook was delivered", extra=facts)
        else:
            _log.warning("a webhook was not delivered", extra=facts)

    def clean_up(self, session: Session, under_way: Sequence[WebhookClaim], now: datetime) -> None:
        """Deliveries marked as under way that this process is not making are sent again."""
        own = select(Webhook.id).where(nodes.is_for_us(Webhook.node, self._config.node, now))
        session.execute(
            update(WebhookDelivery)
            .where(
                WebhookDelivery.state == DeliveryState.SENDING,
                WebhookDelivery.webhook_id.in_(own),
                WebhookDelivery.id.not_in([claim.id for claim in under_way]),
            )
            .values(state=DeliveryState.QUEUED, next_attempt_at=now)
            .execution_options(synchronize_session=False)
        )

    def _waiting(
        self, session: Session, now: datetime, under_way: Sequence[WebhookClaim]
    ) -> list[tuple[datetime, int]]:
        """When each webhook's next delivery is due; a webhook with one under way waits for it to end."""
        first = (
            select(func.min(WebhookDelivery.next_attempt_at))
            .where(WebhookDelivery.webhook_id == Webhook.id, WebhookDelivery.state == DeliveryState.QUEUED)
            .correlate(Webhook)
            .scalar_subquery()
        )
        found = session.execute(
            select(Webhook.id, Webhook.not_before, first.label("due")).where(
                Webhook.stopped_at.is_(None),
                Webhook.id.not_in([claim.webhook_id for claim in under_way]),
                nodes.is_for_us(Webhook.node, self._config.node, now),
            )
        )
        return [(max(row.due, row.not_before or row.due), row.id) for row in found if row.due is not None]


def _secret(secrets: Secrets, claim: WebhookClaim) -> str:
    try:
        return subscriptions.secret_of(secrets, claim.webhook_id)
    except Invalid as error:
        raise WebhookError(str(error)) from error


def _took(session: Session, webhook: Webhook, now: datetime) -> None:
    if webhook.failures >= OUTAGE:
        session.execute(
            update(WebhookDelivery)
            .where(
                WebhookDelivery.webhook_id == webhook.id,
                WebhookDelivery.state == DeliveryState.QUEUED,
                WebhookDelivery.next_attempt_at > now,
            )
            .values(next_attempt_at=now)
            .execution_options(synchronize_session=False)
        )
    webhook.failures, webhook.not_before, webhook.failing_since, webhook.told_at = 0, None, None, None


def _refused(
    session: Session, config: Config, webhook: Webhook, delivery: WebhookDelivery, error: WebhookError, now: datetime
) -> None:
    webhook.failures += 1
    webhook.failing_since = webhook.failing_since or now
    delivery.error = str(error)[:300]
    if error.is_gone:
        _stop(session, config, webhook, delivery, now)
        return
    webhook.not_before = _again(webhook.failures, now, error)
    again = _again(delivery.attempts, now, error)
    since = max(delivery.created_at, delivery.replayed_at or delivery.created_at)
    if again < since + OF_USE:
        delivery.state, delivery.next_attempt_at = DeliveryState.QUEUED, again
    else:
        delivery.state, delivery.next_attempt_at = DeliveryState.FAILED, None
        delivery.error = f"Given up after {delivery.attempts} attempts. {error}"[:300]
    if webhook.told_at is None and now - webhook.failing_since >= DEAD_AFTER:
        webhook.told_at = now
        text = f"It has accepted nothing since {webhook.failing_since.astimezone(config.tz):%Y-%m-%d %H:%M}. {error}"
        _tell_admin(session, config, webhook, "accepts nothing", text, now)


def _stop(session: Session, config: Config, webhook: Webhook, delivery: WebhookDelivery, now: datetime) -> None:
    webhook.stopped_at = now
    delivery.state, delivery.next_attempt_at = DeliveryState.BLOCKED, None
    session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.webhook_id == webhook.id, WebhookDelivery.state == DeliveryState.QUEUED)
        .values(state=DeliveryState.BLOCKED, next_attempt_at=None, error=delivery.error)
        .execution_options(synchronize_session=False)
    )
    _tell_admin(session, config, webhook, "is stopped", delivery.error, now)


def _again(failures: int, now: datetime, error: WebhookError) -> datetime:
    at = next_attempt(
        failures,
        now,
        most=0,
        first_retry_seconds=FIRST_RETRY_SECONDS,
        retry_after_seconds=error.retry_after_seconds,
    )
    assert at is not None
    return at


def _tell_admin(session: Session, config: Config, webhook: Webhook, what: str, text: str, now: datetime) -> None:
    subject = f"Webhook {webhook.id} to {urlsplit(webhook.url).hostname} {what}"
    more = words.more("webhook", webhook=webhook.id)
    key = f"webhook:{webhook.id}:{now:%Y-%m-%dT%H:%M}"
    notices.tell(session, config, [owners.admin(session)], key, subject, f"{subject}. {text} {more}", now)
