"""What is retired takes part in nothing, and history goes on naming it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from crm.config import Config
from crm.domain.calls import CallArrived, CallEnded, CallStep, EndedBy, LegRang, StepTaken, TalkStarted
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.calls import ledger
from crm.services.office import agents
from crm.services.people.identity import who_is
from crm.services.phones import devices, lines
from crm.store import migrate, snapshot
from crm.store.models import Agent, Base, Call, Device, Lead, Line, Task, Voicemail
from crm.store.models.living import ALL, RETIRABLE
from crm.store.session import Store
from crm.views import calls as call_views
from crm.views import reports

pytestmark = [pytest.mark.store, pytest.mark.both_databases]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
BY = By("test", NOW)
MAPLE, PROSPECT = "+15125550100", "+15125550123"


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path / "secrets.json")


async def talk(store: Store, config: Config, did: str = MAPLE) -> None:
    facts = [
        CallArrived("c/0", "c", NOW - timedelta(minutes=9), did=did, caller=PROSPECT),
        StepTaken("c/1", "c", NOW - timedelta(minutes=8), step=CallStep.MENU),
        LegRang(
            "c/2", "c", NOW - timedelta(minutes=7), leg_id="l", device="alice-desk", agent="alice", stage="subteam"
        ),
        TalkStarted("c/3", "c", NOW - timedelta(minutes=6), leg_id="l"),
        CallEnded("c/4", "c", NOW - timedelta(minutes=5), by=EndedBy.CALLER),
    ]
    await store.run(ledger.record_all, config, facts, NOW)


async def retire_all(store: Store, secrets: Secrets) -> None:
    await store.run(lines.retire, BY, "US", MAPLE)
    await store.run(devices.retire, secrets, BY, "alice-desk")
    await store.run(agents.retire, BY, "alice")


@pytest.mark.usefixtures("office")
async def test_reports_and_calls_keep_naming_what_is_retired(store: Store, config: Config, secrets: Secrets) -> None:
    await talk(store, config)

    def told(session: object) -> object:
        return (
            call_views.one(session, "c"),
            reports.sources(session, config, NOW - timedelta(days=1), NOW),
        )

    before = await store.read(told)
    await retire_all(store, secrets)
    assert await store.read(told) == before


@pytest.mark.usefixtures("office")
async def test_what_is_retired_rings_nobody_and_owns_nothing(store: Store, config: Config, secrets: Secrets) -> None:
    await talk(store, config)
    secret = secrets.ensure("device/alice-desk")
    with store.writing() as session:
        alice = session.scalars(select(Agent).where(Agent.slug == "alice")).one()
        session.add(Task(key="k", kind="call_back", owner=alice, why="", due_at=NOW, created_at=NOW, result=""))
        session.add(Voicemail(call_id="c", file="c.wav", seconds=3, left_at=NOW, mailbox="agent:alice"))
        session.execute(Lead.__table__.update().values(assigned_agent_id=alice.id))
    await retire_all(store, secrets)
    with store.reading() as session:
        now = snapshot.now(session)
        assert "alice" not in now.agents
        assert MAPLE not in now.lines
        assert "alice-desk" not in now.owner_of
        assert [one.slug for one in now.teams["east"].members] == ["bob"]
        assert not who_is(session, MAPLE).is_line
        owned = select(Agent.slug).join(Task, Task.owner_id == Agent.id).where(Task.done_at.is_(None))
        assert set(session.scalars(owned)) == {"bob"}
        assert session.scalars(select(Voicemail.mailbox)).one() == "agent:bob"
        leads = select(Agent.slug).join(Lead, Lead.assigned_agent_id == Agent.id)
        assert session.scalars(leads).all() == ["bob"]
    assert not secrets.has("device/alice-desk")
    await store.run(agents.restore, config, BY, "alice")
    await store.run(devices.restore, secrets, BY, "alice-desk")
    assert secrets.get("device/alice-desk") != secret


@pytest.mark.usefixtures("office")
async def test_a_number_and_a_name_are_used_again_and_history_tells_the_two_apart(
    store: Store, config: Config, secrets: Secrets
) -> None:
    await talk(store, config)
    await retire_all(store, secrets)
    await store.run(lines.add, BY, config, MAPLE, label="Another")
    await store.run(agents.add, config, BY, "alice", name="Another Alice")
    with store.reading() as session:
        assert session.scalars(select(Line.label).join(Call, Call.line_id == Line.id)).one() == "Maple sign"
        assert session.scalars(select(Line.label).where(Line.number == MAPLE)).one() == "Another"
        assert session.scalars(select(Agent.name).where(Agent.slug == "alice")).one() == "Another Alice"


@pytest.mark.usefixtures("office")
async def test_the_office_finds_the_living_and_history_all(store: Store, secrets: Secrets) -> None:
    await store.run(devices.retire, secrets, BY, "alice-desk")
    alice_id = (await store.read(lambda session: agents.named(session, "alice"))).id
    await store.run(agents.retire, BY, "alice")
    other = aliased(Agent)
    with store.reading() as session:
        everybody = ["bob", "carol", "dana"]
        assert session.scalars(select(Agent.slug).order_by(Agent.slug)).all() == everybody
        assert session.scalars(select(other.slug).order_by(other.slug)).all() == everybody
        assert session.scalar(select(func.count()).select_from(Agent)) == 3
        phone = exists().where(Device.agent_id == Agent.id, Device.slug == "alice-desk")
        assert session.scalars(select(Agent.slug).where(phone)).all() == []
        assert session.scalars(select(Agent.slug).execution_options(**ALL).where(phone)).all() == ["alice"]
        found = session.get(Agent, alice_id)
        assert found is not None
        assert found.devices == []
    for way in (selectinload, joinedload):
        with store.reading() as session:
            wanted = select(Device).where(Device.slug == "alice-desk").execution_options(**ALL)
            assert session.scalars(wanted.options(way(Device.agent))).one().agent.slug == "alice"


def test_every_table_with_retired_rows_is_filtered() -> None:
    """A table that gets the column belongs in `RETIRABLE`, or its retired rows would be found everywhere."""
    assert {table.name for table in Base.metadata.sorted_tables if "retired_at" in table.c} == RETIRABLE


def test_down_and_up_again_keep_what_calls_are_about(url: str) -> None:
    store = Store(url)
    with store.writing() as session:
        for at in (NOW, None):
            session.add(Line(number=MAPLE, retired_at=at))
            session.add(Agent(slug="alice", name="Alice", extension="101", retired_at=at))
    store.close()
    migrate.downgrade(url, "0061")
    migrate.upgrade(url)
    store = Store(url)
    with store.reading() as session:
        assert sorted(session.scalars(select(Line.number))) == [MAPLE, "retired-1"]
        assert sorted(session.scalars(select(Agent.slug))) == ["alice", "retired-1"]
    store.close()
