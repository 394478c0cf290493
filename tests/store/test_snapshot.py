"""The office as it is kept in memory: whoever changes it, in whatever way, the next call sees it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Select, create_engine, event, select, text, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.calls import CallArrived
from crm.domain.choosing import KeyedAnswer, Question
from crm.domain.routing import TEAM, OfficeState, RoutePlan, RoutingInputs
from crm.domain.tours import TourKind
from crm.services.audit import By
from crm.services.calls import ledger
from crm.services.office import hours
from crm.services.people import blocking
from crm.services.routing import arrivals, reception, replays, routes, welcome
from crm.services.routing.routes import PhonesNow
from crm.services.tours import times
from crm.store import decisions, marks, migrate, snapshot, touches
from crm.store.models import (
    Agent,
    Base,
    Call,
    Desk,
    Device,
    Hours,
    Leg,
    Line,
    Node,
    Organization,
    Property,
    Roster,
    Subteam,
)
from crm.store.queries import calls
from crm.store.session import Store, migration_engine
from crm.store.triggers import present

pytestmark = [pytest.mark.store, pytest.mark.both_databases, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday, 10:00 in Chicago."""
MAPLE, CALLER = "+15125550100", "+15125550123"
TO_TEAM = (KeyedAnswer(Question.MENU, TEAM),)
REPOSITORY = Path(__file__).parents[2]


def decided(store: Store, config: Config, did: str = MAPLE) -> tuple[RoutingInputs, RoutePlan]:
    return store.read_blocking(routes.plan, config, did, CALLER, TO_TEAM, PhonesNow(NOW))


def free(store: Store, config: Config) -> set[str]:
    return set(decided(store, config)[0].people.free or ())


def url_of(store: Store) -> str:
    return store._engine.url.render_as_string(hide_password=False)


async def test_what_the_command_line_changes_holds_for_the_next_call(store: Store, config: Config) -> None:
    url = url_of(store).replace("+psycopg", "")
    (config.home / "leaseline.toml").write_text(f'[database]\nurl = "{url}"\n')

    async def leaseline(*command: str) -> None:
        line = [sys.executable, str(REPOSITORY / "cli.py"), *command]
        environment = {**os.environ, "LEASELINE_HOME": str(config.home)}
        done = await asyncio.to_thread(subprocess.run, line, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def is_blocked() -> bool:
        verdict = store.read_blocking(
            blocking.verdict, config, caller=CALLER, is_withheld=False, did=MAPLE, attestation="", now=NOW
        )
        return verdict.is_blocked

    assert (free(store, config), is_blocked()) == ({"alice", "bob", "carol", "dana"}, False)
    await leaseline("dnd", "on", "alice-desk", "--for", "30m")
    assert free(store, config) == {"bob", "carol", "dana"}
    assert decided(store, config)[0].office.state is OfficeState.OPEN
    await leaseline("hours", "set", "tue 09:00-18:00")
    assert decided(store, config)[0].office.state is OfficeState.CLOSED
    await leaseline("block", "add", CALLER)
    assert is_blocked()


class TakenBack(Exception):
    pass


def off_duty(session: Session) -> None:
    session.execute(update(Agent).where(Agent.slug == "alice").values(on_duty=False))


def without_subteam(session: Session) -> None:
    session.execute(update(Property).values(subteam_id=None))


def closed(session: Session) -> None:
    session.add(Hours(weekday=1, opens="09:00", closes="18:00"))


def line_of_nothing(session: Session) -> None:
    session.execute(update(Line).values(property_id=None))


def forwarded(session: Session) -> None:
    session.execute(update(Organization).values(forward_to="+15125550190"))


def with_a_desk(session: Session) -> None:
    session.add(Desk(kind="concern", target="agent:dana"))


def without_bob(session: Session) -> None:
    session.delete(session.query(Agent).filter(Agent.slug == "bob").one())


def round_robin(session: Session) -> None:
    session.execute(update(Subteam).values(strategy="ring_all"))


CHANGES = [off_duty, without_subteam, closed, line_of_nothing, forwarded, with_a_desk, without_bob, round_robin]


@pytest.mark.each_database
@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
async def test_a_change_holds_for_the_next_call_and_one_that_is_taken_back_for_none(
    store: Store, config: Config, change: Callable[[Session], None]
) -> None:
    def tried(session: Session) -> None:
        change(session)
        raise TakenBack(routes.plan(session, config, MAPLE, CALLER, TO_TEAM, PhonesNow(NOW)))

    before = decided(store, config)
    with pytest.raises(TakenBack) as taken:
        store.run_blocking(tried)
    [within] = taken.value.args
    assert within != before, "whoever changes the office sees it themselves"
    assert decided(store, config) == before
    with store.writing() as session:
        change(session)
    assert decided(store, config) == within


async def test_what_somebody_writes_in_a_database_shell_holds_too(store: Store, config: Config) -> None:
    assert "bob" in free(store, config)
    engine = create_engine(url_of(store))
    with engine.begin() as connection:
        connection.execute(text("UPDATE agent SET on_duty = false WHERE slug = 'bob'"))
    engine.dispose()
    assert "bob" not in free(store, config)


async def test_a_change_within_a_change_is_seen_by_the_one_who_makes_it(store: Store, config: Config) -> None:
    with store.writing() as session:
        for slug, left in (("alice", {"bob", "carol", "dana"}), ("bob", {"carol", "dana"})):
            session.execute(update(Agent).where(Agent.slug == slug).values(on_duty=False))
            inputs, _ = routes.plan(session, config, MAPLE, CALLER, TO_TEAM, PhonesNow(NOW))
            assert inputs.people.free == left
    assert free(store, config) == {"carol", "dana"}


async def test_dnd_ends_and_hours_begin_though_nobody_changes_anything(store: Store, config: Config) -> None:
    def free_at(minutes: float) -> set[str]:
        moment = PhonesNow(NOW + timedelta(minutes=minutes))
        inputs, _ = store.read_blocking(routes.plan, config, MAPLE, CALLER, TO_TEAM, moment)
        return set(inputs.people.free or ()) & {"alice", "bob"}

    with store.writing() as session:
        until = NOW + timedelta(minutes=5, seconds=30)
        session.execute(update(Device).where(Device.slug == "alice-desk").values(dnd=True, dnd_until=until))
    await store.run(_works, "bob", "10:07", "10:09")
    assert [free_at(minutes) for minutes in (0, 5, 5.5, 6.9, 7, 8.9, 9)] == [
        set(),
        set(),
        {"alice"},
        {"alice"},
        {"alice", "bob"},
        {"alice", "bob"},
        {"alice"},
    ]
    assert free_at(0) == set()


def _works(session: Session, slug: str, opens: str, closes: str) -> None:
    hours.replace_agent(session, By("tests", NOW), slug, [f"mon {opens}-{closes}"])


@contextmanager
def counted(store: Store) -> Iterator[list[str]]:
    """Statements, but for those that begin a transaction."""
    found: list[str] = []

    def on_execute(_: object, __: object, statement: str, *___: object) -> None:
        if not statement.startswith("BEGIN"):
            found.append(statement)

    event.listen(store._engine, "before_cursor_execute", on_execute)
    try:
        yield found
    finally:
        event.remove(store._engine, "before_cursor_execute", on_execute)


async def test_a_call_asks_for_its_caller_and_for_nothing_that_is_known(store: Store, config: Config) -> None:
    quiet = msgspec.structs.replace(config, ring=msgspec.structs.replace(config.ring, everyone_seconds=0))
    decided(store, config)
    with counted(store) as told:
        store.read_blocking(reception.receive, config, MAPLE, CALLER)
    assert len(told) == 2, "the mark, and the caller"
    for rules in (config, quiet):
        with counted(store) as told:
            store.read_blocking(routes.plan, rules, MAPLE, CALLER, (), PhonesNow(NOW))
        assert len(told) == 2
        with counted(store) as told:
            store.read_blocking(routes.plan, rules, MAPLE, CALLER, TO_TEAM, PhonesNow(NOW))
        assert len(told) == 3, "and who has waited longest"
    await store.run(
        times.set_hours, By("tests", NOW), "maple", ["mon-sun 09:00-18:00"], kind=TourKind.REMOTE, minutes=30
    )
    decided(store, config)
    with counted(store) as told:
        decided(store, config)
    assert len(told) == 4, "and which tours are booked"
    with store.writing() as session:
        session.add(Node(name="west", home="elsewhere", seen_at=NOW))
    decided(store, config)
    with counted(store) as told:
        decided(store, config)
    assert len(told) == 5, "and who talks there"


async def test_many_agents_are_not_read_for_a_call(store: Store, config: Config) -> None:
    with store.writing() as session:
        everybody = [
            Agent(slug=f"x{n}", name="x", devices=[Device(slug=f"x{n}-desk", kind="desk")]) for n in range(300)
        ]
        session.add_all(everybody)
    decided(store, config)
    with counted(store) as told:
        inputs, plan = decided(store, config)
    assert len(told) == 3
    assert len(inputs.people.everyone) == 304
    assert plan.task.owner == "alice"


async def test_what_is_kept_of_a_decision_does_not_grow_with_the_office(store: Store, config: Config) -> None:
    def kept(call_id: str) -> int:
        fact = decisions.told(f"{call_id}/r", call_id, NOW, *decided(store, config))
        store.run_blocking(
            ledger.record_all, config, [CallArrived(f"{call_id}/a", call_id, NOW, MAPLE, CALLER), fact], NOW
        )
        with store.reading() as session:
            [row] = calls.decisions(session, call_id)
            [event] = [one for one in calls.events(session, call_id) if one.kind == "Routed"]
            assert event.data == {"rule": "subteam", "path": "live", "stages": ["subteam", "everyone"]}
            rosters = decisions.rosters(session, [row])
            again = replays.from_stored(decisions.inputs_of(row, rosters))
            assert again == decided(store, config)[0]
            assert msgspec.convert(decisions.plan_of(row, rosters), RoutePlan) == decided(store, config)[1]
            return len(json.dumps([row.inputs, row.plan, row.reasons]))

    small = kept("small")
    with store.writing() as session:
        session.add_all(
            Agent(slug=f"x{n}", name="x", devices=[Device(slug=f"x{n}-desk", kind="desk")]) for n in range(500)
        )
    assert kept("large") < small + 200
    assert kept("again") < small + 200
    with store.reading() as session:
        assert len(session.scalars(select(Roster)).all()) == 2, "one for each set of agents"


async def test_the_end_of_a_talk_leaves_the_office_as_it_is(store: Store, config: Config) -> None:
    decided(store, config)
    with store.writing() as session:
        session.execute(update(Agent).values(last_talk_ended_at=NOW, email="x@example.com"))
        session.add(Call(id="c", did=MAPLE, started_at=NOW))
        session.flush()
        session.add(Leg(id="c-leg", call_id="c", device="alice-desk", started_at=NOW, stage="subteam"))
    with counted(store) as told:
        decided(store, config)
    assert len(told) == 3


async def test_everything_that_is_read_is_watched() -> None:
    selects = [one for one in vars(snapshot).values() if isinstance(one, Select)]
    read = {(column.table.name, column.name) for one in selects for column in one.selected_columns}
    assert len(read) > 50
    for table, column in read:
        watched = marks.OFFICE.watched[table]
        is_key = Base.metadata.tables[table].c[column].primary_key
        assert not watched or column in watched or is_key, f"{table}.{column}"


async def test_the_triggers_come_back_after_tables_were_rebuilt(url: str) -> None:
    def triggers() -> set[str]:
        engine = migration_engine(url)
        with engine.connect() as connection:
            found = {name for family in migrate.FAMILIES for name in present(connection, family)}
        engine.dispose()
        return found

    known = triggers()
    assert len(known) >= 2 * len([*marks.OFFICE.watched, *marks.SITE.watched]) + len(touches.WATCHED)
    migrate.downgrade(url, "0020")
    assert not triggers()
    migrate.upgrade(url)
    assert triggers() == known


async def test_after_a_rehearsal_the_first_caller_waits_for_no_more_than_the_next(url: str, config: Config) -> None:
    asked: list[str] = []

    def first(session: Session) -> None:
        event.listen(session.connection(), "before_cursor_execute", lambda *said: asked.append(said[2]))
        arrival = arrivals.read(config, request=MAPLE, said="", withheld="", shown=CALLER)
        welcome.welcome(session, config, arrival, "", PhonesNow(NOW))

    fresh = Store(url)
    try:
        await fresh.read(welcome.rehearse, config, NOW)
        await fresh.read(first)
        rehearsed, _ = len(asked), asked.clear()
        await fresh.read(first)
        assert rehearsed == len(asked)
    finally:
        fresh.close()
