"""One open task a person and kind, however often they call; and what it says."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from crm.config import Config
from crm.domain.calls import (
    CallArrived,
    CallbackPromised,
    CallEnded,
    CallStep,
    DeskChosen,
    EndedBy,
    Fact,
    LegRang,
    StepTaken,
    TalkStarted,
    VoicemailLeft,
)
from crm.services import tasks
from crm.services.audit import By
from crm.services.calls import ledger
from crm.store.models import CallOrder, Task
from crm.store.session import Store
from crm.views import reports as report_views

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday, 10:00 in Chicago."""
MAPLE, PROSPECT = "+15125550100", "+15125550123"


def missed(
    n: int, *more: tuple[type[Fact], dict[str, Any]], caller: str | None = PROSPECT, did: str = MAPLE
) -> list[Fact]:
    """A call of ten seconds, `n` minutes after ten."""
    call_id, at = f"c{n}", NOW + timedelta(minutes=n)
    told = [(CallArrived, {"did": did, "caller": caller}), (StepTaken, {"step": CallStep.MENU}), *more]
    facts = [
        kind(f"{call_id}/{i}", call_id, at + timedelta(seconds=i), **fields) for i, (kind, fields) in enumerate(told)
    ]
    return [*facts, CallEnded(f"{call_id}/ended", call_id, at + timedelta(seconds=10), by=EndedBy.CALLER)]


def talk(n: int) -> list[Fact]:
    rang = {"leg_id": f"c{n}-alice", "device": "alice-desk", "agent": "alice", "stage": "subteam"}
    return missed(n, (LegRang, rang), (TalkStarted, {"leg_id": f"c{n}-alice"}))


def message(n: int) -> list[Fact]:
    return missed(n, (VoicemailLeft, {"file": f"c{n}.wav", "seconds": 5}))


async def record(store: Store, config: Config, *stories: Sequence[Fact]) -> None:
    for facts in stories:
        await store.run(ledger.record_all, config, facts, max(fact.at for fact in facts))


async def found(store: Store) -> list[Task]:
    with store.reading() as session:
        wanted = select(Task).options(selectinload(Task.owner)).order_by(Task.id)
        return list(session.scalars(wanted).all())


async def opened(store: Store) -> list[tuple[str, int, str | None]]:
    return [(task.kind, task.times, task.call_id) for task in await found(store) if task.done_at is None]


async def test_sixty_calls_of_one_caller_make_one_task_that_says_how_many(store: Store, config: Config) -> None:
    await record(store, config, *(missed(n) for n in range(60)))
    (task,) = await found(store)
    assert (task.kind, task.times, task.call_id, task.key) == ("call_back", 60, "c59", "call:c0")
    assert task.due_at == NOW + timedelta(minutes=15, seconds=10), "they wait since the first"
    assert task.why == (
        "Called Maple Court and hung up in the menu. 60 calls, the first on Mon 10:00, the last on Mon 10:59."
    )
    assert not await store.read(report_views.lost, config, NOW + timedelta(days=1))


async def test_the_same_facts_again_and_in_any_order_count_once(store: Store, config: Config) -> None:
    facts = [fact for n in range(3) for fact in missed(n)]
    for seed in range(3):
        random.Random(seed).shuffle(facts)
        for fact in facts:
            await store.run(ledger.record, config, fact, NOW)
    (task,) = await found(store)
    assert (task.times, task.call_id) == (3, "c2")
    assert "3 calls" in task.why


async def test_two_people_two_kinds_and_two_concerns_are_tasks_of_their_own(store: Store, config: Config) -> None:
    other = "+15125550124"
    await record(
        store,
        config,
        missed(0),
        missed(1, caller=other),
        message(2),
        message(3),
        missed(4),
        missed(5, (DeskChosen, {"desk": "maintenance"})),
        missed(6, (DeskChosen, {"desk": "maintenance"})),
    )
    assert await opened(store) == [
        ("call_back", 2, "c4"),
        ("call_back", 1, "c1"),
        ("listen", 1, "c2"),
        ("listen", 1, "c3"),
        ("call_back", 2, "c6"),
    ]


async def test_calls_without_number_are_nobodys_and_so_are_numbers_that_are_no_line(
    store: Store, config: Config
) -> None:
    await record(store, config, missed(0, caller=None), missed(1, caller=None))
    assert await opened(store) == [("call_back", 1, "c0"), ("call_back", 1, "c1")]
    await record(store, config, *(missed(n, did="+13125550000", caller=f"+1512555{1000 + n}") for n in range(2, 5)))
    assert (await opened(store))[2:] == [("unknown_did", 3, "c4")]


async def test_a_message_that_is_found_later_leaves_the_task_to_the_other_calls(store: Store, config: Config) -> None:
    await record(store, config, missed(0), missed(1), missed(2))
    await record(store, config, [VoicemailLeft("c0/found", "c0", NOW + timedelta(seconds=9), file="c0.wav", seconds=5)])
    assert sorted(await opened(store)) == [("call_back", 2, "c2"), ("listen", 1, "c0")]
    await record(store, config, [VoicemailLeft("c2/found", "c2", NOW + timedelta(seconds=9), file="c2.wav", seconds=5)])
    left = next(task for task in await found(store) if task.kind == "call_back")
    assert (left.times, left.call_id, left.key) == (1, "c1", "call:c1")
    assert {task.key for task in await found(store)} == {"call:c0", "call:c1", "call:c2"}
    assert not await store.read(report_views.lost, config, NOW + timedelta(days=1))


async def test_a_talk_ends_the_task_of_all_calls_before_it_and_of_none_after(store: Store, config: Config) -> None:
    await record(store, config, missed(0), missed(1), talk(2), missed(3), missed(4))
    assert await opened(store) == [("call_back", 2, "c4")]
    first = (await found(store))[0]
    assert (first.times, first.done_at is not None) == (2, True)


async def test_a_talk_that_becomes_known_later_is_taken_out(store: Store, config: Config) -> None:
    await record(store, config, missed(0), missed(5))
    await record(store, config, [TalkStarted("c0/found", "c0", NOW + timedelta(seconds=3), leg_id="c0-alice")])
    assert await opened(store) == [("call_back", 1, "c5")]
    await record(store, config, [TalkStarted("c5/found", "c5", NOW + timedelta(minutes=5), leg_id="c5-alice")])
    assert await opened(store) == []


async def test_who_calls_again_does_not_wait_until_their_task_was_put_off_to(store: Store, config: Config) -> None:
    await record(store, config, missed(0))
    (task,) = await found(store)
    await store.run(tasks.snooze, By("alice", NOW + timedelta(minutes=1)), task.id, NOW + timedelta(days=2))
    await record(store, config, missed(5))
    (task,) = await found(store)
    assert (task.times, task.due_at) == (2, NOW + timedelta(minutes=20, seconds=10))


async def test_a_promise_takes_over_the_task_and_is_ordered_once_each_time(store: Store, config: Config) -> None:
    async def states() -> list[tuple[str, int | None]]:
        with store.reading() as session:
            return [(order.state, order.task_id) for order in session.scalars(select(CallOrder))]

    promise = missed(5, (CallbackPromised, {"leg_id": "c5-bob", "agent": "bob", "minutes": 10}))
    await record(store, config, missed(0), promise, promise[::-1])
    (task,) = await found(store)
    assert (task.times, task.call_id, task.owner.slug) == (2, "c5", "bob")
    assert "Bob promised" in task.why
    assert await states() == [("waiting", task.id)]
    # What nobody could keep is promised anew.
    with store.writing() as session:
        (order,) = session.scalars(select(CallOrder)).all()
        order.state = "failed"
    await record(store, config, missed(30, (CallbackPromised, {"leg_id": "c30-bob", "agent": "bob", "minutes": 10})))
    assert await states() == [("failed", task.id), ("waiting", task.id)]
