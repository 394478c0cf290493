"""The outbox on real databases: every text leaves once, later, or never, and the record says which."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from crm.config import Config, Texts
from crm.domain.errors import Unavailable
from crm.domain.texts import MessageState
from crm.edge.carrier import Carrier, CarrierError, CarrierUnknown, OutgoingText
from crm.edge.sip_message import SipCarriers, SipMessageCarrier
from crm.secrets import Secrets
from crm.services import delivery, outbox
from crm.store.models import Activity, Lead, Message, Trunk
from crm.store.session import Store

pytestmark = pytest.mark.store

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


class FakeCarrier:
    """Remembers what it was given; `behaviour` decides what becomes of it."""

    def __init__(self, behaviour: Callable[[OutgoingText], Awaitable[None]] | None = None) -> None:
        self.behaviour = behaviour
        self.given: list[OutgoingText] = []
        self.busy = asyncio.Event()

    async def send(self, text: OutgoingText) -> None:
        self.given.append(text)
        self.busy.set()
        if self.behaviour:
            await self.behaviour(text)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Worker:
    """A running outbox and what a test turns."""

    def __init__(self, store: Store, config: Config, carrier_for: outbox.CarrierFor) -> None:
        self.wake, self.clock = asyncio.Event(), Clock()
        self.task = asyncio.create_task(outbox.run(store, config, carrier_for, self.wake, self.clock))


@asynccontextmanager
async def working(store: Store, config: Config, carrier: Carrier) -> AsyncIterator[Worker]:
    worker = Worker(store, config, lambda trunk: carrier)
    try:
        yield worker
    finally:
        worker.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await worker.task


@pytest.fixture
async def trunk(store: Store) -> None:
    async with store.write() as session:
        session.add(Trunk(slug="acme", host="127.0.0.1", auth="address"))


async def queue(store: Store, *keys: str, at: datetime = NOW, lead: bool = False, **values: object) -> list[int]:
    async with store.write() as session:
        lead_id = None
        if lead:
            card = Lead(created_at=NOW)
            session.add(card)
            await session.flush()
            lead_id = card.id
        rows = [
            Message(
                **{
                    "key": key, "purpose": "listings_link", "to_number": "+15125550123", "from_number": "+15125550100",
                    "body": "Our homes: https://example.com", "state": MessageState.QUEUED, "next_attempt_at": at,
                    "created_at": NOW, "lead_id": lead_id, **values,
                }
            )
            for key in keys
        ]  # fmt: skip
        session.add_all(rows)
        await session.flush()
        return [row.id for row in rows]


async def message(store: Store, key: str) -> Message:
    async with store.read() as session:
        return (await session.scalars(select(Message).where(Message.key == key))).one()


async def until(store: Store, key: str, *states: MessageState, attempts: int | None = None) -> Message:
    """The row, once it is in one of the states."""
    async with asyncio.timeout(10):
        while True:
            row = await message(store, key)
            if row.state in states and attempts in (None, row.attempts):
                return row
            await asyncio.sleep(0.01)


def refusing(error: CarrierError) -> Callable[[OutgoingText], Awaitable[None]]:
    async def behaviour(text: OutgoingText) -> None:
        raise error

    return behaviour


async def test_a_queued_text_is_sent_once_and_stands_on_the_leads_timeline(
    store: Store, config: Config, trunk: None
) -> None:
    (message_id,) = await queue(store, "link:1", lead=True)
    carrier = FakeCarrier()
    async with working(store, config, carrier) as worker:
        row = await until(store, "link:1", MessageState.SENT)
        worker.wake.set()
        await queue(store, "link:2")
        await until(store, "link:2", MessageState.SENT)
    assert (row.attempts, row.sent_at, row.next_attempt_at, row.error) == (1, NOW, None, "")
    assert [text.key for text in carrier.given] == ["link:1", "link:2"]
    assert carrier.given[0] == OutgoingText(
        "link:1", "+15125550123", "+15125550100", "Our homes: https://example.com", attempt=1
    )
    async with store.read() as session:
        (activity,) = (await session.scalars(select(Activity))).all()
    assert (activity.key, activity.kind, activity.lead_id) == (f"text:{message_id}", "Text", row.lead_id)
    assert "https://example.com" in activity.text


async def test_whoever_commits_a_row_wakes_the_worker_at_once(
    store: Store, config: Config, trunk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "POLL_SECONDS", 60.0)
    async with working(store, config, FakeCarrier()) as worker:
        await queue(store, "a")
        worker.wake.set()
        await until(store, "a", MessageState.SENT)


async def test_a_row_nobody_told_of_is_found_all_the_same(
    store: Store, config: Config, trunk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "POLL_SECONDS", 0.05)
    async with working(store, config, FakeCarrier()):
        await queue(store, "a")
        await until(store, "a", MessageState.SENT)


async def test_a_text_waits_for_its_time_and_the_longest_due_goes_first(
    store: Store, config: Config, trunk: None
) -> None:
    await queue(store, "later", at=NOW + timedelta(seconds=30))
    await queue(store, "second", at=NOW)
    await queue(store, "first", at=NOW - timedelta(seconds=1))
    carrier = FakeCarrier()
    async with working(store, config, carrier) as worker:
        await until(store, "second", MessageState.SENT)
        assert [text.key for text in carrier.given] == ["first", "second"]
        worker.clock.now = NOW + timedelta(seconds=30)
        worker.wake.set()
        await until(store, "later", MessageState.SENT)


async def test_a_passing_refusal_is_tried_again_with_growing_pauses_until_it_counts_as_failed(
    store: Store, config: Config, trunk: None
) -> None:
    config = msgspec.structs.replace(config, texts=Texts(attempts=3, first_retry_seconds=10.0))
    await queue(store, "a")
    carrier = FakeCarrier(refusing(CarrierError("The peer is busy.", retryable=True)))
    pauses = []
    async with working(store, config, carrier) as worker:
        for attempts in (1, 2):
            row = await until(store, "a", MessageState.QUEUED, attempts=attempts)
            assert row.error == "The peer is busy."
            assert row.next_attempt_at is not None
            pauses.append((row.next_attempt_at - worker.clock.now).total_seconds())
            worker.clock.now = row.next_attempt_at
            worker.wake.set()
        row = await until(store, "a", MessageState.FAILED)
    assert pauses == [10.0, 20.0]
    assert (row.attempts, row.error, row.next_attempt_at) == (3, "Given up after 3 tries. The peer is busy.", None)
    assert [text.attempt for text in carrier.given] == [1, 2, 3]


async def test_when_the_carrier_says_when_to_come_back_then_it_is_left_alone_until_then(
    store: Store, config: Config, trunk: None
) -> None:
    await queue(store, "a")
    carrier = FakeCarrier(refusing(CarrierError("Busy.", retryable=True, retry_after_seconds=300.0)))
    async with working(store, config, carrier):
        row = await until(store, "a", MessageState.QUEUED, attempts=1)
    assert row.next_attempt_at == NOW + timedelta(seconds=300)


async def test_a_lasting_refusal_fails_at_once(store: Store, config: Config, trunk: None) -> None:
    await queue(store, "a", lead=True)
    carrier = FakeCarrier(refusing(CarrierError("x" * 400, retryable=False)))
    async with working(store, config, carrier):
        row = await until(store, "a", MessageState.FAILED)
    assert (row.attempts, len(row.error), row.sent_at) == (1, 300, None)
    async with store.read() as session:
        assert not (await session.scalars(select(Activity))).all()


@pytest.mark.parametrize("error", [CarrierUnknown("No answer."), ValueError("a fault of ours")])
async def test_when_the_fate_is_unknown_then_it_is_never_sent_again_and_the_next_text_goes_on(
    store: Store, config: Config, trunk: None, error: Exception
) -> None:
    async def behaviour(text: OutgoingText) -> None:
        if text.key == "a":
            raise error

    await queue(store, "a", "b")
    carrier = FakeCarrier(behaviour)
    async with working(store, config, carrier) as worker:
        await until(store, "b", MessageState.SENT)
        row = await message(store, "a")
        worker.clock.now += timedelta(days=1)
        worker.wake.set()
        await queue(store, "c")
        worker.wake.set()
        await until(store, "c", MessageState.SENT)
    assert (row.state, row.next_attempt_at) == (MessageState.UNKNOWN, None)
    assert row.error
    assert "fault of ours" not in row.error
    assert [text.key for text in carrier.given] == ["a", "b", "c"]


async def test_a_text_found_in_sending_at_start_becomes_unknown(store: Store, config: Config, trunk: None) -> None:
    await queue(store, "a", state=MessageState.SENDING, attempts=1)
    carrier = FakeCarrier()
    async with working(store, config, carrier):
        row = await until(store, "a", MessageState.UNKNOWN)
    assert "ask the person before you send it again" in row.error
    assert not carrier.given


async def test_several_workers_share_the_rows_and_none_is_sent_twice(store: Store, config: Config, trunk: None) -> None:
    keys = [f"k{number}" for number in range(30)]
    await queue(store, *keys)
    config = msgspec.structs.replace(config, texts=Texts(per_person_per_hour=0))
    carrier = FakeCarrier()
    workers = [Worker(store, config, lambda trunk: carrier) for _ in range(4)]
    try:
        for key in keys:
            await until(store, key, MessageState.SENT, MessageState.UNKNOWN)
    finally:
        for worker in workers:
            worker.task.cancel()
        await asyncio.gather(*(worker.task for worker in workers), return_exceptions=True)
    assert sorted(text.key for text in carrier.given) == sorted(keys)
    assert {(await message(store, key)).state for key in keys} == {MessageState.SENT}


async def test_when_a_second_worker_takes_the_first_for_dead_then_the_first_ones_answer_still_counts(
    store: Store, config: Config, trunk: None
) -> None:
    answer = asyncio.Event()

    async def slow(text: OutgoingText) -> None:
        await answer.wait()

    await queue(store, "a", lead=True)
    carrier = FakeCarrier(slow)
    async with working(store, config, carrier):
        await carrier.busy.wait()
        async with working(store, config, carrier):
            await until(store, "a", MessageState.UNKNOWN)
            answer.set()
            row = await until(store, "a", MessageState.SENT)
    assert row.error == ""
    assert len(carrier.given) == 1


async def test_at_shutdown_the_text_under_way_may_get_its_answer(store: Store, config: Config, trunk: None) -> None:
    answer = asyncio.Event()

    async def slow(text: OutgoingText) -> None:
        await answer.wait()

    await queue(store, "a", "b")
    carrier = FakeCarrier(slow)
    worker = Worker(store, config, lambda trunk: carrier)
    await carrier.busy.wait()
    worker.task.cancel()
    asyncio.get_running_loop().call_later(0.05, answer.set)
    with pytest.raises(asyncio.CancelledError):
        await worker.task
    assert (await message(store, "a")).state == MessageState.SENT
    assert (await message(store, "b")).state == MessageState.QUEUED


async def test_when_no_answer_comes_before_shutdown_ends_then_the_next_start_calls_it_unknown(
    store: Store, config: Config, trunk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(text: OutgoingText) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(delivery, "GRACE_SECONDS", 0.05)
    await queue(store, "a")
    carrier = FakeCarrier(never)
    async with working(store, config, carrier):
        await carrier.busy.wait()
    assert (await message(store, "a")).state == MessageState.SENDING
    async with working(store, config, FakeCarrier()):
        await until(store, "a", MessageState.UNKNOWN)


async def test_when_the_database_goes_away_after_the_text_left_then_the_result_is_written_when_it_is_back(
    store: Store, config: Config, trunk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await queue(store, "a")
    is_away = asyncio.Event()
    write = store.write

    @asynccontextmanager
    async def failing() -> AsyncIterator[object]:
        if is_away.is_set():
            is_away.clear()
            raise Unavailable("The database does not answer.")
        async with write() as session:
            yield session

    async def behaviour(text: OutgoingText) -> None:
        is_away.set()

    carrier = FakeCarrier(behaviour)
    monkeypatch.setattr(store, "write", failing)
    async with working(store, config, carrier):
        await until(store, "a", MessageState.SENT)
    assert len(carrier.given) == 1


async def test_without_a_trunk_the_text_waits_and_says_what_to_do(store: Store, config: Config) -> None:
    await queue(store, "a")
    carrier = FakeCarrier()
    async with working(store, config, carrier) as worker:
        row = await until(store, "a", MessageState.QUEUED, attempts=1)
        assert "leaseline trunk add" in row.error
        async with store.write() as session:
            session.add(Trunk(slug="off", host="127.0.0.1", auth="address", enabled=False))
            session.add(Trunk(slug="acme", host="127.0.0.1", auth="address"))
        worker.clock.now += timedelta(minutes=1)
        worker.wake.set()
        await until(store, "a", MessageState.SENT)


async def test_texts_go_through_the_trunk_that_is_configured_for_them(
    store: Store, config: Config, trunk: None
) -> None:
    async with store.write() as session:
        session.add(Trunk(slug="texting", host="127.0.0.2", auth="address"))
    seen: list[str] = []

    def carrier_for(trunk: Trunk) -> Carrier:
        seen.append(trunk.slug)
        return FakeCarrier()

    for name in ("texting", "gone", ""):
        await queue(store, f"by {name}")
        own = msgspec.structs.replace(config, texts=Texts(trunk=name))
        worker = Worker(store, own, carrier_for)
        row = await until(store, f"by {name}", MessageState.SENT, MessageState.QUEUED, attempts=1)
        worker.task.cancel()
        await asyncio.gather(worker.task, return_exceptions=True)
        assert row.state == (MessageState.QUEUED if name == "gone" else MessageState.SENT)
    assert "The trunk gone" in (await message(store, "by gone")).error
    assert seen == ["texting", "acme"]


async def test_over_sip_a_trunk_brings_its_address_and_password(config: Config) -> None:
    secrets, carriers = Secrets(config.secrets_file), SipCarriers()
    carrier_for = outbox.over_sip(config, secrets, carriers)
    open_trunk = Trunk(slug="open", host="10.0.0.1", port=5060, transport="udp", username="")
    digest = Trunk(slug="acme", host="sip.example.com", port=5070, transport="tcp", username="acme")
    assert carrier_for(open_trunk) is carrier_for(open_trunk)
    before = carrier_for(digest)
    secrets.put("trunk/acme", "s3cret")
    after = carrier_for(digest)
    assert before is not after
    assert isinstance(after, SipMessageCarrier)
    assert (after._peer.port, after._peer.transport, after._peer.password) == (5070, "tcp", "s3cret")
    config.secrets_file.write_text("not json")
    with pytest.raises(CarrierError, match="damaged") as failed:
        carrier_for(digest)
    assert failed.value.retryable


@given(st.integers(1, 10_000), st.integers(1, 10_000), st.floats(0.1, 1e6), st.none() | st.floats(0, 86400))
def test_a_pause_is_never_shorter_than_asked_and_never_longer_than_an_hour_or_that(
    attempts: int, most: int, first: float, asked: float | None
) -> None:
    again = delivery.next_attempt(Texts(attempts=most, first_retry_seconds=first), attempts, asked, NOW)
    if attempts >= most:
        assert again is None
    else:
        assert again is not None
        pause = (again - NOW).total_seconds()
        assert min(first, 3600.0) - 1e-3 <= pause <= max(3600.0, asked or 0.0) + 1e-3
        assert pause >= (asked or 0.0) - 1e-3
