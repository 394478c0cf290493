"""Whose sound it is that counts as a phone's."""

from __future__ import annotations

import pytest

from ari_app.edge.sources import is_same_host

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("sound", "target", "own"),
    [
        ("203.0.113.7:4000", "sip:alice-desk@203.0.113.7:5060", True),
        ("203.0.113.7:4000", "sip:203.0.113.7:5060", True),
        ("203.0.113.7:4000", "<sip:alice-desk@203.0.113.7;transport=tls>", True),
        ("[2001:db8::7]:4000", "sip:alice-desk@[2001:db8::7]:5060", True),
        ("198.51.100.9:4000", "sip:alice-desk@203.0.113.7:5060", False),
        ("203.0.113.70:4000", "sip:alice-desk@203.0.113.7:5060", False),
        ("198.51.100.9:4000", "sip:198.51.100.9@203.0.113.7:5060", False),
        ("198.51.100.9:4000", "sip:abc@127.0.0.1:40000;transport=ws", True),
        ("198.51.100.9:4000", "sip:alice@example.com", False),
        ("", "", False),
        ("", "sip:203.0.113.7", False),
    ],
)
def test_sound_is_a_phone_s_own_if_it_comes_from_where_its_sip_does(sound: str, target: str, own: bool) -> None:
    assert is_same_host(sound, target) is own
