"""Whether the voice agent or the menu answers, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from crm.domain.choosing import KeyedAnswer, PropertyChoice, Question
from crm.domain.leads import BEYOND_VOICE_AGENT
from crm.domain.route_inputs import AiAnswers
from crm.domain.routing import (
    PERSON,
    RESIDENTS,
    TEAM,
    CallerFacts,
    CallerKind,
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
from crm.domain.tasks import TaskKind

pytestmark = pytest.mark.unit

TEAM_OF_TWO = People(
    subteam=("alice", "bob"),
    everyone=("alice", "bob"),
    available=frozenset(("alice", "bob")),
    owner="bob",
)
INPUTS = RoutingInputs(
    now=datetime(2026, 3, 2, 16, tzinfo=UTC),
    line_known=True,
    caller=CallerFacts("+15125550199"),
    choice=PropertyChoice("The number dialed is for Maple Court.", "maple"),
    people=TEAM_OF_TWO,
    rules=Rules(agent_seconds=15, subteam_seconds=20, everyone_seconds=25),
    ai_answers=AiAnswers.ALWAYS,
)
CLOSED = replace(INPUTS, office=OfficeFacts(OfficeState.CLOSED))
BUSY = replace(TEAM_OF_TWO, busy=frozenset(("alice", "bob")))


def why(plan: RoutePlan) -> list[str]:
    texts = (reason.text for reason in plan.reasons if reason.rule is Rule.VOICE_AGENT)
    return [text for text in texts if "voice agent" in text]


def test_always_and_after_hours() -> None:
    plan = decide(INPUTS)
    assert (plan.path, plan.rule) == (Path.VOICE_AGENT, Rule.VOICE_AGENT)
    assert plan.otherwise == (Path.ASK,)
    assert (plan.task.kind, plan.task.owner) == (TaskKind.CALL_BACK, "bob")
    assert why(plan) == ["The voice agent answers at all hours."]
    after_hours = AiAnswers.AFTER_HOURS
    assert decide(replace(CLOSED, ai_answers=after_hours)).path is Path.VOICE_AGENT
    by_day = decide(replace(INPUTS, ai_answers=after_hours))
    assert by_day.path is Path.ASK
    assert why(by_day) == ["The voice agent answers only while the office is closed."]


def test_overflow_is_while_all_of_the_propertys_people_are_on_calls() -> None:
    inputs = replace(INPUTS, ai_answers=AiAnswers.OVERFLOW)
    assert decide(inputs).path is Path.ASK
    plan = decide(replace(inputs, people=BUSY))
    assert plan.path is Path.VOICE_AGENT
    assert "All of the property's people are on calls." in [reason.text for reason in plan.reasons]
    closed = replace(inputs, people=BUSY, office=CLOSED.office)
    assert decide(closed).path is Path.ASK


def test_where_it_is_off_nothing_is_said_of_it() -> None:
    plan = decide(replace(INPUTS, ai_answers=AiAnswers.OFF))
    assert plan.path is Path.ASK
    assert why(plan) == []


@pytest.mark.parametrize("stage", sorted(BEYOND_VOICE_AGENT))
def test_whoever_is_past_the_early_stages_gets_the_menu(stage: str) -> None:
    plan = decide(replace(INPUTS, caller=replace(INPUTS.caller, stage=stage)))
    assert plan.path is Path.ASK
    assert why(plan) == [f"The caller is past the voice agent: {stage.replace('_', ' ')}."]


@pytest.mark.parametrize("kind", [CallerKind.RESIDENT, CallerKind.OWNER, CallerKind.VENDOR])
def test_residents_owners_and_vendors_go_the_ordinary_way(kind: CallerKind) -> None:
    inputs = replace(INPUTS, caller=replace(INPUTS.caller, kind=kind))
    assert decide(inputs) == decide(replace(inputs, ai_answers=AiAnswers.OFF))


@pytest.mark.parametrize("keys", [TEAM, PERSON, RESIDENTS])
def test_after_its_turn_the_keys_lead_where_the_menus_do(keys: str) -> None:
    had_its_turn = (KeyedAnswer(Question.VOICE_AGENT, ""),)
    keyed = KeyedAnswer(Question.MENU, keys)
    assert decide(replace(INPUTS, answers=had_its_turn)).path is Path.ASK
    plan = decide(replace(INPUTS, answers=(*had_its_turn, keyed)))
    without = decide(replace(INPUTS, answers=(keyed,), ai_answers=AiAnswers.OFF))
    assert (plan.path, plan.stages, plan.otherwise) == (without.path, without.stages, without.otherwise)
    assert why(plan) == ["The voice agent answered first."]
