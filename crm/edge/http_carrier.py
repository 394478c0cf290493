"""What carriers with an HTTP API share: one HTTP client, and what an error they report means for a text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from crm.edge.carrier import CarrierError, CarrierUnknown, DeliveryReport, Fate, OutgoingText

if TYPE_CHECKING:
    import httpx

SECONDS, CONNECT_SECONDS = 15.0, 5.0
CONNECTIONS = 32
LONGEST_RETRY_AFTER = 86400.0
LONGEST_TEXT = 1600
"""Characters; the carriers refuse longer ones."""
_LOOK_UP = "look up the number in its list of errors"


def client() -> httpx.AsyncClient:
    """Returns a client to keep as long as the process sends: a new connection costs two round trips and a handshake."""
    import httpx  # Texts that go by SIP need none of it.

    timeout = httpx.Timeout(SECONDS, connect=CONNECT_SECONDS)
    return httpx.AsyncClient(timeout=timeout, follow_redirects=False, limits=httpx.Limits(max_connections=CONNECTIONS))


@dataclass(frozen=True)
class CarrierAnswer:
    status: int
    body: Mapping[str, Any]
    """Empty unless the answer is a JSON object."""
    retry_after_seconds: float | None


def callback(url: str, text: OutgoingText) -> str:
    """Returns the URL for the carrier's report, with our own key: a report may arrive before the carrier's id is
    stored."""
    return f"{url}?{urlencode({'key': text.key})}"


@dataclass(frozen=True)
class Service:
    """One carrier and the meanings of its error codes."""

    name: str
    """As in texts.carrier."""
    title: str
    opted_out: str
    """The code for a person who wants no texts from us."""
    retryable: frozenset[str]
    """Codes after which another attempt may succeed."""
    meanings: Mapping[str, str]
    """Other codes, each with the end of a sentence."""

    async def post(self, http: httpx.AsyncClient, text: OutgoingText, url: str, **request: Any) -> CarrierAnswer:
        """Asks the carrier to accept a text. Raises CarrierError if nothing has been sent, CarrierUnknown if it may
        have been."""
        import httpx

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
            # Sent completely or in part: nobody can say whether the text was accepted.
            raise self._unknown() from error
        try:
            body = response.json()
        except ValueError:
            body = {}
        return CarrierAnswer(
            response.status_code, body if isinstance(body, dict) else {}, _seconds(response.headers.get("Retry-After"))
        )

    def refusal(self, answer: CarrierAnswer, code: str) -> CarrierError:
        """Returns the error for an unsuccessful answer; `code` is empty if the answer has none."""
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
            # An error from a gateway says nothing about what happened behind it.
            return self._unknown()
        meaning = self.meanings.get(code, "")
        if answer.status in (401, 403) and not meaning:
            meaning = "it does not accept our account or secret: correct them"
        return CarrierError(f"{said}: {meaning or _LOOK_UP}.", retryable=False)

    def failure(self, key: str, carrier_id: str, code: str) -> DeliveryReport:
        """Returns the report that an accepted text was not delivered, or that the person opted out."""
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
