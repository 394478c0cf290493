"""Telnyx: texts are sent with its Messages API v2; incoming texts and reports arrive by webhook.

Documentation: "Send a message", "Receiving webhooks for messaging", "Webhook signing", and "Messaging error codes".
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from crm.edge.carrier import DeliveryReport, Fate, Forged, IncomingText, OutgoingText, UnreadableRequest, answered
from crm.edge.http_carrier import Service, callback

if TYPE_CHECKING:
    import httpx

NAME = "telnyx"
OPTED_OUT = "40300"
"""Blocked due to STOP message. The other codes of the 40300s are errors in a request, not a person's choice."""
_MEANINGS = {
    "10009": "it does not accept the API key: correct the secret",
    "40001": "the number is a landline or cannot be reached",
    "40002": "it was considered spam",
    "40003": "our number is blocked as a sender of spam",
    "40004": "the recipient's carrier refused it",
    "40005": "it expired on its way",
    "40008": "the recipient's carrier did not accept it",
    "40009": "the recipient's carrier rejected its content",
    "40010": "our number is not registered for texts to the United States (10DLC)",
    "40012": "the number is not valid",
    "40013": "our number is not valid as a sender",
    "40302": "the text is too long",
    "40305": "our number does not belong to the account",
    "40310": "the number is not valid",
    "40312": "the messaging profile is turned off",
    "40314": "texts are turned off for the account",
}
# Retryable: too many requests, upstream limit, recipient's server unavailable, queue full, sender temporarily unusable.
_SERVICE = Service(
    NAME, "Telnyx", OPTED_OUT, retryable=frozenset(("10011", "40011", "40006", "40318", "40320")), meanings=_MEANINGS
)


@dataclass(frozen=True)
class TelnyxAccount:
    key: str = field(repr=False)
    url: str = "https://api.telnyx.com"
    callback_url: str = ""
    """URL for delivery reports; empty leaves it to the messaging profile."""


class TelnyxCarrier:
    def __init__(self, account: TelnyxAccount, http: httpx.AsyncClient) -> None:
        self._account = account
        self._http = http

    async def send(self, text: OutgoingText) -> str | None:
        account = self._account
        request = {"from": text.from_number, "to": text.to_number, "text": text.body}
        if account.callback_url:
            request["webhook_url"] = callback(account.callback_url, text)
        answer = await _SERVICE.post(
            self._http,
            text,
            f"{account.url.rstrip('/')}/v2/messages",
            json=request,
            headers={"Authorization": f"Bearer {account.key}"},
        )
        if answer.status in (200, 201, 202):
            data = answer.body.get("data")
            taken = data.get("id") if isinstance(data, dict) else None
            return taken if isinstance(taken, str) else None
        raise _SERVICE.refusal(answer, _code(answer.body.get("errors")))


# --- webhooks ---


def verified(
    public_key: str, body: bytes, given: str, timestamp: str, now: datetime, replay_seconds: int
) -> Mapping[str, Any]:
    """Returns the event of a request that is proven to come from Telnyx, and recently.

    The signature is Ed25519 over `timestamp|body`, base64; the public key is the account's, from the portal. Raises
    Forged, UnreadableRequest.
    """
    if not given or not timestamp:
        raise Forged("its signature is missing")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise Forged("its timestamp is not a number")
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
    except (ValueError, binascii.Error):
        raise Forged("it cannot be verified: texts.telnyx_public_key in leaseline.toml is not a public key") from None
    try:
        key.verify(base64.b64decode(given, validate=True), timestamp.encode() + b"|" + body)
    except (InvalidSignature, ValueError, binascii.Error):
        raise Forged("its signature is wrong") from None
    if abs(now.timestamp() - int(timestamp)) > replay_seconds:
        raise Forged("it is too old or from the future: a replay, or this machine's clock is wrong")
    try:
        event = json.loads(body)["data"]
        payload = event["payload"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UnreadableRequest("no event with a payload") from None
    if not isinstance(event, dict) or not isinstance(payload, dict):
        raise UnreadableRequest("no event with a payload")
    return event


def incoming(event: Mapping[str, Any], now: datetime) -> IncomingText | None:
    """Returns the text of a message.received, None for every other event. Raises UnreadableRequest."""
    if event.get("event_type") != "message.received":
        return None
    payload = event["payload"]
    sender, to, media = payload.get("from"), payload.get("to"), payload.get("media")
    number = sender.get("phone_number") if isinstance(sender, dict) else None
    first = to[0] if isinstance(to, list) and to else to
    mine = first.get("phone_number") if isinstance(first, dict) else first
    if not isinstance(payload.get("id"), str) or not isinstance(number, str):
        raise UnreadableRequest("a text without id or sender")
    links = [entry.get("url") for entry in media if isinstance(entry, dict)] if isinstance(media, list) else []
    return IncomingText(
        carrier=NAME,
        carrier_id=payload["id"][:100],
        from_number=number,
        to_number=mine if isinstance(mine, str) else "",
        body=payload["text"] if isinstance(payload.get("text"), str) else "",
        at=now,
        media=tuple(link for link in links[:10] if isinstance(link, str) and link),
        # Set if the messaging profile replied by itself to one of the words that the account configured.
        answered=answered(payload.get("autoresponse_type")),
    )


def report(event: Mapping[str, Any], key: str) -> DeliveryReport | None:
    """Returns the report of a message.finalized, None for every other event. `key` is the one in the request's URL.

    Raises UnreadableRequest.
    """
    if event.get("event_type") != "message.finalized":
        return None
    payload = event["payload"]
    taken = payload.get("id")
    if not isinstance(taken, str):
        raise UnreadableRequest("a report without id")
    to = payload.get("to")
    status = str(to[0].get("status", "")) if isinstance(to, list) and to and isinstance(to[0], dict) else ""
    code = _code(payload.get("errors"))
    if code == OPTED_OUT or status in ("sending_failed", "delivery_failed", "expired", "gw_timeout"):
        return _SERVICE.failure(key, taken, code)
    if status == "delivered":
        return DeliveryReport(NAME, key, taken[:100], Fate.DELIVERED)
    # delivery_unconfirmed: the recipient's carrier sends no receipts.
    return None


def _code(errors: object) -> str:
    first = errors[0] if isinstance(errors, list) and errors else None
    return str(first.get("code", ""))[:10] if isinstance(first, dict) else ""
