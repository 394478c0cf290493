"""The decision when everybody is in a talk: sisters, the answering service, the line."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from crm.domain.choosing import KeyedAnswer, PropertyChoice, Question
from crm.domain.ringing import StageName, Strategy
from crm.domain.routing import (
    TEAM,
    CallerFacts,
    OfficeFacts,
    OfficeState,
    Path,
    People,
    RoutePlan,
    RoutingInputs,
    Rule,
    Rules,
    decide,
)

pytestmark = pytest.mark.unit

ALL = frozenset(("alice", "bob", "carol", "dana"))
SERVICE = "+15125550190"
PEOPLE = People(
    subteam=("alice", "bob"),
    sisters=("carol",),
    everyone=("alice", "bob", "carol", "dana"),
    available=ALL,
    busy=frozenset(("alice", "bob")),
    owner="bob",
)
INPUTS = RoutingInputs(
    now=datetime(2026, 3, 2, 16, tzinfo=UTC),
    line_known=True,
    answers=(KeyedAnswer(Question.MENU, TEAM),),
    caller=CallerFacts("+15125550123"),
    choice=PropertyChoice("The number dialed is for Maple Court.", "maple"),
    people=PEOPLE,
    rules=Rules(
        agent_seconds=15,
        subteam_seconds=20,
        everyone_seconds=15,
        answering_seconds=25,
        queue=True,
        overflow_waiting=3,
    ),
)


def stages(plan: RoutePlan) -> list[str]:
    return [stage.name.value for stage in plan.stages]


def test_while_somebody_of_the_subteam_is_free_sisters_ring_after_it() -> None:
    plan = decide(replace(INPUTS, people=replace(PEOPLE, busy=frozenset(("alice",)))))
    assert (plan.rule, stages(plan)) == (Rule.SUBTEAM, ["subteam", "sisters", "everyone"])
    assert plan.otherwise == (Path.VOICEMAIL,)


def test_when_all_of_the_subteam_talk_then_sisters_ring_at_once_and_then_comes_the_line() -> None:
    plan = decide(INPUTS)
    assert (plan.rule, plan.path, stages(plan)) == (Rule.OVERFLOW, Path.LIVE, ["sisters", "subteam", "everyone"])
    assert plan.otherwise == (Path.QUEUE, Path.VOICEMAIL)
    assert set(plan.queue) == ALL


def test_whoever_has_no_phone_that_answers_does_not_count_as_free() -> None:
    plan = decide(replace(INPUTS, people=replace(PEOPLE, busy=frozenset(("alice",)), free=frozenset(("carol",)))))
    assert (plan.rule, stages(plan)[0]) == (Rule.OVERFLOW, "sisters")


def test_when_nobody_of_the_subteam_is_there_then_there_is_nobody_to_wait_for() -> None:
    plan = decide(replace(INPUTS, people=replace(PEOPLE, busy=frozenset(), free=frozenset(("carol",)))))
    assert Path.QUEUE not in plan.otherwise


@pytest.mark.parametrize("strategy", list(Strategy))
def test_sisters_ring_as_they_are_set(strategy: Strategy) -> None:
    plan = decide(replace(INPUTS, people=replace(PEOPLE, sisters_strategy=strategy)))
    assert (plan.stages[0].name, plan.stages[0].strategy) == (StageName.SISTERS, strategy)


def test_while_others_wait_whoever_is_free_next_is_not_for_a_new_caller() -> None:
    people = replace(PEOPLE, busy=frozenset(("alice",)), free=frozenset(("bob",)))
    plan = decide(replace(INPUTS, people=people, waiting=1))
    assert (plan.rule, stages(plan), plan.otherwise) == (Rule.OVERFLOW, ["sisters"], (Path.QUEUE, Path.VOICEMAIL))
    two_free = decide(replace(INPUTS, people=replace(people, free=frozenset(("bob", "dana"))), waiting=1))
    assert stages(two_free)[0] == "subteam"


def test_when_the_one_who_is_free_is_being_rung_for_who_waits_then_the_next_one_waits_though_nobody_talks() -> None:
    people = replace(PEOPLE, sisters=(), everyone=(), busy=frozenset(), free=frozenset(("bob",)))
    plan = decide(replace(INPUTS, people=people, waiting=1))
    assert (plan.path, stages(plan)) == (Path.QUEUE, [])


def test_when_enough_wait_then_the_next_one_goes_to_sisters_and_the_answering_service_and_leaves_a_message() -> None:
    plan = decide(replace(INPUTS, waiting=3, answering_service=SERVICE))
    assert (stages(plan), plan.otherwise) == (["sisters", "answering"], (Path.VOICEMAIL,))
    no_limit = decide(replace(INPUTS, waiting=3, rules=replace(INPUTS.rules, overflow_waiting=0)))
    assert no_limit.otherwise == (Path.QUEUE, Path.VOICEMAIL)


def test_without_a_queue_nobody_waits() -> None:
    plan = decide(replace(INPUTS, rules=replace(INPUTS.rules, queue=False)))
    assert (plan.otherwise, plan.queue) == ((Path.VOICEMAIL,), ())


def test_the_answering_service_presses_1_and_comes_after_everybody_here_pain_7() -> None:
    plan = decide(replace(INPUTS, answering_service=SERVICE))
    last = plan.stages[-1]
    assert (last.name, last.agents) == (StageName.ANSWERING, ())
    assert last.forward
    assert (last.forward.number, last.forward.confirm) == (SERVICE, True)
    nobody = decide(replace(INPUTS, people=People(), answering_service=SERVICE))
    assert (nobody.path, stages(nobody), nobody.otherwise) == (Path.LIVE, ["answering"], (Path.VOICEMAIL,))


def test_the_answering_service_is_not_rung_for_its_own_call_nor_when_closed_nor_for_zero_seconds() -> None:
    for changed in (
        replace(INPUTS, caller=CallerFacts(SERVICE)),
        replace(INPUTS, office=OfficeFacts(OfficeState.CLOSED)),
        replace(INPUTS, rules=replace(INPUTS.rules, answering_seconds=0)),
    ):
        assert "answering" not in stages(decide(replace(changed, answering_service=SERVICE)))
