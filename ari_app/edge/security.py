"""Which SIP passwords were tried, right or wrong: two of AMI's security events.

They are read by an AMI user that can read these events and nothing else. Since attackers decide how many there are,
they come over a separate connection, which is closed for a while if there are too many.
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
"""Most attempts between two looks; if there are more, the connection is closed for PAUSE_SECONDS."""
PAUSE_SECONDS = 10.0

# This field is written by Asterisk; what attackers choose is in other fields.
_REMOTE = re.compile(r"IPV4/(?:UDP|TCP|TLS)/(\d{1,3}(?:\.\d{1,3}){3})/\d{1,5}", re.ASCII)


class AttemptKind(StrEnum):
    """The event's name in AMI."""

    SUCCEEDED = "SuccessfulAuth"
    FAILED = "ChallengeResponseFailed"


@dataclass(frozen=True)
class Attempt:
    """One attempt with a password."""

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
        """The attempts since the previous call. Raises AsteriskUnreachable."""
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
    """The attempt that an event reports; None unless it was made by SIP over the network."""
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
