"""Setting up an office, on SQLite and PostgreSQL: the acts behind the command line."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import func, select

from crm.config import Config
from crm.domain.access import Role
from crm.domain.errors import Conflict, CrmError, Invalid
from crm.secrets import SecretError, Secrets
from crm.services import tasks
from crm.services.access import accounts
from crm.services.audit import By
from crm.services.office import agents, hours, numbering, properties, subteams
from crm.services.phones import devices, lines, trunks
from crm.services.system import directory, homes
from crm.store.models import AuditEntry, Base, Task
from crm.store.session import Store
from crm.views import access
from crm.views import hours as hour_views
from tests.postgres import PostgresServer

pytestmark = pytest.mark.store

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
BY = By("tester", NOW)


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path / "secrets.json")


async def counts(store: Store) -> dict[str, int]:
    with store.reading() as session:
        return {
            name: session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in Base.metadata.tables.items()
        }


async def test_a_home_is_made_on_postgresql(tmp_path: Path, postgres: PostgresServer) -> None:
    postgres.run_sql("CREATE DATABASE a_home_of_its_own")
    url = postgres.url("a_home_of_its_own").replace("+psycopg", "")
    home = tmp_path / "home"
    with pytest.raises(Invalid, match="PostgreSQL"):
        await homes.create(home, BY, name="Maple", database="mysql://maple@db.example/leaseline")
    assert not home.exists()
    config = await homes.create(home, BY, name="Maple", database=url)
    assert config.database.url == url
    assert not (home / "leaseline.db").exists()
    store = Store(config.database_url)
    try:
        office = await store.read(directory.organization)
    finally:
        store.close()
    assert office is not None
    assert office.name == "Maple"


async def test_the_demo_office_is_loaded_once(store: Store, config: Config, secrets: Secrets) -> None:
    await store.run(directory.create_office, BY, "Leasing Office")
    await store.run(directory.load_demo, config, secrets, BY)
    once, passwords = await counts(store), secrets.path.read_text()
    await store.run(directory.load_demo, config, secrets, BY)
    assert await counts(store) == once
    assert secrets.path.read_text() == passwords
    assert once["agent"] == 4
    assert once["hours"] == 7
    office = await store.read(directory.organization)
    assert office is not None
    assert office.name == directory.DEMO_NAME
    with store.reading() as session:
        owner = session.get(agents.Agent, office.admin_agent_id)
    assert owner is not None
    assert owner.slug == directory.ADMIN
    assert {entry.agent.slug: entry.subteams for entry in await store.read(agents.find_all)} == {
        "admin": (),
        "alice": ("north",),
        "bob": ("north",),
        "carol": ("south",),
    }
    places = {line.number: line.property for line in await store.read(lines.find_all)}
    assert {number: property.subteam.slug for number, property in places.items() if property and property.subteam} == {
        "+15125550100": "north",
        "+15125550101": "south",
    }
    for device in await store.read(devices.find_all):
        assert secrets.has(devices.secret_name(device.slug))


async def test_the_demos_agents_can_be_invited_to_the_console(store: Store, config: Config, secrets: Secrets) -> None:
    await store.run(directory.load_demo, config, secrets, BY)
    with store.writing() as session:
        accounts.add(session, BY, "roberta", "Roberta", Role.MANAGER, agent="bob")
    for _ in range(2):
        await store.run(directory.add_demo_accounts, BY)
    with store.reading() as session:
        found = access.accounts(session, NOW)
    assert {one.name: (one.role, one.agent, one.state) for one in found} == {
        "alice": ("agent", "alice", "invited"),
        "carol": ("agent", "carol", "invited"),
        "roberta": ("manager", "bob", "invited"),
    }


async def test_the_demo_works_without_an_office_and_follows_its_port(
    store: Store, config: Config, secrets: Secrets
) -> None:
    await store.run(directory.load_demo, config, secrets, BY)
    assert (await store.read(trunks.get, "demo")).port == config.ports.demo
    moved = Config(home=config.home, ports=type(config.ports)(demo=23_456))
    await store.run(directory.load_demo, moved, secrets, BY)
    assert (await store.read(trunks.get, "demo")).port == 23_456


async def test_the_demo_stays_out_of_a_real_office(store: Store, config: Config, secrets: Secrets) -> None:
    await store.run(lines.add, BY, config, "+15125550177")
    before = await counts(store)
    with pytest.raises(Conflict, match="of its own"):
        await store.run(directory.load_demo, config, secrets, BY)
    assert await counts(store) == before


@pytest.mark.each_database
@pytest.mark.parametrize(
    ("extension", "because"),
    [
        ("700", "is for parking calls"),
        ("704", "is for parking calls"),
        ("901", "begins with 9, which phones dial before an outside number"),
        ("6001", "is one of our lines"),
        ("999", "emergency"),
    ],
)
async def test_an_extension_never_means_two_things(store: Store, config: Config, extension: str, because: str) -> None:
    await store.run(lines.add, BY, config, "6001")
    await store.run(agents.add, config, BY, "alice", extension="101")
    for act, slug in ((agents.add, "bob"), (agents.change, "alice")):
        with pytest.raises(CrmError, match=because):
            await store.run(act, config, BY, slug, extension=extension)
    with pytest.raises(Conflict, match="101 is alice's extension"):
        await store.run(lines.add, BY, config, "101")
    with pytest.raises(Conflict, match="705 is for parking calls"):
        await store.run(lines.add, BY, config, "705")
    # As an office's phone system may give it: callers reach it over a trunk, where no prefix is dialed.
    await store.run(lines.add, BY, config, "9100")
    for moved, hidden in (("100", "alice's extension 101"), ("6000", "line 6001's number")):
        parking = msgspec.structs.replace(config.parking, extension=moved)
        assert await store.read(numbering.hidden, msgspec.structs.replace(config, parking=parking)) == [
            f"{hidden} is for parking calls (parking.extension, parking.slots)"
        ]
    assert await store.read(numbering.hidden, config) == []


async def test_a_line_that_comes_back_has_no_number_that_is_for_parking_by_now(store: Store, config: Config) -> None:
    await store.run(lines.add, BY, config, "6001")
    await store.run(lines.retire, BY, config.region, "6001")
    parking = msgspec.structs.replace(config.parking, extension="6000")
    with pytest.raises(Conflict, match="6001 is for parking calls"):
        await store.run(lines.restore, BY, msgspec.structs.replace(config, parking=parking), "6001")
    assert await store.run(lines.restore, BY, config, "6001") == "6001"


@pytest.mark.each_database
@pytest.mark.parametrize("meanwhile", ["line", "colleague", "parking", "nothing"])
async def test_who_comes_back_has_no_extension_that_means_something_else_by_now(
    store: Store, config: Config, meanwhile: str
) -> None:
    for slug, extension in (("alice", "101"), ("bob", "")):
        await store.run(agents.add, config, BY, slug, extension=extension)
    await store.run(agents.retire, BY, "alice", successor="bob")
    if meanwhile == "line":
        await store.run(lines.add, BY, config, "101")
    elif meanwhile == "colleague":
        await store.run(agents.add, config, BY, "carol", extension="101")
    elif meanwhile == "parking":
        config = msgspec.structs.replace(config, parking=msgspec.structs.replace(config.parking, extension="100"))
    back = await store.run(agents.restore, config, BY, "alice")
    assert back.extension == ("101" if meanwhile == "nothing" else None)


@pytest.mark.both_databases
async def test_of_two_who_add_the_same_at_once_one_is_told(store: Store, config: Config) -> None:
    results = await asyncio.gather(
        *(store.run(agents.add, config, BY, "alice") for _ in range(4)), return_exceptions=True
    )
    assert sum(result is None for result in results) == 1
    assert all(isinstance(result, Conflict) for result in results if result is not None)
    assert (await counts(store))["agent"] == 1


async def test_a_change_and_its_entry_commit_together(store: Store, config: Config, secrets: Secrets) -> None:
    await store.run(agents.add, config, BY, "alice", extension="101")
    with pytest.raises(CrmError):
        await store.run(agents.add, config, BY, "bob", extension="101")
    with pytest.raises(SecretError):
        await store.run(devices.add, Secrets(secrets.path / "no" / "folder"), BY, "alice-desk", agent="alice")
    with store.reading() as session:
        entries = session.scalars(select(AuditEntry)).all()
    assert [(entry.who, entry.at, entry.what) for entry in entries] == [("tester", NOW, "agent alice added")]
    assert await store.read(devices.find_all) == []


async def test_a_trunks_password_is_kept_only_when_the_trunk_is(store: Store, secrets: Secrets) -> None:
    with pytest.raises(Invalid):
        await store.run(trunks.add, secrets, BY, "acme", host="a.example", auth="digest", username="maple")
    with pytest.raises(Invalid):
        await store.run(
            trunks.add, secrets, BY, "acme", host="a.example", auth="digest", username="maple", password="two\nlines"
        )
    assert not secrets.has("trunk/acme")
    assert list(await store.read(trunks.find_all)) == []
    await store.run(
        trunks.add, secrets, BY, "acme", host="A.Example.", auth="digest", username="maple", password="good"
    )
    assert (await store.read(trunks.get, "acme")).host == "a.example"
    await store.run(trunks.change, secrets, BY, "acme", auth="address", addresses=["203.0.113.7/32"], username="")
    assert not secrets.has("trunk/acme")
    assert (await store.read(trunks.get, "acme")).addresses == ["203.0.113.7"]


async def test_a_peer_named_by_address_is_known_by_it(store: Store, secrets: Secrets) -> None:
    await store.run(trunks.add, secrets, BY, "office", host="192.0.2.5", auth="address")
    assert (await store.read(trunks.get, "office")).addresses == ["192.0.2.5"]
    with pytest.raises(Conflict, match="office"):
        await store.run(trunks.add, secrets, BY, "other", host="192.0.2.5", auth="address")


async def test_dnd_holds_until_its_end(store: Store, config: Config, secrets: Secrets) -> None:
    await store.run(agents.add, config, BY, "alice")
    await store.run(devices.add, secrets, BY, "alice-desk", agent="alice")
    await store.run(devices.set_dnd, BY, ["alice-desk"], until=NOW + timedelta(minutes=30))
    device = await store.read(devices.get, "alice-desk")
    assert devices.has_dnd(device, NOW)
    assert not devices.has_dnd(device, NOW + timedelta(minutes=30))
    await store.run(devices.clear_dnd, BY, await store.read(devices.of_agent, "alice"))
    assert not devices.has_dnd(await store.read(devices.get, "alice-desk"), NOW)


async def test_wrong_hours_leave_the_old_week(store: Store, config: Config) -> None:
    await store.run(hours.replace, BY, ["mon-fri 09:00-18:00"])
    with pytest.raises(Invalid):
        await store.run(hours.replace, BY, ["mon 09:00-18:00", "mon 17:00-19:00"])
    assert len((await store.read(hour_views.week, config)).schedule.openings) == 5


async def test_a_successor_owns_tasks_afterwards(store: Store, config: Config) -> None:
    for slug in ("alice", "bob"):
        await store.run(agents.add, config, BY, slug)
    alice = await store.read(agents.named, "alice")
    with store.writing() as session:
        session.add(Task(key="k", kind="call_back", owner_id=alice.id, why="missed", due_at=NOW, created_at=NOW))
    with pytest.raises(Conflict, match="is on record"):
        await store.run(agents.remove, BY, "alice")
    await store.run(agents.retire, BY, "alice", successor="bob")
    with store.reading() as session:
        task = session.scalars(select(Task)).one()
        assert task.owner_id == (await store.read(agents.named, "bob")).id
    await store.run(tasks.finish, BY, task.id, "called back")
    with pytest.raises(Conflict):
        await store.run(tasks.finish, BY, task.id, "again")


async def test_what_names_another_holds_it(store: Store, config: Config) -> None:
    await store.run(subteams.add, BY, "north")
    await store.run(properties.add, BY, "elm", subteam="north")
    await store.run(lines.add, BY, config, "512 555 0100", property_slug="elm")
    with pytest.raises(Conflict, match="elm"):
        await store.run(subteams.remove, BY, "north")
    with pytest.raises(Conflict, match=r"\+15125550100"):
        await store.run(properties.remove, BY, "elm")
    await store.run(lines.remove, BY, "US", "+15125550100")
    await store.run(properties.remove, BY, "elm")
    await store.run(subteams.remove, BY, "north")
    assert {name for name, count in (await counts(store)).items() if count} == {
        "audit_entry",
        "office_mark",
        "site_mark",
    }
