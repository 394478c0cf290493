"""How much audio phones say they have sent: RTCP sender reports (RFC 3550), as relayed by AMI.

Asterisk accepts reports from anywhere, so they count audio that it drops because it comes from elsewhere. Which stream
a report is about is unknown: what AMI calls SSRC is another word of the report (Asterisk 22.10.1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

EVENT = "RTCPReceived"
"""AMI's name of what is read here."""
_COUNT = re.compile(r"\d{1,10}", re.ASCII)


@dataclass(frozen=True)
class SenderReport:
    channel_id: str
    packets: int
    """Number of packets sent since the stream began."""
    host: str
    """The host that the report came from."""


def sender_report(event: Any) -> SenderReport | None:
    """The report in an AMI event; None for anything other than a sender report on a channel."""
    packets = _COUNT.fullmatch(str(event.get("SentPackets")))
    if event.get("Event") != EVENT or "Uniqueid" not in event or packets is None:
        return None
    return SenderReport(str(event["Uniqueid"]), int(packets[0]), host_of(str(event.get("From"))))


def host_of(address: str) -> str:
    """The host of an address in Asterisk's notation, which ends with the port."""
    return address.rpartition(":")[0]
