"""What programs of others are told when it happens, and how they recognize that it is from us. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from crm.domain.errors import Invalid


class WebhookEvent(StrEnum):
    LEAD_CREATED = "lead.created"
    CALL_ENDED = "call.ended"
    TOUR_BOOKED = "tour.booked"
    TOUR_CHANGED = "tour.changed"
    """It was moved or canceled, or is over."""
    STAGE_CHANGED = "stage.changed"
    """Of a lead's interest in a property; at first there was none."""


TEST = "webhook.test"
"""The event that `leaseline webhook test` sends."""
OF_USE = timedelta(days=3)
"""What could not be delivered for so long is given up, until somebody has it sent again."""
DEAD_AFTER = timedelta(hours=24)
"""A receiver that has accepted nothing for so long is reported to the admin."""
KEPT = timedelta(days=30)
"""Deliveries stay on record for so long."""
SECRET_START = "whsec_"
SECRET_BYTES = 32


def read_events(raw: Iterable[str]) -> list[WebhookEvent]:
    """Events as people write them, several in one text separated by commas. Raises Invalid."""
    words = {word.strip() for text in raw for word in text.split(",") if word.strip()}
    if unknown := sorted(words - set(WebhookEvent)):
        raise Invalid(f"{unknown[0][:40]!a} is not an event: use {', '.join(WebhookEvent)}.", code="event_unknown")
    if not words:
        raise Invalid(f"Say which events: some of {', '.join(WebhookEvent)}.", code="events_missing")
    return [event for event in WebhookEvent if event in words]


def new_secret() -> str:
    """As Standard Webhooks writes one (its specification, "Secrets")."""
    return SECRET_START + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(secret: str, id: str, at: datetime, body: bytes) -> str:
    """The header webhook-signature of a delivery (Standard Webhooks, "Signature scheme")."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_START), validate=True)
    except binascii.Error:
        raise Invalid(
            "The webhook's secret is damaged: remove the webhook and add it again.", code="webhook_secret_damaged"
        ) from None
    signed = f"{id}.{int(at.timestamp())}.".encode() + body
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"
