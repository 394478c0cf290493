"""Orders for calls: written once, claimed by one, and never left behind."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from crm.config import Config
from crm.domain.dialing import DialRefused
from crm.domain.errors import Invalid, NotFound
from crm.services.audit import By
from crm.services.calls import orders
from crm.services.calls.orders import OrderClaim
from crm.services.people import opt_outs
from crm.store.models import Agent, Call, CallOrder, Lead, LeadPhone, Trunk
from crm.store.session import Store

pytestmark = [pytest.mark.store, pytest.mark.both_databases, pytest.mark.usefixtures("office", "trunk")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
BY = By("tests", NOW)
PROSPECT = "+15125550123"


@pytest.fixture
async def trunk(store: Store) -> None:
    with store.writing() as session:
        session.add(Trunk(slug="acme", host="10.0.0.1", auth="address"))


async def all_orders(store: Store) -> list[CallOrder]:
    with store.reading() as session:
        return list(session.scalars(select(CallOrder).order_by(CallOrder.id)))


async def add_lead(store: Store, *phones: str, name: str | None = None) -> int:
    with store.writing() as session:
        lead = Lead(created_at=NOW, name=name, phones=[LeadPhone(number=phone) for phone in phones], interests=[])
        session.add(lead)
        session.flush()
        return lead.id


@pytest.mark.parametrize("typed", ["(512) 555-0123", "+15125550123", "1 512 555 0123"])
async def test_pain_13_a_number_is_ordered_as_people_type_it(store: Store, config: Config, typed: str) -> None:
    await add_lead(store, PROSPECT)
    order = await store.run(orders.place, config, BY, agent="alice", to=typed)
    assert order.to_number == PROSPECT


async def test_a_lead_is_ordered_by_its_id(store: Store, config: Config) -> None:
    lead_id = await add_lead(store, PROSPECT)
    order = await store.run(orders.place, config, BY, agent="alice", to=str(lead_id))
    assert (order.to_number, order.lead_id, order.state) == (PROSPECT, lead_id, "waiting")


async def test_the_same_order_again_is_the_same_order(store: Store, config: Config) -> None:
    first = await store.run(orders.place, config, BY, agent="alice", to=PROSPECT)
    again = await store.run(orders.place, config, BY, agent="alice", to="512-555-0123")
    assert first.id == again.id
    other = await store.run(orders.place, config, BY, agent="bob", to=PROSPECT)
    assert other.id != first.id
    assert len(await all_orders(store)) == 2


async def test_what_cannot_be_ordered_leaves_nothing(store: Store, config: Config) -> None:
    withheld = await add_lead(store)
    with store.writing() as session:
        session.add(Agent(slug="zed", name="Zed", devices=[]))
    await store.run(opt_outs.add, config, BY, "+15125550177", why="said so", scope="all")
    for agent, to, error, why in (
        ("alice", "999999", NotFound, "no lead"),
        ("alice", "soon", Invalid, "nor a phone number"),
        ("alice", "9005550123", DialRefused, "premium-rate"),
        ("alice", "+18765550123", DialRefused, "country"),
        ("alice", "+15125550100", DialRefused, "own lines"),
        ("alice", "+15125550177", DialRefused, "asked not to be called"),
        ("alice", str(withheld), Invalid, "withheld"),
        ("zoe", PROSPECT, NotFound, "no agent"),
        ("zed", PROSPECT, Invalid, "no phone"),
    ):
        with pytest.raises(error, match=why):
            await store.run(orders.place, config, BY, agent=agent, to=to)
    assert await all_orders(store) == []


async def test_of_many_workers_one_gets_the_order(store: Store, config: Config) -> None:
    await store.run(orders.place, config, BY, agent="alice", to=PROSPECT)
    claims = await asyncio.gather(*(store.run(orders.claim, config, NOW) for _ in range(6)))
    assert sum(isinstance(claim, OrderClaim) for claim in claims) == 1
    other = Store(str(store._engine.url.render_as_string(hide_password=False)))
    try:
        assert await other.run(orders.claim, config, NOW) is None
    finally:
        other.close()


async def test_an_order_of_a_worker_who_died_is_not_rung_again_by_hand_but_told(store: Store, config: Config) -> None:
    await store.run(orders.place, config, BY, agent="alice", to=PROSPECT)
    assert await store.run(orders.claim, config, NOW)
    later = NOW + timedelta(seconds=config.dialing.agent_ring_seconds) + orders.MARGIN
    assert await store.run(orders.claim, config, later) is None
    [order] = await all_orders(store)
    assert (order.state, order.error) == ("failed", "The app ended while the agent's phones rang.")


async def test_a_worker_who_died_after_the_agent_answered_has_done_it(store: Store, config: Config) -> None:
    await store.run(orders.place, config, BY, agent="alice", to=PROSPECT)
    claim = await store.run(orders.claim, config, NOW)
    assert claim
    with store.writing() as session:
        session.add(Call(id=claim.call_id, did="", started_at=NOW))
    assert await store.run(orders.claim, config, NOW + timedelta(minutes=1)) is None
    assert [order.state for order in await all_orders(store)] == ["done"]


async def test_an_order_that_nobody_took_in_time_is_void(store: Store, config: Config) -> None:
    order = await store.run(orders.place, config, BY, agent="alice", to=PROSPECT)
    assert await store.run(orders.claim, config, NOW + orders.BY_HAND) is None
    [kept] = await all_orders(store)
    assert (kept.state, "may not have been running" in kept.error) == ("failed", True)
    await store.run(orders.give_up, order.id, "anything")
    assert (await all_orders(store))[0].error == kept.error, "what is over stays so"


async def test_somebody_who_stops_waiting_takes_the_order_back(store: Store, config: Config) -> None:
    order = await store.run(orders.place, config, BY, agent="alice", to=PROSPECT)
    await store.run(orders.give_up, order.id, "Nobody has taken it.")
    assert await store.run(orders.claim, config, NOW) is None
    assert [(one.state, one.error) for one in await all_orders(store)] == [("failed", "Nobody has taken it.")]


async def test_the_agent_hears_the_name_that_is_known(store: Store, config: Config) -> None:
    await add_lead(store, PROSPECT, name="Carol")
    await store.run(orders.place, config, BY, agent="alice", to=PROSPECT)
    claim = await store.run(orders.claim, config, NOW)
    assert claim
    assert claim.name == "Carol"


async def test_a_withheld_caller_cannot_be_called_back_and_an_unknown_call_neither(
    store: Store, config: Config
) -> None:
    with store.writing() as session:
        session.add(Call(id="w", did="", started_at=NOW))
    with pytest.raises(Invalid, match="withheld"):
        await store.run(orders.call_back, config, BY, "w", agent="alice")
    with pytest.raises(NotFound, match="no call"):
        await store.run(orders.call_back, config, BY, "nope", agent="alice")
