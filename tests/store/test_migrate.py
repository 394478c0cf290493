"""Migrations up and down, and that they make the very tables the models describe."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Connection, Engine, MetaData, Table, inspect

from crm.domain.calls import DialStatus, LegEnded, RecordingEnded
from crm.domain.errors import Conflict, Unavailable
from crm.store import migrate, search
from crm.store.facts import from_row, to_values
from crm.store.models import Base, CallEvent
from crm.store.queries import calls
from crm.store.session import Store, migration_engine
from crm.views import listings
from tests import migrated

pytestmark = [pytest.mark.store, pytest.mark.both_databases]

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _migrate_new_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "upgrade", migrated.upgrade)


def tables(url: str) -> set[str]:
    engine = migration_engine(url)
    with engine.connect() as connection:
        names = set(inspect(connection).get_table_names())
    engine.dispose()
    return {name for name in names if not name.startswith(search.PREFIX)} - {"alembic_version"}


def of_the_models(thing: object, name: str | None, kind: str, *_: object) -> bool:
    return not (name or "").startswith(search.PREFIX)


def test_down_and_up_again(url: str) -> None:
    """From what the migrations have made of an empty database."""
    assert migrate.is_current(url)
    assert tables(url) == set(Base.metadata.tables)
    migrate.downgrade(url, "base")
    assert migrate.current(url) is None
    assert not migrate.is_current(url)
    assert tables(url) == set()
    migrate.upgrade(url)
    assert migrate.is_current(url)
    assert tables(url) == set(Base.metadata.tables)


def test_a_start_with_nothing_to_migrate_loads_no_alembic_and_puts_triggers_back(tmp_path: Path) -> None:
    url = f"sqlite:///{shutil.copy(migrated.migrated(), tmp_path / 'leaseline.db')}"
    code = (
        "import sys, sqlite3\n"
        "from crm.store import migrate\n"
        f"database = sqlite3.connect({str(tmp_path / 'leaseline.db')!r})\n"
        "triggers = \"SELECT name FROM sqlite_master WHERE type = 'trigger'\"\n"
        "def made(): return {name for name, in database.execute(triggers)}\n"
        "before = made()\n"
        "database.execute(f'DROP TRIGGER {sorted(before)[0]}')\n"
        "database.commit()\n"
        f"migrate.upgrade({url!r})\n"
        "assert made() == before and before\n"
        "assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=os.environ)


# SQLAlchemy cannot read indexes of expressions back from SQLite.
@pytest.mark.filterwarnings("ignore:.*expression-based index")
@pytest.mark.filterwarnings("ignore:.*functional index")
def test_the_migrations_make_what_the_models_describe(url: str) -> None:
    engine = migration_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": of_the_models})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_postgres_keeps_the_words_of_entries_and_a_start_waits_for_nobody_who_writes(url: str) -> None:
    engine = migration_engine(url)
    index = "SELECT indexdef FROM pg_indexes WHERE indexname = 'search_activity'"
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("ALTER TABLE activity DROP COLUMN search_vector")
        connection.exec_driver_sql("CREATE INDEX search_activity ON activity USING gin (to_tsvector('simple', text))")
    migrate.upgrade(url)
    with engine.connect() as connection, connection.begin():
        assert connection.exec_driver_sql(index).scalar_one().endswith("(search_vector)")
        connection.exec_driver_sql("LOCK TABLE activity, lead IN ROW EXCLUSIVE MODE")
        migrate.upgrade(f"{url}&options=-c%20lock_timeout%3D5000")
    engine.dispose()


def test_addresses_of_older_leads_find_the_oldest(empty_url: str) -> None:
    migrate.upgrade(empty_url, "0024")
    engine = migration_engine(empty_url)
    with engine.connect() as connection, connection.begin():
        for id, address in enumerate(("Pat@Example.com", "", "pat@example.com", "sam@example.com"), start=1):
            connection.exec_driver_sql(
                "INSERT INTO lead (id, email, status, source, created_at)"
                f" VALUES ({id}, '{address}', 'new', '', '2026-03-02 16:00:00')"
            )
    migrate.upgrade(empty_url, "0025")
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT lead_id, address FROM lead_email ORDER BY lead_id").all()
        assert [tuple(row) for row in found] == [(1, "pat@example.com"), (4, "sam@example.com")]
    engine.dispose()


def test_offers_of_older_databases_become_versions_of_one_listing_and_come_back(empty_url: str) -> None:
    migrate.upgrade(empty_url, "0030")
    engine = migration_engine(empty_url)
    offers = (
        (1, 1, 1400, "Application 50", "cats and dogs", "'2026-04-01'"),
        (1, 2, 1450, "", "ask us", "NULL"),
        (2, 1, 900, "", "none", "NULL"),
        (3, 1, 800, "", "", "NULL"),
    )
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("INSERT INTO property (id, slug, name, listings_url) VALUES (1, 'elm', 'Elm', '')")
        for unit in (1, 2, 3):
            connection.exec_driver_sql(
                f"INSERT INTO unit (id, property_id, name, bedrooms, bathrooms) VALUES ({unit}, 1, '{unit}', 2, 1.5)"
            )
        for id, (unit, version, rent, fees, pets, day) in enumerate(offers, start=1):
            connection.exec_driver_sql(
                "INSERT INTO listing (id, unit_id, version, rent, deposit, fees, pets, available_on, created_at) VALUES"
                f" ({id}, {unit}, {version}, {rent}, 500, '{fees}', '{pets}', {day}, '2026-03-02 16:00:00')"
            )
    told = "SELECT unit_id, version, rent, fees, pets FROM listing ORDER BY unit_id, version"
    with engine.connect() as connection:
        before = [tuple(row) for row in connection.exec_driver_sql(told)]
    migrate.upgrade(empty_url)
    with engine.connect() as connection:
        heads = connection.exec_driver_sql(
            "SELECT latest, published, rent, cats, dogs FROM listing ORDER BY unit_id"
        ).all()
        assert [tuple(row) for row in heads] == [
            (2, None, 1450, None, None),
            (1, None, 900, False, False),
            (1, None, 800, None, None),
        ]
    store = Store(empty_url)
    first, second = (store.read_blocking(listings.one, 1, datetime.now(UTC), version=version) for version in (1, 2))
    store.close()
    assert (first.rent, first.text, str(first.available_on)) == (1400, "Fees: Application 50", "2026-04-01")
    assert first.terms.pets is not None
    assert [pets.kind for pets in first.terms.pets.allowed] == ["cats", "dogs"]
    assert second.terms.pets is not None
    assert (second.rent, second.terms.pets.note) == (1450, "ask us")
    migrate.downgrade(empty_url, "0030")
    with engine.connect() as connection:
        assert [tuple(row) for row in connection.exec_driver_sql(told)] == before
    engine.dispose()


def test_older_tasks_to_reply_say_who_wrote(empty_url: str) -> None:
    migrate.upgrade(empty_url, "0026")
    engine = migration_engine(empty_url)
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("INSERT INTO agent (id, slug, name, on_duty) VALUES (1, 'dana', 'Dana', true)")
        tasks = (("reply:+15125550171:5", ""), ("reply:+15125550171:6", ""), ("reply:7", "lead:3"), ("reply:8", ""))
        for id, (key, person) in enumerate(tasks, start=1):
            connection.exec_driver_sql(
                "INSERT INTO task (id, key, kind, owner_id, person, why, due_at, created_at, result) VALUES"
                f" ({id}, '{key}', 'reply', 1, '{person}', '', '2026-03-02 16:00:00', '2026-03-02 16:00:00', '')"
            )
    migrate.upgrade(empty_url, "0027")
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT person FROM task ORDER BY id").scalars().all()
        assert list(found) == ["writer:+15125550171", "", "lead:3", ""]
    engine.dispose()


def test_voicemail_of_older_calls_is_called_so(empty_url: str) -> None:
    migrate.upgrade(empty_url, "0031")
    engine = migration_engine(empty_url)
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql(
            "INSERT INTO property (id, slug, name, listings_url, messages_to) VALUES (1, 'elm', 'Elm', '', 'subteam')"
        )
        for id, outcome, path in (("c1", "left_message", "message"), ("c2", "talked", "live")):
            connection.exec_driver_sql(
                "INSERT INTO call (id, did, trunk, started_at, outcome, step, ended_by, without_app) VALUES"
                f" ('{id}', '', '', '2026-03-02 16:00:00', '{outcome}', '', '', false)"
            )
            connection.exec_driver_sql(
                "INSERT INTO routing_decision (id, call_id, at, rule, reasons, stages, path, inputs, plan)"
                f" VALUES ('{id}/r', '{id}', '2026-03-02 16:00:00', '', '[]', '[]', '{path}', '{{}}', '{{}}')"
            )
    migrate.upgrade(empty_url, "0032")
    query = "SELECT outcome, path FROM call JOIN routing_decision ON call_id = call.id ORDER BY call.id"
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT voicemail_to FROM property").scalars().all() == ["subteam"]
        found = [tuple(row) for row in connection.exec_driver_sql(query)]
        assert found == [("left_voicemail", "voicemail"), ("talked", "live")]
    engine.dispose()


def test_migrating_again_changes_nothing(url: str) -> None:
    migrate.upgrade(url)
    assert migrate.is_current(url)


def test_two_processes_at_once(empty_url: str) -> None:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(migrate.upgrade, [empty_url, empty_url], ["0010", "0010"]))
    assert migrate.current(empty_url) == "0010"


async def test_from_asynchronous_code(empty_url: str) -> None:
    await asyncio.to_thread(migrate.upgrade, empty_url, "0010")
    assert await asyncio.to_thread(migrate.current, empty_url) == "0010"


def test_a_newer_database_is_left_alone(url: str) -> None:
    engine = migration_engine(url)
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    with pytest.raises(Conflict, match="update Leaseline"):
        migrate.upgrade(url)
    assert tables(url) == set(Base.metadata.tables)


def test_the_database_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "leaseline.db"
    migrate.upgrade(f"sqlite:///{path}", "0001")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_folder_and_no_server_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="check its folder"):
        migrate.upgrade(f"sqlite:///{tmp_path}/missing/leaseline.db")
    with pytest.raises(Unavailable, match="No PostgreSQL server answers"):
        migrate.upgrade(f"postgresql+psycopg://nobody@/x?host={tmp_path}")


def test_older_entries_and_tasks_say_which_property_they_are_about(empty_url: str) -> None:
    migrate.upgrade(empty_url, "0040")
    engine = migration_engine(empty_url)
    activity = {"lead_id": 1, "kind": "Text"}
    rows: tuple[tuple[str, dict[str, object]], ...] = (
        ("property", {"id": 1, "slug": "elm"}),
        ("property", {"id": 2, "slug": "oak"}),
        ("agent", {"id": 1}),
        ("line", {"id": 1, "number": "+15125550100", "property_id": 1}),
        ("line", {"id": 2, "number": "+15125550101"}),
        ("lead", {"id": 1}),
        ("call", {"id": "c1", "line_id": 2, "property_id": 2}),
        ("call", {"id": "c2", "line_id": 1}),
        ("message", {"id": 7, "direction": "in", "to_number": "+15125550100", "from_number": "+15125550177"}),
        ("tour_slot", {"id": 1, "property_id": 2}),
        ("tour", {"id": 3, "slot_id": 1, "lead_id": 1}),
        ("activity", {"id": 1, **activity, "key": "call:c1", "call_id": "c1"}),
        ("activity", {"id": 2, **activity, "key": "call:c2", "call_id": "c2"}),
        ("activity", {"id": 3, **activity, "key": "text:7"}),
        ("activity", {"id": 4, **activity, "key": "tour:3:1:booked"}),
        ("activity", {"id": 5, **activity, "key": "hand:1"}),
        ("task", {"id": 1, "owner_id": 1, "key": "call:c1", "call_id": "c1"}),
        ("task", {"id": 2, "owner_id": 1, "key": "reply:7"}),
        ("task", {"id": 3, "owner_id": 1, "key": "reply:+15125550177:7"}),
    )
    with engine.connect() as connection, connection.begin():
        for name, row in rows:
            _fill(connection, name, row)
    migrate.upgrade(empty_url, "0041")
    with engine.connect() as connection:
        for name, about in (("activity", [2, 1, 1, 2, None]), ("task", [2, 1, None])):
            found = connection.exec_driver_sql(f"SELECT property_id FROM {name} ORDER BY id").scalars()
            assert list(found) == about, name
    engine.dispose()


def test_older_calls_read_the_same_when_they_take_less_room_and_come_back(empty_url: str) -> None:
    migrate.upgrade(empty_url, "0089")
    engine = migration_engine(empty_url)
    facts = [
        ("c1.1/arrived", "12:00:00", "CallArrived", {"did": "+15125550100", "caller": None}),
        ("c1.1/leg-ended-c1.1-leg-a", "12:00:09", "LegEnded", {"leg_id": "c1.1-leg-a", "status": "ANSWER"}),
        ("before/all~this", "12:00:04.999999", "RecordingEnded", {"recording_id": "c1.1-rec-1", "seconds": 3}),
    ]
    sentences = ["The office is open.", "Naïve: 5 > 3."]
    inputs = {"line_known": True, "answers": [{"question": "menu", "keys": "2"}]}
    with engine.connect() as connection, connection.begin():
        _fill(connection, "call", {"id": "c1.1"})
        for id, at, kind, data in facts:
            at_then = datetime.fromisoformat(f"2026-03-02T{at}+00:00")
            _fill(connection, "call_event", {"id": id, "call_id": "c1.1", "at": at_then, "kind": kind, "data": data})
        _fill(
            connection, "routing_decision", {"id": "c1.1/r", "call_id": "c1.1", "reasons": sentences, "inputs": inputs}
        )
    before = _rows(engine, "call_event"), _rows(engine, "routing_decision")

    migrate.upgrade(empty_url)
    store = Store(empty_url)
    with store.reading() as session:
        told = [from_row(row) for row in calls.events(session, "c1.1")]
        assert [(fact.id, type(fact).__name__) for fact in told] == [(facts[n][0], facts[n][2]) for n in (0, 2, 1)]
        assert [row.number for row in calls.events(session, "c1.1")] == [0, 1, 2]
        assert isinstance(told[1], RecordingEnded)
        assert told[1].recording_id == "c1.1-rec-1"
        [decision] = calls.decisions(session, "c1.1")
        assert (decision.reasons, decision.inputs, decision.plan) == (sentences, inputs, {})
    with store.writing() as session:
        # As it is written now.
        [decision] = calls.decisions(session, "c1.1")
        decision.inputs = {**inputs, "line_known": False}
    with store.writing() as session:
        [decision] = calls.decisions(session, "c1.1")
        decision.inputs = inputs
        fact = LegEnded(
            "c1.1/leg-ended-c1.1-leg-b", "c1.1", datetime(2026, 3, 2, 12, 1, tzinfo=UTC), "c1.1-leg-b", DialStatus.BUSY
        )
        session.add(CallEvent(**to_values(fact, 3)))
    store.close()

    migrate.downgrade(empty_url, "0089")
    events, decisions = _rows(engine, "call_event"), _rows(engine, "routing_decision")
    [added] = [row for row in events if row not in before[0]]
    assert (added["id"], added["data"]["leg_id"]) == ("c1.1/leg-ended-c1.1-leg-b", "c1.1-leg-b")
    assert ([row for row in events if row is not added], decisions) == before
    engine.dispose()


def _fill(connection: Connection, name: str, row: dict[str, object]) -> None:
    """Adds a row, with something in every column that needs it."""
    table = Table(name, MetaData(), autoload_with=connection, resolve_fks=False)
    empty = {one.name: _empty(one) for one in table.columns if not one.nullable and one.server_default is None}
    connection.execute(table.insert(), {**empty, **row})


def _rows(engine: Engine, name: str) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        table = Table(name, MetaData(), autoload_with=connection, resolve_fks=False)
        return [dict(row) for row in connection.execute(table.select().order_by(table.c.id)).mappings()]


def _empty(column: Column[object]) -> object:
    kind = column.type.python_type
    return (
        datetime(2026, 3, 2, 16, 0, tzinfo=UTC) if kind is datetime else [] if kind in (dict, list, object) else kind()
    )
