"""Twilio: texts are sent with its Messages API; incoming texts and reports arrive by webhook.

Documentation: "Programmable Messaging, Message resource", "Messaging webhooks", "Validating requests are coming from
Twilio", and "Error and warning dictionary".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from crm.edge.carrier import DeliveryReport, Fate, Forged, IncomingText, OutgoingText, UnreadableRequest, answered
from crm.edge.http_carrier import Service, callback

if TYPE_CHECKING:
    import httpx

NAME = "twilio"
OPTED_OUT = "21610"
_MEANINGS = {
    "20003": "it does not accept the account or the auth token: correct texts.twilio_account and the secret",
    "21211": "the number is not valid",
    "21408": "the account may not text this country: allow it in Twilio's console",
    "21606": "our number cannot send texts: buy or verify it at Twilio",
    "21612": "this number cannot be texted from ours",
    "21614": "the number is not a mobile number",
    "21617": "the text is longer than 1600 characters",
    "21659": "our number does not belong to the account",
    "30003": "the phone cannot be reached",
    "30004": "the text was blocked",
    "30005": "the number is unknown",
    "30006": "the number is a landline or cannot be reached",
    "30007": "the carrier filtered the text out",
    "30008": "the carrier does not say why",
    "30034": "our number is not registered for texts to the United States (A2P 10DLC)",
}
# Retryable: too many requests, queue overflow, rate exceeded, and queue of the number full.
_SERVICE = Service(
    NAME, "Twilio", OPTED_OUT, retryable=frozenset(("20429", "30001", "30022", "21611")), meanings=_MEANINGS
)


@dataclass(frozen=True)
class TwilioAccount:
    sid: str
    token: str = field(repr=False)
    url: str = "https://api.twilio.com"
    callback_url: str = ""
    """URL for delivery reports; empty for none."""


class TwilioCarrier:
    def __init__(self, account: TwilioAccount, http: httpx.AsyncClient) -> None:
        self._account = account
        self._http = http

    async def send(self, text: OutgoingText) -> str | None:
        account = self._account
        form = {"To": text.to_number, "From": text.from_number, "Body": text.body}
        if account.callback_url:
            form["StatusCallback"] = callback(account.callback_url, text)
        answer = await _SERVICE.post(
            self._http,
            text,
            f"{account.url.rstrip('/')}/2010-04-01/Accounts/{account.sid}/Messages.json",
            data=form,
            auth=(account.sid, account.token),
        )
        if answer.status in (200, 201):
            sid = answer.body.get("sid")
            return sid if isinstance(sid, str) else None
        raise _SERVICE.refusal(answer, str(answer.body.get("code") or ""))


# --- webhooks ---


def signature(token: str, url: str, parameters: Sequence[tuple[str, str]]) -> str:
    """X-Twilio-Signature of a form: HMAC-SHA1 over the full URL and every name and value, sorted by name; base64."""
    # Repeated parameters count once for each different value, as in Twilio's own libraries.
    signed = url + "".join(name + value for name, value in sorted(set(parameters)))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def verified(token: str, url: str, body: bytes, given: str) -> Mapping[str, str]:
    """Returns the form of a request that is proven to come from Twilio. `url` is the one Twilio requested.

    Twilio does not sign a time, so a replay is only recognized by the id of its text. Raises Forged.
    """
    try:
        parameters = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=200, errors="strict"
        )
    except (ValueError, UnicodeDecodeError):
        raise Forged("its body is not a form") from None
    if not hmac.compare_digest(signature(token, url, parameters).encode(), given.encode("utf-8", "replace")):
        raise Forged("its signature is missing" if not given else "its signature is wrong")
    return dict(parameters)


def incoming(form: Mapping[str, str], now: datetime) -> IncomingText:
    """Raises UnreadableRequest."""
    sid = form.get("MessageSid") or form.get("SmsSid") or ""
    if not sid or not form.get("From"):
        raise UnreadableRequest("a text without MessageSid or From")
    count = form.get("NumMedia", "0")
    media = [form.get(f"MediaUrl{number}", "") for number in range(min(int(count), 10) if count.isdecimal() else 0)]
    return IncomingText(
        carrier=NAME,
        carrier_id=sid[:100],
        from_number=form["From"],
        to_number=form.get("To", ""),
        body=form.get("Body", ""),
        at=now,
        media=tuple(link for link in media if link),
        # Set by Advanced Opt-Out, which replies by itself to the words that the account configured.
        answered=answered(form.get("OptOutType")),
    )


def report(form: Mapping[str, str], key: str) -> DeliveryReport | None:
    """Returns None for a status that is not final. `key` is the one in the request's URL. Raises UnreadableRequest."""
    sid, status = (
        form.get("MessageSid") or form.get("SmsSid") or "",
        form.get("MessageStatus") or form.get("SmsStatus") or "",
    )
    if not sid or not status:
        raise UnreadableRequest("a report without MessageSid or MessageStatus")
    if status in ("delivered", "read"):
        return DeliveryReport(NAME, key, sid[:100], Fate.DELIVERED)
    if status not in ("failed", "undelivered", "canceled"):
        return None
    return _SERVICE.failure(key, sid, form.get("ErrorCode", "")[:10])
