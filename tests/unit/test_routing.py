"""Whom a call rings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.routing import (
    AgentAvailability,
    DeviceAvailability,
    DeviceRef,
    RoutingInputs,
    Rule,
    Stage,
    StageName,
    Strategy,
    decide,
    ringing_seconds,
    who_to_ring,
)

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 2, 16, tzinfo=UTC)
INPUTS = RoutingInputs(
    line_known=True,
    is_open=True,
    assigned_agent="alice",
    subteam=("alice", "bob"),
    subteam_strategy=Strategy.ROUND_ROBIN,
    everyone=("alice", "bob", "carol"),
    agent_seconds=15,
    subteam_seconds=20,
    everyone_seconds=25,
)


def agent(
    slug: str, *devices: DeviceAvailability, idle_since: int | None = None, on_duty: bool = True
) -> AgentAvailability:
    """An agent whose last talk ended `idle_since` minutes ago."""
    ended = None if idle_since is None else NOW - timedelta(minutes=idle_since)
    return AgentAvailability(slug, on_duty, ended, devices or (DeviceAvailability(f"{slug}-desk"),))


def stage(*agents: str, strategy: Strategy = Strategy.RING_ALL) -> Stage:
    return Stage(StageName.EVERYONE, agents, 20, strategy)


def rung(batches: list[list[DeviceRef]]) -> list[list[str]]:
    return [[ref.device for ref in batch] for batch in batches]


def test_three_stages_from_the_nearest_to_everyone() -> None:
    plan = decide(INPUTS)
    assert plan.rule is Rule.ASSIGNED_AGENT
    assert [(one.name.value, one.agents, one.seconds, one.strategy.value) for one in plan.stages] == [
        ("agent", ("alice",), 15, "ring_all"),
        ("subteam", ("alice", "bob"), 20, "round_robin"),
        ("everyone", ("alice", "bob", "carol"), 25, "ring_all"),
    ]


def test_without_assigned_agent_the_subteam_is_first_and_without_subteam_everyone() -> None:
    assert decide(replace(INPUTS, assigned_agent=None)).rule is Rule.SUBTEAM
    plan = decide(replace(INPUTS, assigned_agent=None, subteam=()))
    assert plan.rule is Rule.EVERYONE
    assert "The caller has no assigned agent." in plan.reasons


def test_closed_and_unknown_line_ring_nobody() -> None:
    assert decide(replace(INPUTS, is_open=False)).rule is Rule.CLOSED
    assert decide(replace(INPUTS, is_open=False)).stages == ()
    assert decide(replace(INPUTS, line_known=False)).rule is Rule.UNKNOWN_LINE
    assert decide(replace(INPUTS, assigned_agent=None, subteam=(), everyone=())).rule is Rule.NOBODY


def test_a_stage_of_zero_seconds_is_left_out_with_its_reason() -> None:
    plan = decide(replace(INPUTS, agent_seconds=0))
    assert [one.name for one in plan.stages] == [StageName.SUBTEAM, StageName.EVERYONE]
    assert "Stage agent is set to 0 seconds." in plan.reasons


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


def when(batches: list[list[DeviceRef]]) -> list[tuple[str, float, bool]]:
    return [(ref.device, ref.after_seconds, ref.confirm) for batch in batches for ref in batch]


def test_a_mobile_rings_after_the_other_phones_and_only_a_digit_connects_it() -> None:
    found = who_to_ring(stage("alice"), [with_mobile(DESK, MOBILE)], NOW)
    assert when(found) == [("alice-desk", 0, False), ("alice-mobile", 8, True)]
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
        ("alice-desk", 0, False), ("alice-mobile", 8, True),
    ]  # fmt: skip
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
    desk, mobile = DeviceRef("d", "a"), DeviceRef("m", "a", "+15125550150", 8, True)
    assert ringing_seconds([desk], 10, 15) == 10
    assert ringing_seconds([desk, mobile], 10, 15) == 23
    assert ringing_seconds([desk, mobile], 40, 15) == 40
    assert ringing_seconds([], 10, 15) == 10


# --- all calls to one number ---

FORWARDED = replace(INPUTS, forward_to="+15125550190", caller="+15125550123")


@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize("confirm", [True, False])
def test_all_calls_go_to_one_number_in_place_of_the_team(is_open: bool, confirm: bool) -> None:
    plan = decide(replace(FORWARDED, is_open=is_open, forward_confirm=confirm))
    assert plan.rule is Rule.OFFICE_FORWARD
    [one] = plan.stages
    assert (one.name, one.agents) == (StageName.OFFICE, ())
    [[ref]] = who_to_ring(one, [agent("alice")], NOW)
    assert (ref.number, ref.device, ref.agent, ref.confirm) == ("+15125550190", "", "", confirm)


def test_the_team_rings_when_it_cannot_be_forwarded_and_the_reason_is_kept() -> None:
    plan = decide(replace(FORWARDED, forward_failed="No trunk took it."))
    assert plan.rule is Rule.ASSIGNED_AGENT
    assert [one.name for one in plan.stages] == [one.name for one in decide(INPUTS).stages]
    assert any("No trunk took it." in reason for reason in plan.reasons)
    closed = decide(replace(FORWARDED, forward_failed="No trunk took it.", is_open=False))
    assert (closed.rule, closed.stages) == (Rule.CLOSED, ())
    assert any("No trunk took it." in reason for reason in closed.reasons)


def test_a_call_from_that_number_goes_to_the_team() -> None:
    plan = decide(replace(FORWARDED, caller=FORWARDED.forward_to))
    assert plan.rule is Rule.ASSIGNED_AGENT
    assert any("comes from that very number" in reason for reason in plan.reasons)


def test_an_unknown_line_is_not_forwarded() -> None:
    assert decide(replace(FORWARDED, line_known=False)).rule is Rule.UNKNOWN_LINE


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
    batches = who_to_ring(stage(*names, strategy=strategy), team, NOW)
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
        if ref.number:
            assert ref.confirm, "somebody's voicemail would get the caller"
            assert len(expected) > 1 or not ref.after_seconds, "the caller would wait for nothing"
        if len([one for one in team for device in one.devices if device.slug == ref.device]) == 1:
            assert bool(ref.number) == by_device[ref.device].is_mobile
    assert {(ref.agent, ref.device) for ref in refs} == expected
    assert len(refs) == len(expected)
    if strategy is Strategy.RING_ALL:
        assert len(batches) <= 1
    else:
        assert all(len({ref.agent for ref in batch}) == 1 for batch in batches)
        by_slug = {one.slug: one for one in team}
        ended = [by_slug[batch[0].agent].last_talk_ended_at or datetime.min.replace(tzinfo=UTC) for batch in batches]
        assert ended == sorted(ended)


@given(
    st.builds(
        RoutingInputs,
        line_known=st.booleans(),
        is_open=st.booleans(),
        assigned_agent=st.none() | st.just("a"),
        subteam=st.sampled_from([(), ("a", "b")]),
        subteam_strategy=st.sampled_from(Strategy),
        everyone=st.sampled_from([(), ("a", "b", "c")]),
        agent_seconds=st.sampled_from([0.0, 5.0]),
        subteam_seconds=st.sampled_from([0.0, 5.0]),
        everyone_seconds=st.sampled_from([0.0, 5.0]),
        caller=st.none() | st.just("+15125550190"),
        forward_to=st.none() | st.sampled_from(["+15125550190", "+15125550191"]),
        forward_confirm=st.booleans(),
        forward_failed=st.sampled_from(["", "No trunk took it."]),
    )
)
def test_every_plan_says_why_and_has_no_empty_stage(inputs: RoutingInputs) -> None:
    plan = decide(inputs)
    assert plan.reasons
    assert all((one.agents or one.forward) and one.seconds > 0 for one in plan.stages)
    team = {Rule.ASSIGNED_AGENT, Rule.SUBTEAM, Rule.EVERYONE}
    assert bool(plan.stages) == (plan.rule in team | {Rule.OFFICE_FORWARD})
    assert not plan.stages or (inputs.line_known and (inputs.is_open or plan.rule is Rule.OFFICE_FORWARD))
    forwards = bool(inputs.line_known and inputs.forward_to and inputs.forward_to != inputs.caller)
    assert (plan.rule is Rule.OFFICE_FORWARD) == (forwards and not inputs.forward_failed)
