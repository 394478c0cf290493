"""Inputs of the routing decision for property tests: whatever can be known of a call, and nonsense."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import strategies as st

from crm.domain.choosing import KeyedAnswer, Names, PropertyChoice, PropertyName, Question, choose
from crm.domain.ringing import Strategy
from crm.domain.route_inputs import AiAnswers
from crm.domain.routing import (
    CallerFacts,
    CallerKind,
    DeskKind,
    DeskRoute,
    EmergencyFacts,
    OfficeFacts,
    OfficeState,
    People,
    PropertyFacts,
    RoutingInputs,
    Rules,
)

AGENTS = tuple("abcdefg")
OWN, SISTERS, STRANGERS = AGENTS[:3], AGENTS[2:5], AGENTS[5:]
OUTSIDE = ("+15125550190", "+15125550191", "+15125550192")
LANGUAGES = ("en", "es", "vi")
PROPERTIES = tuple(
    PropertyName(f"p{number}", f"{word} {number}", area=("North", "South")[number % 2])
    for number, word in enumerate(("Ash", "Birch", "Cedar", "Elm", "Fir", "Juniper", "Larch", "Maple", "Oak", "Pine"))
)

keys = st.one_of(st.sampled_from(["", *"0123456789*#"]), st.text(st.sampled_from("0123456789*#ab "), max_size=4))
answers = st.lists(st.builds(KeyedAnswer, st.sampled_from(Question), keys), max_size=8).map(tuple)
numbers = st.sampled_from([None, "+15125550123", *OUTSIDE])
times = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
some_agents = st.lists(st.sampled_from(AGENTS), unique=True).map(tuple)
sets_of_agents = st.frozensets(st.sampled_from(AGENTS))
seconds = st.sampled_from([0.0, -1.0, 5.0, 20.0])

callers = st.builds(
    CallerFacts,
    number=numbers,
    kind=st.sampled_from(CallerKind),
    name=st.text(max_size=5),
    assigned_agent=st.sampled_from([None, *AGENTS]),
    language=st.sampled_from(["", *LANGUAGES]),
    can_be_texted=st.booleans(),
)
offices = st.builds(
    OfficeFacts, state=st.sampled_from(OfficeState), holiday=st.text(max_size=8), opens_at=st.none() | times
)
places = st.none() | st.builds(
    PropertyFacts,
    slug=st.sampled_from([one.slug for one in PROPERTIES]),
    name=st.text(min_size=1, max_size=8),
    has_tours=st.booleans(),
)
people = st.builds(
    People,
    subteam=some_agents,
    strategy=st.sampled_from(Strategy),
    sisters=some_agents,
    everyone=some_agents,
    available=sets_of_agents,
    busy=sets_of_agents,
    after_hours=sets_of_agents,
    owner=st.sampled_from(["", *AGENTS]),
)
desks = st.dictionaries(
    st.sampled_from(DeskKind),
    st.builds(
        DeskRoute,
        agents=some_agents,
        number=st.sampled_from([None, *OUTSIDE]),
        confirm=st.booleans(),
        is_open=st.booleans(),
        by_property=st.booleans(),
        at_any_hour=st.booleans(),
        owner=st.sampled_from(["", *AGENTS]),
    ),
)
rules = st.builds(
    Rules,
    agent_seconds=seconds,
    subteam_seconds=seconds,
    everyone_seconds=seconds,
    office_seconds=seconds,
    desk_seconds=seconds,
    answering_seconds=seconds,
    queue=st.booleans(),
    overflow_waiting=st.integers(0, 5),
    languages=st.lists(st.sampled_from(LANGUAGES), max_size=3).map(tuple),
)
names = st.lists(st.sampled_from(PROPERTIES), unique=True).map(Names)
choices = st.builds(choose, names, st.sampled_from([None, "p3", "gone"]), answers) | st.builds(
    PropertyChoice, st.just("Why."), st.sampled_from([None, "", "p3"])
)
inputs = st.builds(
    RoutingInputs,
    now=times,
    line_known=st.booleans() | st.just(True),
    language=st.sampled_from(LANGUAGES),
    source=st.text(max_size=5),
    caller=callers,
    answers=answers,
    choice=choices,
    property=places,
    office=offices,
    people=people,
    desks=desks,
    waiting=st.integers(0, 6),
    forward_to=st.sampled_from([None, None, *OUTSIDE]),
    forward_confirm=st.booleans(),
    forward_failed=st.sampled_from(["", "No trunk took it."]),
    answering_service=st.sampled_from([None, *OUTSIDE]),
    due_at=st.none() | times,
    fast_due_at=st.none() | times,
    rules=rules,
    ai_answers=st.sampled_from(AiAnswers),
    # Somebody has called the emergency service, but the caller is known.
    emergency=st.none() | st.just(EmergencyFacts("lobby", "ann", "The caller is a known owner.")),
)
to_the_team = st.builds(
    lambda known, more: replace(known, line_known=True, answers=(*more, KeyedAnswer(Question.MENU, "2"))),
    inputs,
    answers,
)
"""Those who get past the questions more often."""
at_a_desk = st.builds(
    lambda known, kind, key, more: replace(
        known,
        line_known=True,
        caller=replace(known.caller, kind=kind),
        answers=(*more, KeyedAnswer(Question.URGENT, key)),
        desks={DeskKind(kind.value): DeskRoute(), **known.desks},
    ),
    inputs,
    st.sampled_from([kind for kind in CallerKind if kind is not CallerKind.PROSPECT]),
    keys,
    answers,
)
"""Residents, owners and vendors who were asked what it is about."""
