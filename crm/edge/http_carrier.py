"""What carriers with an HTTP API have in common: one kept client, and what a failed request says about the text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx

from crm.edge.carrier import CarrierError, CarrierUnknown, DeliveryReport, Fate, OutgoingText

SECONDS = httpx.Timeout(15.0, connect=5.0)
LONGEST_RETRY_AFTER = 86400.0
LONGEST_TEXT = 1600
"""Characters; the carriers refuse more."""


def client() -> httpx.AsyncClient:
    """Kept for as long as the process sends: a new connection for each text costs two round trips and a handshake."""
    return httpx.AsyncClient(timeout=SECONDS, follow_redirects=False, limits=httpx.Limits(max_connections=4))


@dataclass(frozen=True)
class Answer:
    status: int
    body: Mapping[str, Any]
    """Empty when it is no JSON object."""
    retry_after_seconds: float | None


async def post(http: httpx.AsyncClient, who: str, url: str, **request: Any) -> Answer:
    """Raises CarrierError when nothing has been sent, CarrierUnknown when nobody knows."""
    try:
        response = await http.post(url, **request)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise CarrierError(
            f"{who} cannot be reached: check this machine's way to the Internet.", retryable=True
        ) from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise CarrierError(f"The address of {who} in leaseline.toml is no web address.", retryable=False) from error
    except httpx.HTTPError as error:
        # Sent, or partly: whether it was taken nobody can say.
        raise unknown(who) from error
    try:
        body = response.json()
    except ValueError:
        body = {}
    return Answer(
        response.status_code, body if isinstance(body, dict) else {}, _seconds(response.headers.get("Retry-After"))
    )


def check_length(who: str, text: OutgoingText) -> None:
    """Raises CarrierError for a text that the carriers would refuse."""
    if len(text.body) > LONGEST_TEXT:
        raise CarrierError(f"{who} takes no text of more than {LONGEST_TEXT} characters.", retryable=False)


def callback(url: str, text: OutgoingText) -> str:
    """Where the carrier reports to, with our own key in it: a report may come before we have noted the carrier's id."""
    return f"{url}?{urlencode({'key': text.key})}"


def opted_out(who: str, carrier: str, key: str, carrier_id: str, code: str) -> DeliveryReport:
    """The report that the person opted out at the carrier."""
    reason = f"{who} says that the person opted out (error {code})."
    return DeliveryReport(carrier, key, carrier_id[:100], Fate.OPTED_OUT, reason)


def undelivered(who: str, carrier: str, key: str, carrier_id: str, code: str, meaning: str) -> DeliveryReport:
    """The report of a failure; `meaning` is what the code stands for, empty when we do not know."""
    reason = f"{who} could not deliver it (error {code}): {meaning or 'look the number up in its list of errors'}."
    return DeliveryReport(carrier, key, carrier_id[:100], Fate.FAILED, reason)


def unknown(who: str) -> CarrierUnknown:
    return CarrierUnknown(
        f"{who} did not say whether it took the text, so it may have arrived or not: "
        "ask the person before you send it again."
    )


def judge(who: str, answer: Answer, code: str, meaning: str, *, opted_out: bool, retryable: bool) -> CarrierError:
    """The error for an answer that is no success. `code` is the carrier's own, `meaning` what it stands for."""
    said = f"{who} answered {answer.status}" + (f", error {code}" if code else "")
    if opted_out:
        return CarrierError(
            f"The person has opted out of texts at the carrier ({said}).", retryable=False, opted_out=True
        )
    if answer.status == 429 or answer.status == 503 or retryable:
        return CarrierError(
            f"{who} cannot take the text right now ({said}).",
            retryable=True,
            retry_after_seconds=answer.retry_after_seconds,
        )
    if answer.status in (401, 403) and not meaning:
        meaning = "it does not accept our account or secret: correct them"
    if answer.status >= 500:
        # A gateway's error says nothing about what happened behind it.
        return unknown(who)
    return CarrierError(f"{said}: {meaning or 'look the number up in its list of errors'}.", retryable=False)


def _seconds(value: str | None) -> float | None:
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER) if math.isfinite(seconds) else None
