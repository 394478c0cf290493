"""What the routing decision is taken from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.config import Config, Menu, Ring
from crm.domain.calls import CallArrived, CallEnded, EndedBy, Fact
from crm.domain.choosing import KeyedAnswer, Question
from crm.domain.routing import TEAM, TEXT_ME, Path, RoutePlan, Rule
from crm.domain.tasks import TaskKind
from crm.services.calls import ledger
from crm.services.routing import routes
from crm.services.routing.routes import PhonesNow
from crm.store import decisions
from crm.store.models import (
    Agent,
    AgentHours,
    Device,
    Hours,
    Interest,
    Lead,
    LeadPhone,
    Line,
    Organization,
    Portfolio,
    Property,
    Subteam,
    Task,
)
from crm.store.session import Store
from crm.views import calls
from crm.views import routing as view
from crm.words.console import sentences

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
MAPLE = "+15125550100"
PROSPECT = "+15125550123"
TO_TEAM = (KeyedAnswer(Question.MENU, TEAM),)


async def test_a_new_caller_hears_the_menu_and_then_reaches_the_subteam(store: Store, config: Config) -> None:
    _, plan = await store.read(routes.plan, config, MAPLE, PROSPECT, (), PhonesNow(NOW))
    assert plan.path is Path.ASK
    inputs, plan = await store.read(routes.plan, config, MAPLE, PROSPECT, TO_TEAM, PhonesNow(NOW))
    assert (plan.path, plan.rule, plan.property) == (Path.LIVE, Rule.SUBTEAM, "maple")
    assert inputs.source == "sign"
    assert plan.stages[0].agents == ("alice", "bob")


@pytest.mark.parametrize(
    ("line", "place", "of_all", "path"),
    [
        ("", "", "always", Path.VOICE_AGENT),
        ("off", "always", "always", Path.ASK),
        ("always", "off", "off", Path.VOICE_AGENT),
        ("", "always", "off", Path.VOICE_AGENT),
        ("", "off", "always", Path.ASK),
        ("", "", "off", Path.ASK),
    ],
)
async def test_where_the_voice_agent_answers_the_line_counts_before_its_property_and_that_before_the_office(
    store: Store, config: Config, line: str, place: str, of_all: str, path: Path
) -> None:
    config = msgspec.structs.replace(config, ai=msgspec.structs.replace(config.ai, answers=of_all))
    with store.writing() as session:
        session.execute(update(Line).values(ai_answers=line))
        session.execute(update(Property).values(ai_answers=place))
    _, plan = await store.read(routes.plan, config, MAPLE, PROSPECT, (), PhonesNow(NOW))
    assert plan.path is path
    assert bool(plan.task.owner) is (path is Path.VOICE_AGENT), "while the menu is asked, nobody is looked for yet"


async def test_while_all_of_the_propertys_people_are_on_calls_the_voice_agent_answers(
    store: Store, config: Config
) -> None:
    config = msgspec.structs.replace(config, ai=msgspec.structs.replace(config.ai, answers="overflow"))
    one_free = PhonesNow(NOW, on_call=("alice-desk",))
    inputs, plan = await store.read(routes.plan, config, MAPLE, PROSPECT, (), one_free)
    assert plan.path is Path.ASK
    assert inputs.people.owner == ""
    inputs, plan = await store.read(
        routes.plan, config, MAPLE, PROSPECT, (), PhonesNow(NOW, on_call=("alice-desk", "bob-desk"))
    )
    assert plan.path is Path.VOICE_AGENT
    assert inputs.people.busy == {"alice", "bob"}
    assert plan.task.owner


async def test_who_has_dnd_is_not_planned_with(store: Store, config: Config) -> None:
    with store.writing() as session:
        desk = session.scalars(select(Device).where(Device.slug == "bob-desk")).one()
        desk.dnd = True
    _, plan = await store.read(routes.plan, config, MAPLE, PROSPECT, TO_TEAM, PhonesNow(NOW))
    assert plan.stages[0].agents == ("alice",)


async def test_all_calls_go_to_one_number(store: Store, config: Config) -> None:
    with store.writing() as session:
        office = session.scalars(select(Organization)).one()
        office.forward_to, office.forward_confirm = "+15125550190", False
    _, plan = await store.read(routes.plan, config, MAPLE, PROSPECT, TO_TEAM, PhonesNow(NOW))
    [stage] = plan.stages
    assert (plan.rule, stage.seconds) == (Rule.OFFICE_FORWARD, config.ring.office_seconds)


# --- a line without a property ---

CENTRAL = "+15125550190"


@pytest.fixture
async def portfolio(store: Store, office: None) -> None:
    """Maple and Oak are in one portfolio, with a line; Pine is in none."""
    with store.writing() as session:
        east = Portfolio(slug="east", name="East")
        maple = session.scalars(select(Property).where(Property.slug == "maple")).one()
        maple.portfolio = east
        session.add(Property(slug="oak", name="Oak Park", portfolio=east))
        session.add(Property(slug="pine", name="Pine Hill"))
        session.add(Line(number=CENTRAL, label="East side", portfolio=east))


async def interested(store: Store, *places: str, language: str = "") -> None:
    """The prospect was interested in these, one a day."""
    with store.writing() as session:
        lead = Lead(
            status="new",
            created_at=NOW,
            phones=[LeadPhone(number=PROSPECT)],
            interests=[],
            assigned_agent=None,
            language=language,
        )
        session.add(lead)
        for day, slug in enumerate(places, start=1):
            property = session.scalars(select(Property).where(Property.slug == slug)).one()
            lead.interests.append(
                Interest(property_id=property.id, stage="contacted", updated_at=NOW - timedelta(days=9 - day))
            )


async def asked(store: Store, config: Config, *answers: KeyedAnswer, did: str = CENTRAL) -> RoutePlan:
    _, plan = await store.read(routes.plan, config, did, PROSPECT, (*TO_TEAM, *answers), PhonesNow(NOW))
    return plan


@pytest.mark.usefixtures("portfolio")
async def test_callers_choose_among_the_lines_portfolio_and_the_chosen_subteam_rings(
    store: Store, config: Config
) -> None:
    ask = (await asked(store, config)).ask
    assert ask
    assert [say.name for say in ask.says] == ["Maple Court", "Oak Park", ""]
    plan = await asked(store, config, KeyedAnswer(Question.PROPERTY, "1"))
    assert (plan.path, plan.property, plan.stages[0].agents) == (Path.LIVE, "maple", ("alice", "bob"))


@pytest.mark.usefixtures("portfolio")
async def test_a_line_of_no_portfolio_offers_every_property(store: Store, config: Config) -> None:
    ask = (await asked(store, config, did="6001")).ask
    assert ask
    assert [say.name for say in ask.says] == ["Maple Court", "Oak Park", "Pine Hill", ""]


@pytest.mark.usefixtures("portfolio")
async def test_the_latest_interest_is_offered_first_if_it_is_among_them(store: Store, config: Config) -> None:
    await interested(store, "maple", "oak")
    ask = (await asked(store, config)).ask
    assert ask
    assert ask.says[0].name == "Oak Park"
    plan = await asked(store, config, KeyedAnswer(Question.SAME, "1"))
    assert (plan.path, plan.property) == (Path.LIVE, "oak")


@pytest.mark.usefixtures("portfolio")
async def test_who_names_none_is_not_transferred_blindly(store: Store, config: Config) -> None:
    plan = await asked(store, config, KeyedAnswer(Question.PROPERTY, ""))
    assert (plan.path, plan.rule, plan.stages) == (Path.QUESTION, Rule.UNSURE, ())
    assert plan.task
    assert plan.task.due_at == NOW + timedelta(minutes=config.tasks.question_minutes)


@pytest.mark.usefixtures("portfolio")
async def test_the_link_is_that_of_the_property_which_is_asked_for_first(store: Store, config: Config) -> None:
    for_link = (KeyedAnswer(Question.MENU, TEXT_ME),)
    _, plan = await store.read(routes.plan, config, CENTRAL, PROSPECT, for_link, PhonesNow(NOW))
    assert plan.ask
    assert plan.ask.question is Question.PROPERTY
    for key, slug in (("1", "maple"), ("0", "")):
        answers = (*for_link, KeyedAnswer(Question.PROPERTY, key))
        _, plan = await store.read(routes.plan, config, CENTRAL, PROSPECT, answers, PhonesNow(NOW))
        assert (plan.path, plan.property) == (Path.LINK, slug)


# --- language ---


async def test_the_callers_earlier_choice_goes_before_the_lines_language(store: Store, config: Config) -> None:
    await interested(store, language="es")
    assert (await asked(store, config, did=MAPLE)).language == "es"


async def test_a_language_without_prompts_is_nobodys(store: Store, config: Config) -> None:
    await interested(store, language="xx")
    assert (await asked(store, config, did=MAPLE)).language == "en"


async def test_key_9_offers_the_languages_of_the_settings(store: Store, config: Config) -> None:
    spoken = msgspec.structs.replace(config, menu=Menu(languages=("es", "xx")))
    _, plan = await store.read(routes.plan, spoken, MAPLE, PROSPECT, (), PhonesNow(NOW))
    assert plan.ask
    assert (plan.ask.says[0].prompt, plan.ask.says[0].language) == ("menu_language", "es")
    _, plan = await store.read(routes.plan, spoken, MAPLE, PROSPECT, (KeyedAnswer(Question.MENU, "9"),), PhonesNow(NOW))
    assert (plan.path, plan.language) == (Path.ASK, "es")


# --- whose the next action is ---


async def test_a_mornings_task_is_for_whoever_works_in_the_morning(store: Store, config: Config) -> None:
    night = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)  # Monday, 21:00 in Chicago
    with store.writing() as session:
        session.add_all(Hours(weekday=day, opens="09:00", closes="18:00") for day in range(5))
        ids = dict(session.execute(select(Agent.slug, Agent.id)).all())
        session.add(AgentHours(agent_id=ids["alice"], weekday=1, opens="14:00", closes="22:00"))
    _, plan = await store.read(routes.plan, config, MAPLE, PROSPECT, TO_TEAM, PhonesNow(night))
    opens = night.replace(hour=15)
    assert (plan.task.due_at, plan.task.owner) == (opens + timedelta(minutes=config.tasks.due_minutes), "bob")
    with store.writing() as session:
        session.add(AgentHours(agent_id=ids["bob"], weekday=0, opens="09:00", closes="18:00"))
    _, plan = await store.read(routes.plan, config, MAPLE, PROSPECT, TO_TEAM, PhonesNow(night))
    assert plan.task.owner == "subteam:east", "nobody of it works then"
    assert any("team east has the next action" in reason.text for reason in plan.reasons)


async def test_where_another_got_the_next_action_than_was_decided_all_say_so(store: Store, config: Config) -> None:
    inputs, plan = await store.read(routes.plan, config, MAPLE, PROSPECT, TO_TEAM, PhonesNow(NOW))
    planned, [other] = plan.task.owner, {"alice", "bob"} - {plan.task.owner}
    with store.writing() as session:
        # Meanwhile the one who was to have it has got something else to do.
        own = session.scalars(select(Agent.id).where(Agent.slug == planned)).one()
        busy = {"kind": TaskKind.CALL_BACK, "why": "", "result": "", "created_at": NOW, "due_at": NOW}
        session.add(Task(key="other", owner_id=own, **busy))
    await ledger_of(store, config, decisions.told("c1/r", "c1", NOW, inputs, plan))
    told = await store.read(view.explained, "c1", NOW)
    [decision], [task] = told.decisions, told.tasks
    assert (task.kind, task.owner, decision.plan.owner) == ("call_back", other, other)
    says_both = f"The next action (call_back) was to be for {planned}, and is for {other}."
    assert [one.text for one in decision.plan.reasons if one.about == "task"] == [says_both]
    [routing] = (await store.read(calls.one, "c1")).routing
    assert says_both in routing.reasons
    assert sentences.told(says_both, "es").startswith("El siguiente paso")
    for owner, said in ((planned, f"If it remains unfinished, {planned} has the next action (call_back)."), (None, "")):
        await store.run(give, task.id, owner)
        told = await store.read(view.explained, "c1", NOW)
        about_it = [one.text for one in told.decisions[0].plan.reasons if one.about == "task"]
        assert about_it == [said or f"The next action (call_back) was to be for {planned}, and is for team east."]


def give(session: Session, task_id: int, owner: str | None) -> None:
    """None: to the subteam."""
    task = session.get_one(Task, task_id)
    to = select(Agent).where(Agent.slug == owner) if owner else select(Subteam)
    task.held_by = session.scalars(to).one()


async def ledger_of(store: Store, config: Config, routed: Fact) -> None:
    """A caller who hangs up after that decision."""
    for fact in (
        CallArrived("c1/a", "c1", NOW, MAPLE, PROSPECT),
        routed,
        CallEnded("c1/e", "c1", NOW + timedelta(minutes=1), by=EndedBy.CALLER),
    ):
        await store.run(ledger.record, config, fact, NOW + timedelta(minutes=1))


# --- who is read at all ---


async def test_only_those_are_read_who_may_ring(store: Store, config: Config) -> None:
    quiet = msgspec.structs.replace(config, ring=Ring(everyone_seconds=0))
    inputs, plan = await store.read(routes.plan, quiet, MAPLE, PROSPECT, TO_TEAM, PhonesNow(NOW))
    assert (inputs.people.available, inputs.people.everyone) == (frozenset({"alice", "bob"}), ())
    assert [stage.name for stage in plan.stages] == ["subteam"]
    inputs, _ = await store.read(routes.plan, config, MAPLE, PROSPECT, TO_TEAM, PhonesNow(NOW))
    assert inputs.people.everyone == ("alice", "bob", "carol", "dana")


async def test_a_new_name_or_property_is_offered_at_the_next_call(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.add(Property(slug="oak", name="Oak Park"))
    for name in ("Oak Park", "Acorn Park"):
        with store.writing() as session:
            session.scalars(select(Property).where(Property.slug == "oak")).one().name = name
        ask = (await asked(store, config, did="6001")).ask
        assert ask
        assert name in [say.name for say in ask.says]
