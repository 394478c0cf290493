"""Whom a stage rings in the moment it begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.hours import weekly
from crm.domain.ringing import (
    AgentAvailability,
    DeviceAvailability,
    Mobile,
    OutsideNumber,
    Phone,
    RingStage,
    StageName,
    Strategy,
    ringing_seconds,
    who_to_ring,
)

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 2, 16, tzinfo=UTC)


def agent(
    slug: str, *devices: DeviceAvailability, idle_since: int | None = None, on_duty: bool = True
) -> AgentAvailability:
    """An agent whose last talk ended `idle_since` minutes ago."""
    ended = None if idle_since is None else NOW - timedelta(minutes=idle_since)
    return AgentAvailability(slug, on_duty, ended, devices or (DeviceAvailability(f"{slug}-desk"),))


def stage(*agents: str, strategy: Strategy = Strategy.RING_ALL) -> RingStage:
    return RingStage(StageName.EVERYONE, agents, 20, strategy)


def test_a_phone_that_rings_whatever_its_state_is_first_and_rings_once() -> None:
    lobby = Phone("alice-desk", "alice")
    alice = agent("alice", DeviceAvailability("alice-desk"), DeviceAvailability("alice-soft", whisper=True))
    dialed_911 = RingStage(StageName.EMERGENCY, ("alice", "bob"), 20, phone=lobby)
    assert who_to_ring(dialed_911, [alice, agent("bob", on_duty=False)], NOW) == [
        [lobby, Phone("alice-soft", "alice", confirm=False)]
    ]
    assert who_to_ring(replace(dialed_911, agents=()), [], NOW) == [[lobby]]


Batches = Sequence[Sequence[Phone | OutsideNumber]]


def of_agents(batches: Batches) -> list[list[Phone | Mobile]]:
    return [[one for one in batch if isinstance(one, Phone | Mobile)] for batch in batches]


def rung(batches: Batches) -> list[list[str]]:
    return [[one.device for one in batch] for batch in of_agents(batches)]


def test_dnd_is_per_device_and_ends_by_itself() -> None:
    for_good = DeviceAvailability("desk", dnd=True)
    until_later = DeviceAvailability("mobile", dnd=True, dnd_until=NOW + timedelta(seconds=1))
    until_now = DeviceAvailability("soft", dnd=True, dnd_until=NOW)
    stale = DeviceAvailability("browser", dnd=False, dnd_until=NOW + timedelta(hours=1))
    found = who_to_ring(stage("alice"), [agent("alice", for_good, until_later, until_now, stale)], NOW)
    assert rung(found) == [["soft", "browser"]]


def test_who_talks_on_one_phone_is_not_rung_on_another() -> None:
    busy = agent("alice", DeviceAvailability("desk", on_call=True), DeviceAvailability("mobile"))
    assert who_to_ring(stage("alice"), [busy], NOW) == []


def test_outside_their_own_hours_an_agent_is_not_rung_but_colleagues_reach_them() -> None:
    # NOW is Monday, 16:00 in UTC.
    within, outside = (weekly([(0, *span)], ZoneInfo("UTC")) for span in (("16:00", "17:00"), ("09:00", "16:00")))
    agents = [replace(agent("alice"), hours=within), replace(agent("bob"), hours=outside), agent("carol")]
    assert [one.may_ring(NOW) for one in agents] == [True, False, True]
    assert rung(who_to_ring(stage("alice", "bob", "carol"), agents, NOW)) == [["alice-desk", "carol-desk"]]
    assert [ref.device for ref in agents[1].free_phones(NOW)] == ["bob-desk"]


def test_only_hours_of_their_own_make_somebody_answer_while_the_office_is_closed() -> None:
    tz = ZoneInfo("UTC")
    some = replace(agent("alice"), hours=weekly([(0, "16:00", "17:00")], tz))
    all_week = replace(agent("bob"), hours=weekly([(day, "00:00", "24:00") for day in range(7)], tz))
    agents = [some, all_week, agent("carol"), replace(all_week, on_duty=False)]
    assert [one.answers_after_hours(NOW, holiday=False) for one in agents] == [True, True, False, False]
    assert [one.answers_after_hours(NOW, holiday=True) for one in agents] == [False, True, False, False]
    assert not some.answers_after_hours(NOW + timedelta(hours=1), holiday=False)


def test_off_duty_and_offline_are_not_reachable() -> None:
    away = agent("alice", on_duty=False)
    unplugged = agent("bob", DeviceAvailability("bob-desk", online=False))
    assert who_to_ring(stage("alice", "bob"), [away, unplugged], NOW) == []


def test_round_robin_begins_with_who_waited_longest() -> None:
    team = [agent("alice", idle_since=5), agent("bob", idle_since=60), agent("dan"), agent("carol")]
    found = who_to_ring(stage("alice", "bob", "carol", "dan", strategy=Strategy.ROUND_ROBIN), team, NOW)
    assert rung(found) == [["carol-desk"], ["dan-desk"], ["bob-desk"], ["alice-desk"]]


def test_ring_all_is_one_batch_of_all_their_phones() -> None:
    team = [agent("alice", DeviceAvailability("a1"), DeviceAvailability("a2")), agent("bob")]
    [batch] = who_to_ring(stage("alice", "bob"), team, NOW)
    assert {ref.device for ref in batch} == {"a1", "a2", "bob-desk"}


# --- mobiles ---

MOBILE = DeviceAvailability("alice-mobile", is_mobile=True, number="+15125550150", rings_after_seconds=8)
DESK = DeviceAvailability("alice-desk")


def with_mobile(*devices: DeviceAvailability, forwarding: bool = True) -> AgentAvailability:
    return replace(agent("alice", *devices), forwarding=forwarding)


def when(batches: Batches) -> list[tuple[str, float, bool]]:
    return [
        (one.device, one.after_seconds if isinstance(one, Mobile) else 0, one.confirm)
        for batch in of_agents(batches)
        for one in batch
    ]


def test_a_mobile_rings_after_the_other_phones_and_only_a_digit_connects_it() -> None:
    found = who_to_ring(stage("alice"), [with_mobile(DESK, MOBILE)], NOW)
    assert when(found) == [("alice-desk", 0, False), ("alice-mobile", 8, True)]
    assert isinstance(found[0][1], Mobile)
    assert found[0][1].number == "+15125550150"


def test_without_forwarding_no_mobile_rings() -> None:
    assert when(who_to_ring(stage("alice"), [with_mobile(DESK, MOBILE, forwarding=False)], NOW)) == [
        ("alice-desk", 0, False)
    ]
    assert who_to_ring(stage("alice"), [with_mobile(MOBILE, forwarding=False)], NOW) == []


@pytest.mark.parametrize("desk", [replace(DESK, online=False), replace(DESK, dnd=True)])
def test_without_a_phone_that_can_ring_the_mobile_rings_at_once(desk: DeviceAvailability) -> None:
    found = who_to_ring(stage("alice"), [with_mobile(desk, MOBILE)], NOW)
    assert when(found) == [("alice-mobile", 0, True)]


def test_a_mobile_has_its_own_dnd_and_ends_it_by_itself_pain_18() -> None:
    friday = replace(MOBILE, dnd=True, dnd_until=NOW)
    assert when(who_to_ring(stage("alice"), [with_mobile(DESK, friday)], NOW)) == [
        ("alice-desk", 0, False),
        ("alice-mobile", 8, True),
    ]
    still = replace(MOBILE, dnd=True, dnd_until=NOW + timedelta(minutes=1))
    assert when(who_to_ring(stage("alice"), [with_mobile(DESK, still)], NOW)) == [("alice-desk", 0, False)]


def test_who_talks_on_their_mobile_is_not_rung_on_the_desk_pain_6() -> None:
    assert who_to_ring(stage("alice"), [with_mobile(DESK, replace(MOBILE, on_call=True))], NOW) == []


def test_a_mobile_is_not_rung_for_its_own_call() -> None:
    team = [with_mobile(DESK, MOBILE)]
    assert when(who_to_ring(stage("alice"), team, NOW, caller="+15125550150")) == [("alice-desk", 0, False)]
    assert len(when(who_to_ring(stage("alice"), team, NOW, caller=None))) == 2


def test_the_whisper_can_be_switched_on_for_a_desk_phone() -> None:
    found = who_to_ring(stage("alice"), [agent("alice", replace(DESK, whisper=True))], NOW)
    assert when(found) == [("alice-desk", 0, True)]


def test_a_stage_lasts_until_its_last_mobile_has_had_a_chance() -> None:
    desk, mobile = Phone("d", "a"), Mobile("+15125550150", device="m", agent="a", after_seconds=8)
    assert ringing_seconds([desk], 10, 15) == 10
    assert ringing_seconds([desk, mobile], 10, 15) == 23
    assert ringing_seconds([desk, mobile], 40, 15) == 40
    assert ringing_seconds([], 10, 15) == 10


# --- whatever the office looks like ---

DEVICES = st.builds(
    DeviceAvailability,
    slug=st.sampled_from([f"d{number}" for number in range(12)]),
    dnd=st.booleans(),
    dnd_until=st.none() | st.sampled_from([NOW - timedelta(hours=1), NOW + timedelta(hours=1)]),
    online=st.booleans(),
    on_call=st.booleans(),
    is_mobile=st.booleans(),
    number=st.none() | st.just("+15125550150"),
    rings_after_seconds=st.sampled_from([0, 8]),
    whisper=st.booleans(),
)
AGENTS = st.lists(
    st.builds(
        AgentAvailability,
        slug=st.sampled_from("abcdef"),
        on_duty=st.booleans(),
        last_talk_ended_at=st.none() | st.integers(0, 90).map(lambda minutes: NOW - timedelta(minutes=minutes)),
        devices=st.lists(DEVICES, max_size=3, unique_by=lambda device: device.slug).map(tuple),
        forwarding=st.booleans(),
    ),
    max_size=6,
    unique_by=lambda one: one.slug,
)


@given(AGENTS, st.sets(st.sampled_from("abcdef")), st.sampled_from(Strategy))
def test_only_the_reachable_of_the_stage_ring_and_each_phone_once(
    team: list[AgentAvailability], names: set[str], strategy: Strategy
) -> None:
    batches = of_agents(who_to_ring(stage(*names, strategy=strategy), team, NOW))
    assert all(batches), "a batch without phones would be waited for in silence"
    refs = [ref for batch in batches for ref in batch]
    expected = {
        (one.slug, device.slug)
        for one in team
        if one.slug in names and one.on_duty and not any(device.on_call for device in one.devices)
        for device in one.devices
        if device.online and not (device.dnd and (device.dnd_until is None or device.dnd_until > NOW))
        if not device.is_mobile or (one.forwarding and device.number)
    }
    by_device = {device.slug: device for one in team for device in one.devices if one.slug in names}
    for ref in refs:
        if isinstance(ref, Mobile):
            assert ref.confirm, "somebody's voicemail would get the caller"
            assert len(expected) > 1 or not ref.after_seconds, "the caller would wait for nothing"
        if len([one for one in team for device in one.devices if device.slug == ref.device]) == 1:
            assert isinstance(ref, Mobile) == by_device[ref.device].is_mobile
    assert {(ref.agent, ref.device) for ref in refs} == expected
    assert len(refs) == len(expected)
    if strategy is Strategy.RING_ALL:
        assert len(batches) <= 1
    else:
        assert all(len({ref.agent for ref in batch}) == 1 for batch in batches)
        by_slug = {one.slug: one for one in team}
        ended = [by_slug[batch[0].agent].last_talk_ended_at or datetime.min.replace(tzinfo=UTC) for batch in batches]
        assert ended == sorted(ended)
