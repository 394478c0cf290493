"""What carriers with an HTTP API have in common: one kept client, and what a failure they tell of says about a text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx

from crm.edge.carrier import CarrierError, CarrierUnknown, DeliveryReport, Fate, OutgoingText

SECONDS = httpx.Timeout(15.0, connect=5.0)
LIMITS = httpx.Limits(max_connections=32)
LONGEST_RETRY_AFTER = 86400.0
LONGEST_TEXT = 1600
"""Characters; the carriers refuse more."""
_LOOK_UP = "look up the number in its list of errors"


def client() -> httpx.AsyncClient:
    """Kept for as long as the process sends: a new connection for each text costs two round trips and a handshake."""
    return httpx.AsyncClient(timeout=SECONDS, follow_redirects=False, limits=LIMITS)


@dataclass(frozen=True)
class CarrierAnswer:
    status: int
    body: Mapping[str, Any]
    """Empty unless it is a JSON object."""
    retry_after_seconds: float | None


def callback(url: str, text: OutgoingText) -> str:
    """Where the carrier reports to, with our own key in it: a report may come before the carrier's id is on record."""
    return f"{url}?{urlencode({'key': text.key})}"


@dataclass(frozen=True)
class Service:
    """One carrier, and what its error codes stand for."""

    name: str
    """As texts.carrier names it."""
    title: str
    opted_out: str
    """The code that says that the person wants no texts from us."""
    retryable: frozenset[str]
    """Codes that another try may get past."""
    meanings: Mapping[str, str]
    """Other codes, as the end of a sentence."""

    async def post(self, http: httpx.AsyncClient, text: OutgoingText, url: str, **request: Any) -> CarrierAnswer:
        """Asks the carrier to take a text. Raises CarrierError when nothing has been sent, CarrierUnknown when nobody
        knows."""
        if len(text.body) > LONGEST_TEXT:
            raise CarrierError(
                f"{self.title} does not accept texts of more than {LONGEST_TEXT} characters.", retryable=False
            )
        try:
            response = await http.post(url, **request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise CarrierError(
                f"{self.title} cannot be reached: check this machine's Internet connection.", retryable=True
            ) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise CarrierError(
                f"The address of {self.title} in leaseline.toml is not a web address.", retryable=False
            ) from error
        except httpx.HTTPError as error:
            # Sent, or partly: whether it was taken nobody can say.
            raise self._unknown() from error
        try:
            body = response.json()
        except ValueError:
            body = {}
        return CarrierAnswer(
            response.status_code, body if isinstance(body, dict) else {}, _seconds(response.headers.get("Retry-After"))
        )

    def refusal(self, answer: CarrierAnswer, code: str) -> CarrierError:
        """The error for an unsuccessful answer; `code` is empty when it has none."""
        said = f"{self.title} answered {answer.status}" + (f", error {code}" if code else "")
        if code == self.opted_out:
            return CarrierError(
                f"The person has opted out of texts at the carrier ({said}).", retryable=False, opted_out=True
            )
        if answer.status == 429 or answer.status == 503 or code in self.retryable:
            return CarrierError(
                f"{self.title} cannot take the text right now ({said}).",
                retryable=True,
                retry_after_seconds=answer.retry_after_seconds,
            )
        if answer.status >= 500:
            # A gateway's error says nothing about what happened behind it.
            return self._unknown()
        meaning = self.meanings.get(code, "")
        if answer.status in (401, 403) and not meaning:
            meaning = "it does not accept our account or secret: correct them"
        return CarrierError(f"{said}: {meaning or _LOOK_UP}.", retryable=False)

    def failure(self, key: str, carrier_id: str, code: str) -> DeliveryReport:
        """The report that a text which was taken has not arrived, or that the person wants none."""
        if code == self.opted_out:
            fate, reason = Fate.OPTED_OUT, f"{self.title} says that the person opted out (error {code})."
        else:
            meaning = self.meanings.get(code) or _LOOK_UP
            fate, reason = Fate.FAILED, f"{self.title} could not deliver it (error {code}): {meaning}."
        return DeliveryReport(self.name, key, carrier_id[:100], fate, reason)

    def _unknown(self) -> CarrierUnknown:
        return CarrierUnknown(
            f"{self.title} did not say whether it accepted the text, so it may or may not have arrived: "
            "ask the person before you resend it."
        )


def _seconds(value: str | None) -> float | None:
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER) if math.isfinite(seconds) else None
