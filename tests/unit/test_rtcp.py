"""What AMI tells of RTCP."""

from __future__ import annotations

import pytest

from ari_app.edge.rtcp import SenderReport, sender_report

pytestmark = pytest.mark.unit

EVENT = {
    "Event": "RTCPReceived",
    "Channel": "PJSIP/alice-desk-00000001",
    "Uniqueid": "1772460000.7",
    "From": "192.0.2.7:4001",
    "PT": "200(SR)",
    "SentPackets": "262",
}


def test_a_sender_report_says_how_much_was_sent_and_whence_it_came() -> None:
    assert sender_report(EVENT) == SenderReport("1772460000.7", 262, "192.0.2.7")
    assert sender_report(EVENT | {"From": "[2001:db8::7]:4001"}) == SenderReport("1772460000.7", 262, "[2001:db8::7]")


@pytest.mark.parametrize("changed", [{"Event": "RTCPSent"}, {"SentPackets": "many"}, {"SentPackets": "9" * 11}])
def test_other_events_are_none(changed: dict[str, str]) -> None:
    assert sender_report(EVENT | changed) is None


@pytest.mark.parametrize("missing", ["Uniqueid", "SentPackets"])
def test_neither_is_a_report_without_a_channel_or_a_count(missing: str) -> None:
    assert sender_report({name: value for name, value in EVENT.items() if name != missing}) is None
