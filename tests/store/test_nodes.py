"""Several systems on one database: what belongs to which, and what is left behind by one that is gone."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from ari_app.workers.nodes import Nodes
from crm.config import Config
from crm.context import Crm
from crm.domain.calls import CallArrived, CallEnded, DialStatus, EndedBy, LegEnded, LegRang, TalkStarted, VoicemailLeft
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.calls import ledger, orders, strays
from crm.services.outbox.mails import MailTransport
from crm.services.routing import reception
from crm.services.system import nodes
from crm.services.voicemail import escalations, retention, transcripts
from crm.store import migrate
from crm.store.models import Call, CallOrder, Mail, Node, Trunk
from crm.store.session import Store, migration_engine
from crm.views import reports as report_views
from tests.store.conftest import NOW

pytestmark = [pytest.mark.store, pytest.mark.both_databases, pytest.mark.usefixtures("office")]

MAPLE, CALLER = "+15125550100", "+15125550171"


@pytest.fixture
def east(config: Config) -> Config:
    return msgspec.structs.replace(config, node="east")


@pytest.fixture
def west(config: Config) -> Config:
    return msgspec.structs.replace(config, node="west")


async def rings_alice(store: Store, config: Config, call_id: str, *, answered: bool = True) -> None:
    leg = f"{call_id}-leg-alice-desk-1"
    await store.run(ledger.record, config, CallArrived(f"{call_id}/a", call_id, NOW, MAPLE, CALLER), NOW)
    await store.run(ledger.record, config, LegRang(f"{call_id}/r", call_id, NOW, leg, "alice-desk", "alice", "x"), NOW)
    if answered:
        await store.run(ledger.record, config, TalkStarted(f"{call_id}/t", call_id, NOW, leg), NOW)


async def test_a_node_looks_after_its_own_calls_and_those_from_before_there_were_names(
    store: Store, config: Config, east: Config, west: Config
) -> None:
    for home, call_id in ((config, "old"), (east, "e"), (west, "w")):
        await rings_alice(store, home, call_id)
    assert set(await store.read(ledger.open_calls, east)) == {"old", "e"}
    assert set(await store.read(ledger.open_calls, west)) == {"old", "w"}
    # Somebody was called from west about a call of east's, which stays east's.
    ended = LegEnded("e/x", "e", NOW, "e-leg-alice-desk-1", DialStatus.ANSWER)
    await store.run(ledger.record, west, ended, NOW)
    assert "e" in await store.read(ledger.open_calls, east)


async def test_an_agent_who_talks_at_another_node_is_busy_and_one_whose_phone_rings_there_is_not(
    store: Store, east: Config, west: Config
) -> None:
    async def busy(config: Config) -> bool:
        [alice] = await store.read(reception.availability, config, ["alice-desk"], of=["alice"])
        return alice.is_on_call

    for home in (east, west):
        await store.run(nodes.beat, home, NOW)
    await rings_alice(store, east, "e", answered=False)
    assert not await busy(west)
    await rings_alice(store, east, "e")
    assert await busy(west)
    assert not await busy(east), "its own Asterisk knows better"
    await store.run(ledger.record, east, LegEnded("e/x", "e", NOW, "e-leg-alice-desk-1", DialStatus.ANSWER), NOW)
    assert not await busy(west)


async def test_a_call_of_a_node_that_lives_is_not_lost_and_one_of_a_node_that_is_gone_is_left_to_the_others(
    store: Store, east: Config, west: Config
) -> None:
    await rings_alice(store, east, "e")

    async def seen(config: Config, at: datetime) -> list[tuple[str, datetime]]:
        return await store.run(nodes.beat, config, at)

    async def lost(config: Config, at: datetime) -> list[str]:
        return [one.call for one in await store.read(report_views.lost, config, at)]

    later = NOW + timedelta(hours=7)
    assert await seen(east, later) == []
    assert await seen(west, later) == []
    assert await lost(west, later) == []
    assert await lost(east, later) == ["e"], "whose it is has to look after it"
    assert await lost(west, later + timedelta(minutes=10)) == ["e"]
    assert await seen(west, later + timedelta(minutes=59)) == []
    assert await seen(west, later + timedelta(minutes=61)) == [("e", later)]
    assert await seen(east, later + timedelta(minutes=62)) == [], "it has come back"


async def test_what_needs_a_message_s_sound_is_done_where_it_lies_until_that_node_is_gone(
    store: Store, east: Config, west: Config
) -> None:
    for fact in (
        CallArrived("e/a", "e", NOW, MAPLE, CALLER),
        VoicemailLeft("e/m", "e", NOW, "e.wav", 12),
        CallEnded("e/e", "e", NOW, EndedBy.CALLER),
    ):
        await store.run(ledger.record, east, fact, NOW)
    with store.writing() as session:
        mail = Mail(key="voicemail:e", to_address="a@example.com", subject="", body="", voicemail_id="e")
        mail.created_at, mail.state = NOW, "queued"
        session.add(mail)
    await store.run(nodes.beat, east, NOW)

    async def does(config: Config, at: datetime) -> list[bool]:
        """Transcript, call about it, mail."""

        def mails(session: Session) -> bool:
            transport = MailTransport(config, Secrets(config.secrets_file), sender=None, attach=None)  # type: ignore[arg-type]
            return session.scalar(sa.select(Mail.id).where(transport.is_for_us(at))) is not None

        written_down = await store.read(transcripts._next, config, at)
        called_about = await store.read(escalations.next_due, config, at)
        return [
            written_down is not None,
            called_about is not None and called_about <= at,
            await store.read(mails),
        ]

    soon, late = NOW + timedelta(minutes=50), NOW + timedelta(minutes=70)
    assert await does(east, soon) == [True, True, True]
    assert await does(west, soon) == [False, False, False]
    assert await does(west, late) == [True, True, True]

    ancient = NOW + timedelta(days=4000)
    assert [one.id for one in await store.read(retention.expired, east, ancient)] == ["e"]
    assert await store.read(retention.expired, west, ancient) == [], "the file is not there"
    lost = [
        (await strays.compare(Crm(home, store, Secrets(home.secrets_file), lambda: late))).voicemails
        for home in (east, west)
    ]
    assert lost == [("e",), ()]


async def test_an_order_is_carried_out_where_the_agent_has_a_phone_while_there_is_such_a_node(
    store: Store, east: Config, west: Config
) -> None:
    with store.writing() as session:
        session.add(Trunk(slug="acme", host="10.0.0.1", auth="address"))
    await store.run(nodes.beat, west, NOW)

    async def claimed(config: Config, at: datetime, *online: str) -> bool:
        return await store.run(orders.claim, config, at, online) is not None

    await store.run(orders.place, east, By("tests", NOW), agent="alice", to=CALLER)
    assert await claimed(west, NOW, "bob-desk"), "there is no other that lives"
    await store.run(nodes.beat, east, NOW)
    order = await store.run(orders.place, east, By("tests", NOW), agent="alice", to="+15125550172")
    assert not await claimed(west, NOW, "bob-desk")
    assert await claimed(east, NOW, "alice-desk")
    with store.reading() as session:
        assert session.get_one(CallOrder, order.id).node == "east"
    await store.run(orders.place, east, By("tests", NOW), agent="alice", to="+15125550173")
    assert await claimed(west, NOW + orders.LEFT_TO_OTHERS, "bob-desk"), "whoever takes it can say why nobody rings"


async def test_a_node_that_has_been_gone_for_long_is_forgotten(store: Store, east: Config, west: Config) -> None:
    await store.run(nodes.beat, east, NOW)
    await store.run(nodes.beat, west, NOW + timedelta(days=31))
    with store.reading() as session:
        assert session.scalars(sa.select(Node.name)).all() == ["west"]


def test_calls_that_are_there_get_the_name_of_the_home_that_migrates(empty_url: str) -> None:
    migrate.upgrade(empty_url, "0022")
    engine = migration_engine(empty_url)
    with engine.connect() as connection, connection.begin():
        values = {
            "id": "c1",
            "did": "",
            "trunk": "",
            "started_at": NOW,
            "step": "",
            "ended_by": "",
            "without_app": False,
        }
        connection.execute(sa.insert(sa.table("call", *(sa.column(name) for name in values))).values(**values))
    migrate.upgrade(empty_url, "0023", node="east")
    with engine.connect() as connection:
        assert connection.scalar(sa.select(Call.node)) == "east"
    engine.dispose()


async def test_that_a_node_is_gone_is_told_to_every_worker(store: Store, east: Config, west: Config) -> None:
    """What was for it is for us now, which no row says."""
    told = asyncio.Event()
    late = NOW + timedelta(minutes=61)
    await store.run(nodes.beat, east, NOW)
    assert await store.run(nodes.look, west, NOW, ()) == nodes.OtherNodes(frozenset(), are_up=True, left=[])
    with store.changes.told(["voicemail"], told.set):
        found = await store.run(nodes.look, west, late, ())
        assert found == nodes.OtherNodes(frozenset({"east"}), are_up=False, left=[])
        async with asyncio.timeout(30):
            await told.wait()
        told.clear()
        await store.run(nodes.look, west, late, found.gone)
        await asyncio.sleep(0)
        assert not told.is_set(), "once"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_where_nobody_looks_for_it_the_sign_of_life_waits_until_something_changes(
    store: Store, east: Config, west: Config
) -> None:
    clock = [NOW]
    here = Nodes(Crm(west, store, Secrets(west.secrets_file), lambda: clock[0]), journal=None)  # type: ignore[arg-type]

    async def seen(minutes: int) -> datetime:
        clock[0] = NOW + timedelta(minutes=minutes)
        await here.look()
        return await store.read(lambda session: session.get_one(Node, "west").seen_at)

    listening = asyncio.create_task(store.changes.listen())
    try:
        async with asyncio.timeout(30):
            while not store.changes.is_heard:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert await seen(0) == NOW
        assert await seen(1) == NOW
        assert await seen(20) == NOW + timedelta(minutes=20), "somebody may come"
        assert await seen(21) == NOW + timedelta(minutes=20)
        await store.run(nodes.beat, east, clock[0])
        for minutes in (22, 23, 24):
            assert await seen(minutes) == NOW + timedelta(minutes=minutes)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
