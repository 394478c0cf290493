"""One open task a person and kind, however often they call; and what it says."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from crm.config import Config
from crm.domain.calls import (
    CallArrived,
    CallbackPromised,
    CallDirection,
    CallEnded,
    CallPlaced,
    CallStep,
    Cut,
    DeskChosen,
    EndedBy,
    Fact,
    LegRang,
    StepTaken,
    TalkCut,
    TalkStarted,
    VoicemailLeft,
)
from crm.edge.carrier import IncomingText
from crm.services import tasks
from crm.services.audit import By
from crm.services.calls import ledger
from crm.services.texts import messages
from crm.store.models import CallOrder, Task
from crm.store.session import Store
from crm.views import calls as call_views
from crm.views import reports as report_views

pytestmark = [pytest.mark.store, pytest.mark.both_databases, pytest.mark.usefixtures("office")]

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


async def test_numbers_that_are_no_line_are_one_task(store: Store, config: Config) -> None:
    await record(store, config, *(missed(n, did="+13125550000", caller=f"+1512555{1000 + n}") for n in range(2, 5)))
    assert await opened(store) == [("unknown_did", 3, "c4")]


async def unreachable(store: Store) -> list[str]:
    with store.reading() as session:
        return [one.id for one in call_views.listed(session) if one.unreachable]


async def test_a_caller_without_number_and_message_leaves_nothing_that_nobody_can_do(
    store: Store, config: Config
) -> None:
    await record(store, config, missed(0, caller=None), missed(1, caller=MAPLE))
    assert await opened(store) == []
    assert sorted(await unreachable(store)) == ["c0", "c1"], "a line of ours, which a forwarding shows, reaches nobody"
    assert not await store.read(report_views.lost, config, NOW + timedelta(days=1))
    with store.reading() as session:
        assert call_views.count_unreachable(session, NOW) == 2
        assert call_views.count_unreachable(session, NOW + timedelta(hours=1)) == 0


async def test_whoever_withholds_the_number_and_leaves_a_message_is_listened_to(store: Store, config: Config) -> None:
    await record(store, config, missed(0, (VoicemailLeft, {"file": "c0.wav", "seconds": 5}), caller=None))
    await record(store, config, missed(1, caller=None))
    assert await opened(store) == [("listen", 1, "c0")]
    # What Asterisk recorded alone is found later.
    await record(store, config, [VoicemailLeft("c1/found", "c1", NOW + timedelta(minutes=1), file="c1.wav", seconds=5)])
    assert await opened(store) == [("listen", 1, "c0"), ("listen", 1, "c1")]
    assert await unreachable(store) == []


async def test_an_emergency_is_somebodys_with_or_without_a_number_and_so_is_a_talk_that_was_cut(
    store: Store, config: Config
) -> None:
    await record(store, config, missed(0, (DeskChosen, {"desk": "maintenance"}), caller=None))
    leg = {"leg_id": "c1-alice", "device": "alice-desk", "agent": "alice", "stage": "subteam"}
    cut = (LegRang, leg), (TalkStarted, {"leg_id": "c1-alice"}), (TalkCut, {"leg_id": "c1-alice", "by": Cut.LINE_LOST})
    await record(store, config, missed(1, *cut, caller=None))
    assert await opened(store) == [("call_back", 1, "c0"), ("call_back", 1, "c1")]


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


async def wrote(store: Store, config: Config, n: int) -> None:
    at = NOW + timedelta(minutes=n)
    await store.run(messages.receive, config, IncomingText("twilio", f"t{n}", PROSPECT, MAPLE, "Is it free?", at), at)


def ours(n: int) -> list[Fact]:
    """Bob calls out and talks with them."""
    call_id, at = f"c{n}", NOW + timedelta(minutes=n)
    placed = {"direction": CallDirection.OUT, "agent": "bob", "device": "bob-desk", "did": MAPLE, "number": PROSPECT}
    told: list[tuple[type[Fact], dict[str, Any]]] = [
        (CallPlaced, placed),
        (LegRang, {"leg_id": call_id, "device": "bob-desk", "agent": "bob", "stage": "desk"}),
        (LegRang, {"leg_id": f"{call_id}-out", "device": "acme", "agent": "", "stage": "outside", "number": PROSPECT}),
        (TalkStarted, {"leg_id": call_id}),
        (TalkStarted, {"leg_id": f"{call_id}-out"}),
        (CallEnded, {"by": EndedBy.AGENT}),
    ]
    return [kind(f"{call_id}/{i}", call_id, at + timedelta(seconds=i), **more) for i, (kind, more) in enumerate(told)]


@pytest.mark.parametrize("answered", [talk, ours])
async def test_talking_to_the_person_ends_whatever_they_waited_for(
    store: Store, config: Config, answered: Callable[[int], list[Fact]]
) -> None:
    await record(store, config, missed(0), message(1))
    await wrote(store, config, 2)
    await wrote(store, config, 3)
    reply = (await found(store))[-1]
    assert reply.why == "Wrote to Maple Court: Is it free? 2 texts, the first on Mon 10:02, the last on Mon 10:03."
    assert [kind for kind, _, _ in await opened(store)] == ["call_back", "listen", "reply"]
    await record(store, config, answered(4))
    assert await opened(store) == []
    assert {task.result for task in await found(store)} == {"Somebody talked with them on the phone."}
    await wrote(store, config, 6)
    await wrote(store, config, 7)
    assert [kind for kind, _, _ in await opened(store)] == ["reply"]
    # A talk of before is put on record late.
    await record(store, config, answered(5))
    assert [kind for kind, _, _ in await opened(store)] == ["reply"]


async def test_an_emergency_is_not_settled_by_a_talk_about_a_home(store: Store, config: Config) -> None:
    await record(store, config, missed(0), missed(1, (DeskChosen, {"desk": "maintenance"})), talk(2))
    assert await opened(store) == [("call_back", 1, "c1")]
    at_desk = missed(3, (DeskChosen, {"desk": "maintenance"}), *((type(fact), _of(fact)) for fact in talk(3)[2:4]))
    await record(store, config, at_desk)
    assert await opened(store) == []
    await record(store, config, missed(4), missed(5, (DeskChosen, {"desk": "concern"})), ours(6))
    assert await opened(store) == []


def _of(fact: Fact) -> dict[str, Any]:
    return {name: getattr(fact, name) for name in fact.__dataclass_fields__ if name not in ("id", "call_id", "at")}


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
