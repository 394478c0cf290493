"""Which passwords Asterisk's SIP was shown, right or wrong: two of AMI's security events.

They are read by an AMI user that may read these events and nothing else. Attackers decide how many there are, so they
come over a separate connection, which is dropped for a while when there are too many.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ari_app.edge import ami
from ari_app.edge.errors import AsteriskUnreachable

MOST = 3000
"""Attempts between two looks; more, and nobody listens for PAUSE_SECONDS."""
PAUSE_SECONDS = 10.0

# Asterisk's own words; what attackers write stands in fields of their own.
_REMOTE = re.compile(r"IPV4/(?:UDP|TCP|TLS)/(\d{1,3}(?:\.\d{1,3}){3})/\d{1,5}", re.ASCII)


class AttemptKind(StrEnum):
    """AMI's name of the event."""

    SUCCEEDED = "SuccessfulAuth"
    FAILED = "ChallengeResponseFailed"


@dataclass(frozen=True)
class Attempt:
    """Somebody showed a password."""

    kind: AttemptKind
    address: str
    """IPv4."""


class SecurityWatch:
    """Collects the attempts between two looks."""

    def __init__(self, port: int, secret: str) -> None:
        self._connection = ami.AmiConnection(port, secret, "leaseline-watch", self._on_event)
        self._seen: list[Attempt] = []
        self._deaf_until = 0.0

    async def attempts(self) -> Sequence[Attempt]:
        """Those since the look before. Raises AsteriskUnreachable."""
        if asyncio.get_running_loop().time() >= self._deaf_until:
            answer = await self._connection.send(Action="Ping")
            if getattr(answer, "response", "") != "Success":
                raise AsteriskUnreachable("Asterisk's AMI does not let us read its security events")
        seen, self._seen = self._seen, []
        return seen

    def close(self) -> None:
        self._connection.close()

    def _on_event(self, _: object, event: Any) -> None:
        if (found := attempt(event)) is None:
            return
        self._seen.append(found)
        if len(self._seen) >= MOST:
            self._connection.close()
            self._deaf_until = asyncio.get_running_loop().time() + PAUSE_SECONDS


def attempt(event: Any) -> Attempt | None:
    """What an event says; None unless it is an attempt by SIP over the network."""
    remote = _REMOTE.fullmatch(str(event.get("RemoteAddress", "")))
    if remote is None or event.get("Service") != "PJSIP":
        return None
    try:
        kind = AttemptKind(event["Event"])
    except ValueError:
        return None
    if kind is AttemptKind.SUCCEEDED and event.get("UsingPassword") != "1":
        return None  # For example, endpoints identified by their address.
    return Attempt(kind, remote[1])
