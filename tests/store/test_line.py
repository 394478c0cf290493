"""Callers who keep their place in line: what the record makes of it, and the orders to call them back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from ari_app.call.registry import Calls
from ari_app.edge.present import Present
from ari_app.workers.queue_dispatcher import QueueDispatcher
from crm.config import Config
from crm.domain.calls import (
    CallArrived,
    CallbackQueued,
    CallEnded,
    CallStep,
    EndedBy,
    Fact,
    StepTaken,
    TalkEnded,
    TalkStarted,
)
from crm.domain.choosing import KeyedAnswer, Question
from crm.domain.routing import TEAM, Path
from crm.services.audit import By
from crm.services.calls import ledger, orders
from crm.services.calls.orders import OrderClaim
from crm.services.routing import reception, routes
from crm.services.routing.routes import PhonesNow
from crm.store.models import Activity, CallOrder, Hours, Message, Task
from crm.store.queries import calls
from crm.store.session import Store
from tests.store.rows import touch_agents
from tests.waiting import until

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday, 10:00 in Chicago."""
BY = By("tests", NOW)
MAPLE, PROSPECT = "+15125550100", "+15125550123"
AGENTS = ("alice", "bob")


async def queues_callback(
    store: Store, config: Config, call: str = "c1", caller: str | None = PROSPECT, at: datetime = NOW, did: str = MAPLE
) -> None:
    facts: list[Fact] = [
        CallArrived(f"{call}/arrived", call, at, did, caller),
        StepTaken(f"{call}/queue", call, at, CallStep.QUEUE),
        CallbackQueued(f"{call}/place-kept", call, at, AGENTS),
        CallEnded(f"{call}/ended", call, at, EndedBy.SYSTEM),
    ]
    for fact in [*facts, *facts]:
        await store.run(ledger.record, config, fact, at)


async def the_order(store: Store) -> CallOrder:
    with store.reading() as session:
        return session.scalars(select(CallOrder)).one()


async def test_who_keeps_the_place_leaves_a_task_an_order_and_gets_one_text(store: Store, config: Config) -> None:
    await queues_callback(store, config)
    with store.reading() as session:
        call = calls.by_id(session, "c1")
        task = session.scalars(select(Task)).one()
        text = session.scalars(select(Message)).one()
        told = session.scalars(select(Activity.text)).one()
    assert call
    assert (call.outcome, task.kind, task.done_at) == ("callback", "call_back", None)
    assert (text.purpose, text.to_number) == ("callback", PROSPECT)
    assert text.body.startswith("Maple Court: we are holding your place in line")
    assert told == "Called Maple Court and kept their place in line, to be called back."
    order = await the_order(store)
    assert (order.to_number, order.since, order.agents, order.state) == (PROSPECT, NOW, list(AGENTS), "waiting")
    assert (order.task_id, order.tries_left) == (task.id, config.dialing.callback_tries)


async def test_the_text_is_in_the_language_of_the_line(store: Store, config: Config) -> None:
    await queues_callback(store, config, did="+15125550101")
    with store.reading() as session:
        text = session.scalars(select(Message)).one()
    assert "conserva su lugar" in text.body


async def test_while_the_call_is_up_nobody_is_called_back(store: Store, config: Config) -> None:
    await store.run(ledger.record, config, CallArrived("c/a", "c", NOW, MAPLE, PROSPECT), NOW)
    await store.run(ledger.record, config, CallbackQueued("c/k", "c", NOW, AGENTS), NOW)
    assert await store.read(orders.queued_callbacks, config, NOW) == []


async def test_who_talked_after_all_is_not_called_back(store: Store, config: Config) -> None:
    await queues_callback(store, config)
    for fact in (TalkStarted("c1/t", "c1", NOW - timedelta(minutes=1), "leg"), TalkEnded("c1/u", "c1", NOW, "leg")):
        await store.run(ledger.record, config, fact, NOW)
    assert await store.read(orders.queued_callbacks, config, NOW) == []
    assert await store.run(orders.claim, config, NOW) is None
    order = await the_order(store)
    assert (order.state, order.error) == ("cancelled", "Its task was done meanwhile.")


async def test_places_are_in_the_order_in_which_they_have_waited(store: Store, config: Config) -> None:
    await queues_callback(store, config, "late", "+15125550177", NOW + timedelta(minutes=1))
    await queues_callback(store, config, "early", PROSPECT, NOW)
    found = await store.read(orders.queued_callbacks, config, NOW + timedelta(minutes=2))
    assert [(one.since, one.agents, one.is_due, one.tried) for one in found] == [
        (NOW, AGENTS, True, ""),
        (NOW + timedelta(minutes=1), AGENTS, True, ""),
    ]


@pytest.mark.both_databases
async def test_a_kept_place_is_claimed_in_its_turn_and_by_one_alone(store: Store, config: Config) -> None:
    await queues_callback(store, config)
    assert await store.run(orders.claim, config, NOW) is None, "not by whoever asks for what is due"
    [callback] = await store.read(orders.queued_callbacks, config, NOW)
    tries = (store.run(orders.claim_callback, config, callback.order_id, "bob", NOW) for _ in range(5))
    [claim] = [one for one in await asyncio.gather(*tries) if one]
    assert (claim.agent, claim.number, claim.is_callback) == ("bob", PROSPECT, True)
    [claimed] = await store.read(orders.queued_callbacks, config, NOW)
    assert (claimed.is_due, claimed.tried) == (False, "bob")


async def test_an_agent_who_does_not_answer_is_tried_again_after_a_pause_and_then_it_stays_a_task(
    store: Store, config: Config
) -> None:
    await queues_callback(store, config)
    at = NOW
    for _ in range(config.dialing.callback_tries):
        [callback] = await store.read(orders.queued_callbacks, config, at)
        assert callback.is_due
        claim = await store.run(orders.claim_callback, config, callback.order_id, "alice", at)
        assert isinstance(claim, OrderClaim)
        await store.run(orders.not_placed, config, claim, "alice did not answer.", at, again=True)
        assert [one.is_due for one in await store.read(orders.queued_callbacks, config, at)] in ([False], [])
        at += timedelta(seconds=config.dialing.callback_pause_seconds)
    assert (await the_order(store)).state == "failed"
    with store.reading() as session:
        assert session.scalars(select(Task)).one().done_at is None


async def test_a_worker_who_died_with_it_leaves_it_to_the_next(store: Store, config: Config) -> None:
    await queues_callback(store, config)
    [callback] = await store.read(orders.queued_callbacks, config, NOW)
    assert await store.run(orders.claim_callback, config, callback.order_id, "alice", NOW)
    later = NOW + timedelta(seconds=config.dialing.agent_ring_seconds) + orders.MARGIN
    assert [one.is_due for one in await store.read(orders.queued_callbacks, config, later)] == [True]
    assert await store.run(orders.claim_callback, config, callback.order_id, "bob", later)


async def test_a_closed_office_calls_nobody_and_goes_on_when_it_opens(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.add_all(Hours(weekday=day, opens="09:00", closes="17:00") for day in range(5))
    evening = NOW + timedelta(hours=6, minutes=58)  # 16:58 in Chicago
    await queues_callback(store, config, at=evening)
    assert [one.is_due for one in await store.read(orders.queued_callbacks, config, evening)] == [True]
    assert [
        one.is_due for one in await store.read(orders.queued_callbacks, config, evening + timedelta(minutes=3))
    ] == [False]
    morning = NOW + timedelta(hours=23)  # 09:00 on Tuesday
    assert [one.is_due for one in await store.read(orders.queued_callbacks, config, morning)] == [True]
    with store.reading() as session:
        assert session.scalars(select(Task)).one().due_at > morning


async def test_a_place_that_nobody_came_to_in_time_is_left_as_a_task(store: Store, config: Config) -> None:
    await queues_callback(store, config)
    expires_at = (await the_order(store)).expires_at
    assert await store.read(orders.queued_callbacks, config, expires_at) == []
    assert await store.run(orders.claim, config, expires_at) is None
    assert (await the_order(store)).state == "failed"


async def test_a_withheld_number_keeps_no_place(store: Store, config: Config) -> None:
    await queues_callback(store, config, caller=None)
    with store.reading() as session:
        assert session.scalars(select(CallOrder)).all() == []
        assert session.scalars(select(Task)).all() == []


async def test_those_who_wait_for_the_same_people_count_for_the_decision(store: Store, config: Config) -> None:
    to_team = (KeyedAnswer(Question.MENU, TEAM),)
    line = [frozenset(("alice",)), frozenset(("nobody-of-these",))]
    moment = PhonesNow(NOW, on_call=("alice-desk", "bob-desk", "carol-desk", "dana-desk"), line=line, waiting=1)
    inputs, plan = await store.read(routes.plan, config, MAPLE, PROSPECT, to_team, moment)
    assert inputs.waiting == 2
    assert (plan.path, plan.otherwise) == (Path.QUEUE, (Path.VOICEMAIL,))


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_while_a_callback_waits_the_database_is_asked_when_something_changes_or_is_due(
    store: Store, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.writing() as session:
        session.add_all(Hours(weekday=day, opens="09:00", closes="17:00") for day in range(5))
    evening = NOW + timedelta(hours=8)  # 18:00 in Chicago
    await queues_callback(store, config, at=evening)
    present, asked, clock, read = Present(), list[Any](), [evening], store.read

    async def reads(act: Any, *given: Any) -> Any:
        asked.append(act)
        return await read(act, *given)

    async def seen() -> Present:
        return present

    client = SimpleNamespace(connected=asyncio.Event(), seen=seen)
    client.connected.set()
    context: Any = SimpleNamespace(
        store=store, config=config, client=client, calls=Calls[Any](), places_calls=False, now=lambda: clock[0]
    )
    dispatcher = QueueDispatcher(context, lambda claim: None)

    async def look() -> list[Any]:
        asked.clear()
        await dispatcher._look()
        return list(asked)

    listens = asyncio.create_task(store.changes.listen())
    try:
        await until(lambda: store.changes.is_heard)
        monkeypatch.setattr(store, "read", reads)
        assert await look() == [orders.queued_callbacks]
        assert await look() == [], "the office is closed until the morning"
        await store.run(touch_agents)
        assert await look() == [orders.queued_callbacks]
        assert await look() == []
        # One that is longer than the interval at which it looks whatever it knows.
        clock[0] = evening + timedelta(hours=15) - timedelta(seconds=1)
        assert await look() == [orders.queued_callbacks]
        assert [callback.is_due for callback in context.calls.callbacks] == [False]
        assert await look() == []
        clock[0] += timedelta(seconds=1)
        assert await look() == [orders.queued_callbacks, reception.on_record]
        assert [callback.is_due for callback in context.calls.callbacks] == [True]
        assert await look() == [], "nobody can be rung, as before"
        await store.run(touch_agents)
        assert await look() == [orders.queued_callbacks, reception.on_record]
        assert await look() == []
    finally:
        listens.cancel()
        await asyncio.gather(listens, return_exceptions=True)
