"""What holds for every plan, whatever is known of the call, nonsense included."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_conf.prompts import speech
from crm.domain.choosing import KeyedAnswer, Names, Question, choose
from crm.domain.ringing import Phone, RingStage, StageName
from crm.domain.routing import (
    EMERGENCY_PEOPLE,
    PERSON,
    TEAM,
    About,
    CallerKind,
    DeskKind,
    EmergencyFacts,
    OfficeState,
    Path,
    Record,
    RoutePlan,
    RoutingInputs,
    decide,
)
from tests.unit import routes_of_any_kind as any_kind

pytestmark = pytest.mark.unit

any_inputs = any_kind.inputs | any_kind.to_the_team | any_kind.at_a_desk
SENTENCES = [set(speech.sentences(language)) for language in ("en", "es")]
PHRASES = [set(speech.phrases(language)) for language in ("en", "es")]
_DECIDED_AGAIN = (Path.LINK, Path.TOUR, Path.VOICE_AGENT)
"""After these the caller is still there, and may be asked more."""
MOST_TURNS = 24
"""The menu in each language, and each question once or twice."""


def numbers(plan: RoutePlan) -> set[str]:
    return {stage.forward.number for stage in plan.stages if stage.forward and stage.forward.number}


def agents(stages: tuple[RingStage, ...]) -> set[str]:
    return {agent for stage in stages for agent in stage.agents}


def is_closed(inputs: RoutingInputs) -> bool:
    return inputs.office.state in (OfficeState.CLOSED, OfficeState.HOLIDAY)


@given(any_inputs)
def test_every_plan_ends_in_an_outcome_with_an_owner(inputs: RoutingInputs) -> None:
    plan = decide(inputs)
    assert plan.task.owner in {"", inputs.people.owner, *(desk.owner for desk in inputs.desks.values())}
    if plan.path is Path.ASK:
        assert plan.ask
        assert not plan.stages
        return
    assert plan.ask is None
    # What a person does not end, a machine does that keeps it: a message, a question, a link, or the refusal.
    last = (plan.path, *plan.otherwise)[-1]
    assert last in (Path.VOICEMAIL, Path.QUESTION, Path.REFUSE) or plan.path in _DECIDED_AGAIN
    assert plan.path not in plan.otherwise
    assert len(set(plan.otherwise)) == len(plan.otherwise)
    if plan.path is Path.QUESTION:
        assert plan.task.due_at == inputs.fast_due_at
    elif plan.desk is DeskKind.MAINTENANCE:
        assert plan.task.due_at == inputs.now, "an emergency does not wait for office hours"
    else:
        assert plan.task.due_at == inputs.due_at


@given(any_inputs)
def test_each_part_of_a_plan_comes_with_the_rule_that_said_so(inputs: RoutingInputs) -> None:
    plan = decide(inputs)
    explained = {reason.about for reason in plan.reasons}
    assert all(reason.text for reason in plan.reasons)
    assert plan.rule in {reason.rule for reason in plan.reasons}
    wanted = {About.LANGUAGE, About.TASK}
    if plan.says or plan.ask:
        wanted.add(About.HEARS)
    if plan.stages:
        wanted.add(About.RINGS)
    if plan.otherwise:
        wanted.add(About.OTHERWISE)
    if plan.record is not Record.NONE:
        wanted |= {About.RECORD, About.CALLER}
    if plan.texts:
        wanted.add(About.TEXTS)
    assert wanted <= explained
    for stage in plan.stages:
        told = [reason.text for reason in plan.reasons if reason.about is About.RINGS]
        named = stage.forward.number if stage.forward else stage.agents[0]
        assert any(named in text for text in told)  # type: ignore[operator]


@given(any_inputs)
def test_only_the_propertys_people_ring_and_none_with_dnd_or_off_duty(inputs: RoutingInputs) -> None:
    plan = decide(inputs)
    people, caller = inputs.people, inputs.caller
    desk_agents = {agent for desk in inputs.desks.values() for agent in desk.agents}
    theirs = {
        StageName.AGENT: {caller.assigned_agent},
        StageName.SUBTEAM: set(people.subteam),
        StageName.SISTERS: set(people.sisters),
        StageName.EVERYONE: set(people.everyone),
        StageName.DESK: desk_agents,
    }
    for stage in plan.stages:
        assert set(stage.agents) <= theirs.get(stage.name, set())
        assert bool(stage.agents) != bool(stage.forward), "a stage rings somebody, and not both"
    assert agents(plan.stages) <= people.available
    allowed = {inputs.forward_to, inputs.answering_service, *(desk.number for desk in inputs.desks.values())}
    assert numbers(plan) <= allowed
    assert StageName.EVERYONE not in {stage.name for stage in plan.stages} or inputs.rules.everyone_seconds > 0


@given(any_inputs)
def test_after_hours_nobodys_phone_rings_unless_their_own_schedule_says_so(inputs: RoutingInputs) -> None:
    plan = decide(inputs)
    if is_closed(inputs):
        of_desk = inputs.desks[plan.desk] if plan.desk else None
        own_hours = set(of_desk.agents) if of_desk and of_desk.at_any_hour else set()
        for stage in plan.stages:
            allowed = inputs.people.after_hours | (own_hours if stage.name is StageName.DESK else set())
            assert set(stage.agents) <= allowed
        assert plan.path is not Path.QUEUE
        if plan.path not in (Path.DESK, Path.VOICEMAIL):
            # The answering service helps out in a busy hour; at night callers get the message, or the forward.
            assert StageName.ANSWERING not in {stage.name for stage in plan.stages}


@given(any_inputs)
def test_residents_owners_and_vendors_get_no_leasing_texts_and_become_no_leads(inputs: RoutingInputs) -> None:
    plan = decide(inputs)
    if plan.kind is not CallerKind.PROSPECT:
        assert plan.texts == ()
        assert plan.record in (Record.CONTACT, Record.NONE)
    if plan.texts:
        assert plan.record is Record.LEAD
        assert inputs.caller.can_be_texted
    known = inputs.caller.kind
    if known is not CallerKind.PROSPECT and plan.kind is CallerKind.PROSPECT and plan.path is not Path.REFUSE:
        said = {answer.keys for answer in inputs.answers if answer.question in (Question.URGENT, Question.MENU)}
        assert said & {"3", "1"}, "they wanted to rent, by their own word"


@given(any_inputs, st.sampled_from(["", "nan"]))
def test_before_anything_else_the_emergency_service_reaches_the_phone_that_called_it(
    inputs: RoutingInputs, agent: str
) -> None:
    plan = decide(replace(inputs, emergency=EmergencyFacts("lobby", agent)))
    assert (plan.path, plan.otherwise, plan.texts) == (Path.LIVE, (Path.VOICEMAIL,), ())
    [stage] = plan.stages
    assert (stage.phone, stage.forward) == (Phone("lobby", agent), None)
    assert set(stage.agents) <= inputs.people.available
    assert len(stage.agents) <= EMERGENCY_PEOPLE


@given(any_inputs)
def test_who_is_put_through_to_a_desk_is_no_prospect_or_has_a_concern(inputs: RoutingInputs) -> None:
    plan = decide(inputs)
    if plan.path is Path.DESK and plan.kind is CallerKind.PROSPECT:
        assert KeyedAnswer(Question.MENU, PERSON) in inputs.answers


@given(any_inputs)
def test_a_concern_goes_to_a_person_before_any_machine(inputs: RoutingInputs) -> None:
    concern = inputs.desks.get(DeskKind.CONCERN)
    if concern is None:
        return
    asked = replace(inputs, line_known=True, answers=(*inputs.answers, KeyedAnswer(Question.MENU, PERSON)))
    plan = decide(asked)
    if plan.path is Path.ASK:
        assert concern.by_property, "whose concern it is depends on the property"
        assert plan.ask == inputs.choice.ask
        return
    assert not {Path.TOUR, Path.LINK, Path.QUEUE} & {plan.path, *plan.otherwise}
    people, rules, caller = inputs.people, inputs.rules, inputs.caller
    allowed = people.available & people.after_hours if is_closed(inputs) else people.available
    of_desk = set(concern.agents) & (people.available if concern.at_any_hour else allowed)
    there = (
        (concern.is_open and (concern.number != caller.number if concern.number else of_desk))
        or (rules.agent_seconds > 0 and caller.assigned_agent in allowed)
        or (rules.subteam_seconds > 0 and {*people.subteam, *people.sisters} & allowed)
        or (rules.everyone_seconds > 0 and set(people.everyone) & allowed)
        or (rules.answering_seconds > 0 and inputs.answering_service not in (None, caller.number))
    )
    assert plan.path is (Path.DESK if there else Path.VOICEMAIL)
    assert bool(plan.stages) == bool(there)


@given(any_inputs, any_kind.names, st.lists(any_kind.keys | st.just(""), max_size=MOST_TURNS), st.booleans())
def test_asking_ends(inputs: RoutingInputs, names: Names, keyed: list[str], obeys: bool) -> None:
    """As the menu does it: a question, an answer, and the decision anew; keys that run out are silence."""
    latest = names.listed[0].slug if names.listed else None
    state = replace(inputs, line_known=True, choice=choose(names, latest, inputs.answers))
    turns = 0
    while (plan := decide(state)).path is Path.ASK:
        assert plan.ask
        assert turns < MOST_TURNS + len(keyed), "the caller is asked for ever"
        key = keyed[turns] if turns < len(keyed) else ""
        if obeys and plan.ask.keys and key not in plan.ask.keys:
            key = ""
        answers = (*state.answers, KeyedAnswer(plan.ask.question, key))
        state = replace(state, answers=answers, choice=choose(names, latest, answers))
        turns += 1
    if turns >= len(keyed):
        assert turns - len(keyed) <= len(Question), "silence ends it quickly"


@given(any_inputs)
def test_a_decision_is_the_same_each_time(inputs: RoutingInputs) -> None:
    assert decide(inputs) == decide(inputs)


@given(any_inputs)
def test_nobody_in_particular_is_called_when_the_property_is_unknown(inputs: RoutingInputs) -> None:
    unsure = replace(inputs, choice=replace(inputs.choice, slug=None, ask=None), line_known=True)
    plan = decide(unsure)
    if plan.path is Path.LIVE:
        raise AssertionError("a blind transfer")
    if plan.path is Path.QUESTION:
        assert plan.stages == ()


@given(any_kind.to_the_team)
def test_a_question_offers_only_what_there_is(inputs: RoutingInputs) -> None:
    asked = decide(replace(inputs, answers=()))
    if asked.path is Path.ASK and asked.ask and asked.ask.question is Question.MENU:
        keys = asked.ask.keys
        assert TEAM in keys
        assert len(set(keys)) == len(keys)
        assert (PERSON in keys) == (DeskKind.CONCERN in inputs.desks)


@given(any_inputs)
def test_whatever_a_caller_is_to_hear_can_be_said_in_each_language(inputs: RoutingInputs) -> None:
    plan = decide(inputs)
    for say in (*plan.says, *(plan.ask.says if plan.ask else ())):
        for known in PHRASES if say.name or say.key else SENTENCES:
            assert say.prompt in known
