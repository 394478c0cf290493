"""The one decision about a call."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from crm.domain.choosing import KeyedAnswer, PropertyChoice, Question
from crm.domain.ringing import OutsideNumber, StageName, Strategy
from crm.domain.routing import (
    OTHER_LANGUAGE,
    TEAM,
    CallerFacts,
    CallerKind,
    DeskKind,
    DeskRoute,
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

NOW = datetime(2026, 3, 2, 16, tzinfo=UTC)
TO_TEAM = (KeyedAnswer(Question.MENU, TEAM),)
PEOPLE = People(
    subteam=("alice", "bob"),
    strategy=Strategy.ROUND_ROBIN,
    everyone=("alice", "bob", "carol"),
    available=frozenset(("alice", "bob", "carol")),
    owner="bob",
)
INPUTS = RoutingInputs(
    now=NOW,
    line_known=True,
    caller=CallerFacts(assigned_agent="alice"),
    answers=TO_TEAM,
    choice=PropertyChoice("The number dialed is for Maple Court.", "maple"),
    people=PEOPLE,
    rules=Rules(agent_seconds=15, subteam_seconds=20, everyone_seconds=25),
)
CLOSED = OfficeFacts(OfficeState.CLOSED)
UNASSIGNED = CallerFacts()


def texts(plan: RoutePlan) -> list[str]:
    return [reason.text for reason in plan.reasons]


def test_three_stages_from_the_nearest_to_everyone() -> None:
    plan = decide(INPUTS)
    assert (plan.path, plan.rule) == (Path.LIVE, Rule.ASSIGNED_AGENT)
    assert [(one.name.value, one.agents, one.seconds, one.strategy.value) for one in plan.stages] == [
        ("agent", ("alice",), 15, "ring_all"),
        ("subteam", ("alice", "bob"), 20, "round_robin"),
        ("everyone", ("alice", "bob", "carol"), 25, "ring_all"),
    ]


def test_without_assigned_agent_the_subteam_is_first_and_without_subteam_everyone() -> None:
    assert decide(replace(INPUTS, caller=UNASSIGNED)).rule is Rule.SUBTEAM
    plan = decide(replace(INPUTS, caller=UNASSIGNED, people=replace(PEOPLE, subteam=())))
    assert plan.rule is Rule.EVERYONE
    assert "The caller has no assigned agent." in texts(plan)


def test_closed_and_unknown_line_ring_nobody() -> None:
    closed = decide(replace(INPUTS, office=CLOSED))
    assert (closed.rule, closed.path, closed.stages) == (Rule.CLOSED, Path.VOICEMAIL, ())
    assert decide(replace(INPUTS, line_known=False)).rule is Rule.UNKNOWN_LINE
    assert decide(replace(INPUTS, people=People())).rule is Rule.NOBODY


def test_a_stage_of_zero_seconds_is_left_out_with_its_reason() -> None:
    plan = decide(replace(INPUTS, rules=replace(INPUTS.rules, agent_seconds=0)))
    assert [one.name for one in plan.stages] == [StageName.SUBTEAM, StageName.EVERYONE]
    assert "Stage agent is set to 0 seconds." in texts(plan)


# --- all calls to one number ---

FORWARDED = replace(INPUTS, forward_to="+15125550190", caller=CallerFacts("+15125550123", assigned_agent="alice"))


@pytest.mark.parametrize("office", [OfficeFacts(), CLOSED])
@pytest.mark.parametrize("confirm", [True, False])
def test_all_calls_go_to_one_number_in_place_of_the_team(office: OfficeFacts, confirm: bool) -> None:
    plan = decide(replace(FORWARDED, office=office, forward_confirm=confirm))
    assert plan.rule is Rule.OFFICE_FORWARD
    [one] = plan.stages
    assert (one.name, one.agents) == (StageName.OFFICE, ())
    assert one.forward == OutsideNumber("+15125550190", confirm)


def test_the_team_rings_when_it_cannot_be_forwarded_and_the_reason_is_kept() -> None:
    plan = decide(replace(FORWARDED, forward_failed="No trunk took it."))
    assert plan.rule is Rule.ASSIGNED_AGENT
    assert [one.name for one in plan.stages] == [one.name for one in decide(INPUTS).stages]
    assert any("No trunk took it." in reason for reason in texts(plan))
    closed = decide(replace(FORWARDED, forward_failed="No trunk took it.", office=CLOSED))
    assert (closed.rule, closed.stages) == (Rule.CLOSED, ())
    assert any("No trunk took it." in reason for reason in texts(closed))


def test_a_call_from_that_number_goes_to_the_team() -> None:
    plan = decide(replace(FORWARDED, caller=CallerFacts(FORWARDED.forward_to, assigned_agent="alice")))
    assert plan.rule is Rule.ASSIGNED_AGENT
    assert any("comes from that number" in reason for reason in texts(plan))


def test_an_unknown_line_is_not_forwarded() -> None:
    assert decide(replace(FORWARDED, line_known=False)).rule is Rule.UNKNOWN_LINE


@pytest.mark.parametrize("question", [Question.MENU, Question.URGENT])
@pytest.mark.parametrize(
    ("line", "chosen", "offered", "order"),
    [
        ("en", "", ("es", "fr"), ("en", "es", "fr")),
        ("es", "", ("en", "es", "fr"), ("es", "en", "fr")),
        ("en", "fr", ("es", "fr"), ("fr", "en", "es")),
        ("en", "es", (), ("es", "en")),
        ("es", "", (), ("es", "en")),
    ],
)
def test_key_9_leads_round_all_languages_and_each_question_names_the_next_in_that_language(
    line: str, chosen: str, offered: tuple[str, ...], order: tuple[str, ...], question: Question
) -> None:
    kind = CallerKind.PROSPECT if question is Question.MENU else CallerKind.OWNER
    known = replace(
        INPUTS,
        language=line,
        caller=CallerFacts(kind=kind, language=chosen),
        rules=Rules(languages=offered),
        desks={DeskKind.OWNER: DeskRoute(("alice",))},
    )
    heard = []
    for presses in range(len(order) + 1):
        plan = decide(replace(known, answers=(KeyedAnswer(question, OTHER_LANGUAGE),) * presses))
        assert plan.ask
        assert (plan.ask.question, OTHER_LANGUAGE in plan.ask.keys) == (question, True)
        offer, *others = plan.ask.says
        assert offer.prompt == "menu_language"
        assert all(say.prompt != "menu_language" for say in others)
        heard.append((plan.language, offer.language))
    assert heard == list(pairwise([*order, order[0], order[1 % len(order)]]))


def test_where_there_is_but_one_language_key_9_is_not_offered() -> None:
    ask = decide(replace(INPUTS, answers=())).ask
    assert ask
    assert OTHER_LANGUAGE not in ask.keys
