"""When the office, its properties and its agents can be reached, on real databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from crm.config import Config
from crm.domain.choosing import KeyedAnswer, Question
from crm.domain.errors import Invalid, NotFound
from crm.domain.imports import ListKind, Lists, Wrong, read_csv, read_toml
from crm.domain.route_inputs import OfficeFacts, OfficeState
from crm.domain.route_plan import Path, Rule
from crm.domain.routing import TEAM
from crm.domain.tours import TourKind
from crm.secrets import Secrets
from crm.services import tasks
from crm.services.audit import By
from crm.services.office import holidays, hours, properties
from crm.services.routing import routes
from crm.services.routing.routes import PhonesNow
from crm.services.system import imports
from crm.services.tours import times
from crm.services.voicemail import escalations
from crm.store.models import AgentHours, Call, Hours, Line, Property, SpecialDay, Task, Voicemail
from crm.store.queries import agents as agent_queries
from crm.store.queries import office
from crm.store.session import Store
from crm.views import holidays as holiday_views
from crm.views import hours as hour_views

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday, 10:00 in Chicago and 08:00 in Los Angeles; Texas Independence Day."""
BY = By("tests", NOW)
WEEK = ["mon-fri 09:00-18:00"]
MAPLE = "+15125550100"
PROSPECT = "+15125550123"
TO_TEAM = (KeyedAnswer(Question.MENU, TEAM),)


async def in_los_angeles(store: Store) -> None:
    await store.run(properties.change, BY, "maple", timezone="America/Los_Angeles")


async def is_open(store: Store, config: Config, place: str | None = None, at: datetime = NOW) -> bool:
    return (await store.read(hour_views.week, config, place)).schedule.is_open(at)


# --- whose hours count ---


async def test_a_property_has_the_offices_week_on_its_own_clock(store: Store, config: Config) -> None:
    await store.run(hours.replace, BY, WEEK)
    await in_los_angeles(store)
    assert (await is_open(store, config), await is_open(store, config, "maple")) == (True, False)
    assert not (await store.read(hour_views.week, config, "maple")).is_own
    evening = NOW + timedelta(hours=9)  # 19:00 in Chicago.
    assert (await is_open(store, config, at=evening), await is_open(store, config, "maple", evening)) == (False, True)


async def test_a_propertys_own_hours_win_and_go_again(store: Store, config: Config) -> None:
    await store.run(hours.replace, BY, WEEK)
    await store.run(hours.replace, BY, ["mon 11:00-12:00"], "maple")
    assert (await is_open(store, config), await is_open(store, config, "maple")) == (True, False)
    assert (await store.read(hour_views.week, config, "maple")).is_own
    await store.run(hours.replace, BY, ["sun 11:00-12:00"])
    assert (await store.read(hour_views.week, config, "maple")).schedule.week == [(0, "11:00", "12:00")]
    await store.run(hours.replace, BY, [], "maple")
    assert (await store.read(hour_views.week, config, "maple")).schedule.week == [(6, "11:00", "12:00")]


async def test_on_the_night_of_the_change_each_property_goes_by_its_own_clock(store: Store, config: Config) -> None:
    # 2026-03-08: clocks are put forward at 08:00 UTC in Chicago, and at 10:00 UTC in Los Angeles.
    await store.run(hours.replace, BY, ["sun 01:00-04:00"])
    await in_los_angeles(store)
    chicago = (await store.read(hour_views.week, config)).schedule
    los_angeles = (await store.read(hour_views.week, config, "maple")).schedule
    begins = datetime(2026, 3, 8, 6, tzinfo=UTC)
    assert chicago.windows(begins, 1) == [(begins + timedelta(hours=1), begins + timedelta(hours=3))]
    assert los_angeles.windows(begins, 1) == [(begins + timedelta(hours=3), begins + timedelta(hours=5))]


# --- holidays and special days ---


async def test_holidays_of_a_state_close_and_a_property_may_have_others_or_none(store: Store, config: Config) -> None:
    assert await is_open(store, config)
    assert await store.run(holidays.set_region, BY, "us-tx") == "US-TX"
    assert not await is_open(store, config)
    assert not await is_open(store, config, "maple")
    # Not a holiday in New York.
    await store.run(holidays.set_region, BY, "US-NY", "maple")
    assert await is_open(store, config, "maple")
    await store.run(holidays.set_region, BY, "", "maple")
    assert not await is_open(store, config, "maple")
    await store.run(holidays.set_region, BY, "none", "maple")
    assert await is_open(store, config, "maple")
    await store.run(holidays.set_region, BY, "none")
    assert await is_open(store, config)


async def test_special_days_win_and_a_propertys_own_wins_over_the_offices(store: Store, config: Config) -> None:
    today = date(2026, 3, 2)
    await store.run(holidays.set_region, BY, "US-TX")
    assert await store.run(holidays.add, BY, today, open_="09:00-12:00", name="Short day")
    assert await is_open(store, config, "maple")
    assert not await is_open(store, config, "maple", NOW + timedelta(hours=2))
    assert await store.run(holidays.add, BY, today, name="Roof repair", property_slug="maple")
    assert (await is_open(store, config), await is_open(store, config, "maple")) == (True, False)
    assert not await store.run(holidays.add, BY, today, open_="usual", property_slug="maple"), (
        "it replaces what was there"
    )
    assert await is_open(store, config, "maple", NOW + timedelta(hours=2))
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(SpecialDay)) == 2
    await store.run(holidays.remove, BY, today, "maple")
    await store.run(holidays.remove, BY, today)
    assert not await is_open(store, config, "maple")
    with pytest.raises(NotFound, match="is not a special day"):
        await store.run(holidays.remove, BY, today)


async def test_the_calendar_of_a_year(store: Store, config: Config) -> None:
    await store.run(holidays.set_region, BY, "US-TX")
    await store.run(holidays.add, BY, date(2026, 3, 2), open_="usual")
    await store.run(holidays.add, BY, date(2026, 7, 20), name="Roof repair", property_slug="maple")
    await store.run(holidays.add, BY, date(2026, 12, 25), open_="10:00-12:00", name="Open house", property_slug="maple")
    found = {(one.day.isoformat(), one.property): (one.name, one.open) for one in (await days(store)).days}
    assert found["2026-03-02", None] == ("", "usual")
    assert found["2026-07-20", "maple"] == ("Roof repair", "closed")
    assert found["2026-12-25", None] == ("Christmas Day", "closed"), "it stays one for the others"
    assert found["2026-12-25", "maple"] == ("Open house", "10:00-12:00")
    assert found["2026-07-03", None] == ("Independence Day (observed)", "closed")
    mine = await days(store, "maple")
    assert [one.name for one in mine.days if one.day == date(2026, 12, 25)] == ["Open house"]
    assert [one.day for one in mine.days] == sorted(one.day for one in mine.days)
    assert (await store.read(holiday_views.year, 2027)).days[0].name == "New Year's Day"


async def days(store: Store, place: str | None = None) -> holiday_views.YearEntry:
    return await store.read(holiday_views.year, 2026, place)


@pytest.mark.parametrize(
    ("region", "because"),
    [
        ("US-XX", "there are AK, AL"),
        ("TX", "write a country or state, such as US or US-TX"),
        ("US-TX; DROP", "no state"),
    ],
)
async def test_an_unknown_region_changes_nothing(store: Store, config: Config, region: str, because: str) -> None:
    with pytest.raises(Invalid, match=because):
        await store.run(holidays.set_region, BY, region)
    with store.reading() as session:
        organization = office.organization(session)
    assert organization
    assert organization.holidays == ""


# --- what the decision makes of it ---


async def test_the_decision_knows_the_holiday_and_when_it_is_over(store: Store, config: Config) -> None:
    await store.run(hours.replace, BY, WEEK)
    await store.run(holidays.add, BY, date(2026, 3, 2), name="Founders Day", property_slug="maple")
    inputs, plan = await store.read(routes.plan, config, MAPLE, PROSPECT, TO_TEAM, PhonesNow(NOW))
    tomorrow = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
    assert inputs.office == OfficeFacts(OfficeState.HOLIDAY, "Founders Day", tomorrow)
    assert (plan.path, plan.rule, plan.stages) == (Path.VOICEMAIL, Rule.HOLIDAY, ())
    assert inputs.due_at == tomorrow + timedelta(minutes=config.tasks.due_minutes)
    await store.run(holidays.add, BY, date(2026, 3, 2), open_="08:00-09:30", name="Short day", property_slug="maple")
    inputs, plan = await store.read(routes.plan, config, MAPLE, PROSPECT, TO_TEAM, PhonesNow(NOW))
    assert inputs.office == OfficeFacts(OfficeState.CLOSED, "Short day", tomorrow)
    assert plan.rule is Rule.CLOSED


async def test_who_has_hours_of_their_own_is_rung_within_them_only(store: Store, config: Config) -> None:
    await store.run(hours.replace_agent, BY, "alice", ["mon 11:00-12:00"])
    inputs, plan = await store.read(routes.plan, config, MAPLE, PROSPECT, TO_TEAM, PhonesNow(NOW))
    assert plan.stages[0].agents == ("bob",)
    assert "alice" not in inputs.people.available
    _, plan = await store.read(routes.plan, config, MAPLE, PROSPECT, TO_TEAM, PhonesNow(NOW + timedelta(hours=1)))
    assert plan.stages[0].agents == ("alice", "bob")


async def test_hours_of_their_own_count_while_the_office_is_closed_but_not_on_holidays(
    store: Store, config: Config
) -> None:
    await store.run(hours.replace, BY, ["tue 09:00-10:00"])
    await store.run(hours.replace_agent, BY, "alice", ["mon 09:00-12:00"])
    await store.run(hours.replace_agent, BY, "bob", ["mon-sun 00:00-24:00"])
    _, plan = await store.read(routes.plan, config, MAPLE, PROSPECT, TO_TEAM, PhonesNow(NOW))
    assert (plan.rule, [stage.agents for stage in plan.stages]) == (Rule.AFTER_HOURS, [("alice", "bob")] * 2)
    await store.run(holidays.add, BY, date(2026, 3, 2))
    _, plan = await store.read(routes.plan, config, MAPLE, PROSPECT, TO_TEAM, PhonesNow(NOW))
    assert [stage.agents for stage in plan.stages] == [("bob",)] * 2
    await store.run(hours.replace_agent, BY, "bob", [])
    with store.reading() as session:
        assert session.scalars(select(AgentHours.weekday)).all() == [0]
    _, plan = await store.read(routes.plan, config, MAPLE, PROSPECT, TO_TEAM, PhonesNow(NOW))
    assert (plan.path, plan.stages) == (Path.VOICEMAIL, ())


async def test_on_a_day_off_nobody_shows_a_home_but_who_comes_alone_may(store: Store, config: Config) -> None:
    await store.run(hours.replace, BY, WEEK)
    for kind in (TourKind.ACCOMPANIED, TourKind.SELF_GUIDED):
        await store.run(times.set_hours, BY, "maple", ["tue-wed 19:00-20:00"], kind=kind, minutes=60)
    await store.run(holidays.add, BY, date(2026, 3, 3), name="Founders Day")
    found = await store.read(times.free, config, "maple", NOW, days=3)
    tuesday = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
    assert [(slot.starts_at, slot.kind) for slot in found] == [
        (tuesday, TourKind.SELF_GUIDED),
        (tuesday + timedelta(days=1), TourKind.ACCOMPANIED),
        (tuesday + timedelta(days=1), TourKind.SELF_GUIDED),
    ]


# --- what is due, and when somebody else gets it ---


async def a_call(store: Store, call_id: str) -> None:
    with store.writing() as session:
        line = session.scalars(select(Line).where(Line.number == MAPLE)).one()
        session.add(Call(id=call_id, did=MAPLE, line_id=line.id, started_at=NOW))


async def test_a_task_escalates_by_the_hours_of_its_property(store: Store, config: Config) -> None:
    await store.run(hours.replace, BY, WEEK)
    await store.run(hours.replace, BY, ["tue 09:00-18:00"], "maple")
    await a_call(store, "c1")
    with store.writing() as session:
        alice = agent_queries.by_slug(session, "alice")
        for key in ("call:c1", "other"):
            call_id = "c1" if key == "call:c1" else None
            session.add(
                Task(key=key, kind="call_back", owner=alice, call_id=call_id, why="", due_at=NOW, created_at=NOW)
            )
    await store.run(tasks.tick, config, NOW)
    with store.reading() as session:
        found = {task.key: task.escalate_at for task in session.scalars(select(Task))}
    minutes = timedelta(minutes=config.tasks.escalate_minutes)
    assert found == {"call:c1": datetime(2026, 3, 3, 15, 0, tzinfo=UTC) + minutes, "other": NOW + minutes}


async def a_voicemail(store: Store) -> None:
    await a_call(store, "c1")
    with store.writing() as session:
        session.get_one(Call, "c1").outcome = "left_voicemail"
        alice = agent_queries.by_slug(session, "alice")
        session.add(Task(key="call:c1", kind="listen", owner=alice, call_id="c1", why="", due_at=NOW, created_at=NOW))
        session.add(Voicemail(call_id="c1", file="c1.wav", seconds=3, left_at=NOW, mailbox="office", escalate_at=NOW))


async def next_call_about_it(store: Store) -> datetime | None:
    with store.reading() as session:
        return session.scalars(select(Voicemail)).one().escalate_at


async def test_nobody_is_called_about_a_message_while_its_property_is_closed(store: Store, config: Config) -> None:
    await store.run(hours.replace, BY, ["tue 09:00-18:00"], "maple")
    await a_voicemail(store)
    assert await store.run(escalations.claim, config, NOW) is None
    assert await next_call_about_it(store) == datetime(2026, 3, 3, 15, 0, tzinfo=UTC)


async def test_about_a_property_that_is_closed_for_good_nobody_is_called(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.add_all(SpecialDay(day=date(2026, 3, 1) + timedelta(days=day)) for day in range(800))
    await a_voicemail(store)
    assert await store.run(escalations.claim, config, NOW) is None
    assert await next_call_about_it(store) is None


# --- lists ---

LISTS = """
[[properties]]
slug = "maple"
timezone = "America/Denver"
holidays = "us-co"
[[hours]]
openings = ["mon-fri 09:00-18:00"]
[[hours]]
property = "maple"
openings = "mon 08:00-12:00"
[[hours]]
property = "maple"
openings = "mon 13:00-17:00"
[[special_days]]
day = 2026-12-24
open = "09:00-12:00"
name = "Christmas Eve"
[[special_days]]
day = 2026-12-24
property = "maple"
[[agent_hours]]
agent = "alice"
openings = "mon-fri 09:00-17:00; sat 10:00-14:00"
"""


async def test_lists_load_hours_special_days_and_agents_hours(store: Store, config: Config) -> None:
    for added in (2, 0):
        written = await store.run(imports.write, config, Secrets(config.secrets_file), BY, read_toml(LISTS))
        done = {one.kind: one for one in written}
        assert (done[ListKind.SPECIAL_DAYS].added, done[ListKind.SPECIAL_DAYS].changed) == (added, 0)
    assert (await store.read(hour_views.week, config)).schedule.week == [(day, "09:00", "18:00") for day in range(5)]
    maple = (await store.read(hour_views.week, config, "maple")).schedule
    assert (maple.tz.key, maple.week) == ("America/Denver", [(0, "08:00", "12:00"), (0, "13:00", "17:00")])
    calendar = await days(store, "maple")
    assert calendar.region == "US-CO"
    assert [one.open for one in calendar.days if one.day == date(2026, 12, 24)] == ["closed"]
    own = await store.read(hour_views.of_agent, config, "alice", NOW)
    assert own.hours == ["mon-fri 09:00-17:00", "sat 10:00-14:00"]
    # A list that names one property leaves the others and the office alone.
    one = read_csv("property,openings\nmaple,sun 10:00-11:00\n", ListKind.HOURS)
    await store.run(imports.write, config, Secrets(config.secrets_file), BY, one)
    assert (await store.read(hour_views.week, config, "maple")).schedule.week == [(6, "10:00", "11:00")]
    assert (await store.read(hour_views.week, config)).schedule.week[0] == (0, "09:00", "18:00")


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        (
            ListKind.HOURS,
            "property,openings\nmaple,mon 09:00-18:00\nelm,mon 09:00-18:00\n",
            "line 3, column 1 (property): there is no property elm.",
        ),
        (
            ListKind.HOURS,
            "openings,property\nmon 09:00-18:00,maple\nmon 17:00-19:00,maple\n",
            "line 3, column 1 (openings): Two openings on mon overlap: 09:00-18:00 and 17:00-19:00.",
        ),
        (
            ListKind.SPECIAL_DAYS,
            "day,property\n2026-12-24,\n2026-12-25,elm\n",
            "line 3, column 2 (property): there is no property elm.",
        ),
        (
            ListKind.AGENT_HOURS,
            "agent,openings\nalice,mon 09:00-18:00\nzoe,mon 09:00-18:00\n",
            "line 3, column 1 (agent): there is no agent zoe.",
        ),
        (
            ListKind.PROPERTIES,
            "slug,holidays\nmaple,US-TX\noak,TX\n",
            "line 3, column 2 (holidays): 'TX' has no holiday calendar: write a country or state, such as US or US-TX.",
        ),
    ],
)
async def test_of_a_list_with_a_problem_nothing_is_written(
    store: Store, config: Config, kind: ListKind, text: str, problem: str
) -> None:
    lists: Lists = read_csv(text, kind)
    with pytest.raises(Wrong) as wrong:
        await store.run(imports.write, config, Secrets(config.secrets_file), BY, lists)
    assert [str(one) for one in wrong.value.problems] == [problem]
    with store.reading() as session:
        for table in (Hours, SpecialDay, AgentHours):
            assert session.scalar(select(func.count()).select_from(table)) == 0
        assert session.scalar(select(Property.holidays).where(Property.slug == "maple")) == ""
