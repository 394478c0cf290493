"""What there is in Asterisk is kept from events, and from lists that are older than some of them."""

from __future__ import annotations

import pytest

from ari_app.edge import events
from ari_app.edge.events import CallerID, Channel, DialplanCEP, Endpoint
from ari_app.edge.present import Present

pytestmark = pytest.mark.unit


def channel(id: str, state: str = "Down") -> Channel:
    return Channel(id, f"PJSIP/alice-desk-{id}", state, CallerID("", ""), DialplanCEP("", "", 1))


def states(present: Present) -> dict[str, str]:
    return {id: one.state for id, one in present.channels.items()}


def test_a_channel_is_there_from_its_beginning_to_its_end() -> None:
    present = Present()
    present.hear(events.ChannelCreated(channel("1")))
    present.hear(events.ChannelStateChange(channel("1", "Up")))
    assert states(present) == {"1": "Up"}
    present.hear(events.ChannelDestroyed(channel("1", "Up"), cause=16))
    assert states(present) == {}


def test_whoever_hangs_up_is_on_no_call_any_more_though_the_channel_is_still_there() -> None:
    present = Present()
    present.hear(events.ChannelCreated(channel("1", "Up")))
    present.hear(events.ChannelHangupRequest(channel("1", "Up"), cause=16))
    assert (states(present), present.ending) == ({"1": "Up"}, {"1"})
    present.hear(events.ChannelDestroyed(channel("1", "Up"), cause=16))
    assert (states(present), present.ending) == ({}, set())


def test_what_was_missed_of_a_hangup_goes_with_the_next_list() -> None:
    present = Present()
    present.hear(events.ChannelHangupRequest(channel("1", "Up"), cause=16))
    with present.listing() as listing:
        listing.channels([channel("2")])
    assert present.ending == set()


def test_a_channel_of_ours_is_there_before_its_event_which_may_have_come_already() -> None:
    present = Present()
    present.made(channel("1"))
    assert states(present) == {"1": "Down"}
    present.hear(events.ChannelStateChange(channel("1", "Up")))
    present.made(channel("1"))
    assert states(present) == {"1": "Up"}


def test_what_happens_while_a_list_is_asked_for_counts_more_than_the_list() -> None:
    present = Present()
    with present.listing() as listing:
        present.hear(events.ChannelDestroyed(channel("gone", "Up"), cause=16))
        present.hear(events.ChannelCreated(channel("new")))
        listing.channels([channel("gone", "Up"), channel("stays", "Up")])
    assert states(present) == {"stays": "Up", "new": "Down"}


def test_a_list_makes_good_what_no_event_told() -> None:
    present = Present()
    present.hear(events.ChannelCreated(channel("ghost")))
    with present.listing() as listing:
        listing.channels([channel("missed", "Up")])
    assert states(present) == {"missed": "Up"}


def test_phones_come_and_go() -> None:
    present = Present()
    with present.listing() as listing:
        listing.endpoints([Endpoint("PJSIP", "alice-desk", "online"), Endpoint("PJSIP", "bob-desk", "offline")])
    assert present.online == {"alice-desk"}
    present.hear(events.PeerStatusChange(Endpoint("PJSIP", "bob-desk", "online")))
    present.hear(events.PeerStatusChange(Endpoint("PJSIP", "alice-desk", "offline")))
    assert present.online == {"bob-desk"}
