"""How much sound the phones say they have sent: RTCP sender reports (RFC 3550), as AMI tells of them.

Asterisk takes reports from wherever they come, so they tell of sound that it drops because it comes from elsewhere.
Which stream one is of is not told: what AMI calls SSRC is another word of the report (Asterisk 22.10.1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_COUNT = re.compile(r"\d{1,10}", re.ASCII)


@dataclass(frozen=True)
class SenderReport:
    channel_id: str
    packets: int
    """Sent since the stream began."""
    host: str
    """Where the report came from."""


def sender_report(event: Any) -> SenderReport | None:
    """What an event of AMI says; None for all but a sender report on a channel."""
    packets = _COUNT.fullmatch(str(event.get("SentPackets")))
    if event.get("Event") != "RTCPReceived" or "Uniqueid" not in event or packets is None:
        return None
    return SenderReport(str(event["Uniqueid"]), int(packets[0]), host_of(str(event.get("From"))))


def host_of(address: str) -> str:
    """Without the port, as Asterisk writes both."""
    return address.rpartition(":")[0]
