"""The outbox on real databases: every text leaves once, later, or never, and the record says which."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm import worker as workers
from crm.config import Config, Texts
from crm.domain.delivery import DeliveryState
from crm.domain.errors import Conflict, NotFound, Unavailable
from crm.domain.gate import Verdict
from crm.edge.carrier import Carrier, CarrierError, CarrierUnknown, OutgoingText
from crm.edge.sip_message import SipCarriers, SipMessageCarrier
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.outbox import carriers, delivery
from crm.services.outbox.carriers import CarrierFor, InOrder
from crm.services.outbox.delivery import DeliveryClaim, Outbox
from crm.services.outbox.texts import TextToSend, TextTransport
from crm.services.system import workers as shown
from crm.services.texts import resending
from crm.store.models import Activity, Lead, Message, Organization, Trunk
from crm.store.session import Store
from crm.worker import Troubles
from tests.store.conftest import crm_at, send_what_waits

pytestmark = [pytest.mark.store, pytest.mark.both_databases]

FIRST = "Leasing office: reply STOP to get no more texts."
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

    def __init__(self, store: Store, config: Config, carrier_for: CarrierFor) -> None:
        self.clock = Clock()
        troubles = Troubles(self.clock, partial(shown.show, config))
        transport = TextTransport(config, carrier_for)
        self.task = asyncio.create_task(send_what_waits(store, config, transport, self.clock, troubles=troubles))


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
    with store.writing() as session:
        session.add(Trunk(slug="acme", host="127.0.0.1", auth="address"))


async def queue(store: Store, *keys: str, at: datetime = NOW, lead: bool = False, **values: object) -> list[int]:
    with store.writing() as session:
        lead_id = None
        if lead:
            card = Lead(created_at=NOW)
            session.add(card)
            session.flush()
            lead_id = card.id
        rows = [
            Message(
                **{
                    "key": key,
                    "purpose": "listings_link",
                    "to_number": "+15125550123",
                    "from_number": "+15125550100",
                    "body": "Our homes: https://example.com",
                    "state": DeliveryState.QUEUED,
                    "next_attempt_at": at,
                    "created_at": NOW,
                    "lead_id": lead_id,
                    **values,
                }
            )
            for key in keys
        ]
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


async def message(store: Store, key: str) -> Message:
    with store.reading() as session:
        return session.scalars(select(Message).where(Message.key == key)).one()


async def until(store: Store, key: str, *states: DeliveryState, attempts: int | None = None) -> Message:
    """The row, once it is in one of the states."""
    async with asyncio.timeout(60):
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
    async with working(store, config, carrier):
        row = await until(store, "link:1", DeliveryState.SENT)
        store.changes.tell({"message"})
        await queue(store, "link:2")
        await until(store, "link:2", DeliveryState.SENT)
    assert (row.attempts, row.sent_at, row.next_attempt_at, row.error) == (1, NOW, None, "")
    assert [text.key for text in carrier.given] == ["link:1", "link:2"]
    assert carrier.given[0] == OutgoingText(
        "link:1", "+15125550123", "+15125550100", f"Our homes: https://example.com {FIRST}", attempt=1
    )
    assert carrier.given[1].body == "Our homes: https://example.com", "only the first text to a person says it"
    with store.reading() as session:
        (activity,) = session.scalars(select(Activity)).all()
    assert (activity.key, activity.kind, activity.lead_id) == (f"text:{message_id}", "Text", row.lead_id)
    assert "https://example.com" in activity.text


async def test_whoever_commits_a_row_wakes_the_worker_at_once(
    store: Store, config: Config, trunk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "LONGEST_SLEEP_SECONDS", 3600.0)
    async with working(store, config, FakeCarrier()):
        await queue(store, "a")
        await until(store, "a", DeliveryState.SENT)


async def test_a_text_waits_for_its_time_and_the_longest_due_goes_first(
    store: Store, config: Config, trunk: None
) -> None:
    await queue(store, "later", at=NOW + timedelta(seconds=30))
    await queue(store, "second", at=NOW)
    await queue(store, "first", at=NOW - timedelta(seconds=1))
    carrier = FakeCarrier()
    async with working(store, config, carrier) as worker:
        await until(store, "second", DeliveryState.SENT)
        assert [text.key for text in carrier.given] == ["first", "second"]
        worker.clock.now = NOW + timedelta(seconds=30)
        store.changes.tell({"message"})
        await until(store, "later", DeliveryState.SENT)


async def test_a_passing_refusal_is_tried_again_with_growing_pauses_until_it_counts_as_failed(
    store: Store, config: Config, trunk: None
) -> None:
    config = msgspec.structs.replace(config, texts=Texts(attempts=3, first_retry_seconds=10.0))
    await queue(store, "a")
    carrier = FakeCarrier(refusing(CarrierError("The peer is busy.", retryable=True)))
    pauses = []
    async with working(store, config, carrier) as worker:
        for attempts in (1, 2):
            row = await until(store, "a", DeliveryState.QUEUED, attempts=attempts)
            assert row.error == "The peer is busy."
            assert row.next_attempt_at is not None
            pauses.append((row.next_attempt_at - worker.clock.now).total_seconds())
            worker.clock.now = row.next_attempt_at
            store.changes.tell({"message"})
        row = await until(store, "a", DeliveryState.FAILED)
    assert [round(pause / 10) for pause in pauses] == [1, 2], "give or take a fifth"
    assert (row.attempts, row.error, row.next_attempt_at) == (3, "Given up after 3 tries. The peer is busy.", None)
    assert [text.attempt for text in carrier.given] == [1, 2, 3]


async def test_when_the_carrier_says_when_to_come_back_then_it_is_left_alone_until_then(
    store: Store, config: Config, trunk: None
) -> None:
    await queue(store, "a")
    carrier = FakeCarrier(refusing(CarrierError("Busy.", retryable=True, retry_after_seconds=300.0)))
    async with working(store, config, carrier):
        row = await until(store, "a", DeliveryState.QUEUED, attempts=1)
    assert row.next_attempt_at == NOW + timedelta(seconds=300)


async def test_a_lasting_refusal_fails_at_once(store: Store, config: Config, trunk: None) -> None:
    await queue(store, "a", lead=True)
    carrier = FakeCarrier(refusing(CarrierError("x" * 400, retryable=False)))
    async with working(store, config, carrier):
        row = await until(store, "a", DeliveryState.FAILED)
    assert (row.attempts, len(row.error), row.sent_at) == (1, 300, None)
    with store.reading() as session:
        assert not session.scalars(select(Activity)).all()


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
        await until(store, "b", DeliveryState.SENT)
        row = await message(store, "a")
        worker.clock.now += timedelta(hours=5)
        store.changes.tell({"message"})
        await queue(store, "c")
        store.changes.tell({"message"})
        await until(store, "c", DeliveryState.SENT)
    assert (row.state, row.next_attempt_at) == (DeliveryState.UNKNOWN, None)
    assert row.error
    assert "fault of ours" not in row.error
    assert [text.key for text in carrier.given] == ["a", "b", "c"]


async def test_a_text_found_in_sending_at_start_becomes_unknown(store: Store, config: Config, trunk: None) -> None:
    await queue(store, "a", state=DeliveryState.SENDING, attempts=1)
    carrier = FakeCarrier()
    async with working(store, config, carrier):
        row = await until(store, "a", DeliveryState.UNKNOWN)
    assert "ask the person before you resend it" in row.error
    assert not carrier.given


async def test_several_workers_share_the_rows_and_none_is_sent_twice(store: Store, config: Config, trunk: None) -> None:
    keys = [f"k{number}" for number in range(30)]
    await queue(store, *keys)
    config = msgspec.structs.replace(config, texts=Texts(per_person_per_hour=0, spike_texts=0))
    carrier = FakeCarrier()
    workers = [Worker(store, config, lambda trunk: carrier) for _ in range(4)]
    try:
        for key in keys:
            await until(store, key, DeliveryState.SENT, DeliveryState.UNKNOWN)
    finally:
        for worker in workers:
            worker.task.cancel()
        await asyncio.gather(*(worker.task for worker in workers), return_exceptions=True)
    assert sorted(text.key for text in carrier.given) == sorted(keys)
    assert {(await message(store, key)).state for key in keys} == {DeliveryState.SENT}


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
            await until(store, "a", DeliveryState.UNKNOWN)
            answer.set()
            row = await until(store, "a", DeliveryState.SENT)
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
    assert (await message(store, "a")).state == DeliveryState.SENT
    assert (await message(store, "b")).state == DeliveryState.QUEUED


async def test_when_no_answer_comes_before_shutdown_ends_then_the_next_start_calls_it_unknown(
    store: Store, config: Config, trunk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(text: OutgoingText) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Outbox, "grace_seconds", 0.05)
    await queue(store, "a")
    carrier = FakeCarrier(never)
    async with working(store, config, carrier):
        await carrier.busy.wait()
    assert (await message(store, "a")).state == DeliveryState.SENDING
    async with working(store, config, FakeCarrier()):
        await until(store, "a", DeliveryState.UNKNOWN)


async def test_when_the_database_goes_away_after_the_text_left_then_the_result_is_written_when_it_is_back(
    store: Store, config: Config, trunk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "RETRY_SECONDS", 0.05)
    await queue(store, "a")
    is_away = asyncio.Event()
    writing = store.writing

    @contextmanager
    def failing() -> Iterator[object]:
        if is_away.is_set():
            is_away.clear()
            raise Unavailable("The database does not answer.", code="database_silent")
        with writing() as session:
            yield session

    async def behaviour(text: OutgoingText) -> None:
        is_away.set()

    carrier = FakeCarrier(behaviour)
    monkeypatch.setattr(store, "writing", failing)
    async with working(store, config, carrier):
        await until(store, "a", DeliveryState.SENT)
    assert len(carrier.given) == 1


async def test_without_a_trunk_the_text_waits_and_says_what_to_do(store: Store, config: Config) -> None:
    await queue(store, "a")
    carrier = FakeCarrier()
    async with working(store, config, carrier) as worker:
        row = await until(store, "a", DeliveryState.QUEUED, attempts=1)
        assert "no enabled trunk" in row.error
        with store.writing() as session:
            session.add(Trunk(slug="off", host="127.0.0.1", auth="address", enabled=False))
            session.add(Trunk(slug="acme", host="127.0.0.1", auth="address"))
        worker.clock.now += timedelta(minutes=1)
        store.changes.tell({"message"})
        await until(store, "a", DeliveryState.SENT)


async def test_texts_take_the_trunk_that_is_configured_for_them_else_all_in_their_order(
    store: Store, config: Config, trunk: None
) -> None:
    with store.writing() as session:
        session.add(Trunk(slug="texting", host="127.0.0.2", auth="address", position=-1, outbound=False))
        session.add(Trunk(slug="later", host="127.0.0.3", auth="address", position=9))
    seen: list[list[str]] = []

    def carrier_for(trunks: Sequence[Trunk]) -> Carrier:
        seen.append([trunk.slug for trunk in trunks])
        return FakeCarrier()

    for name in ("texting", "gone", ""):
        await queue(store, f"by {name}")
        own = msgspec.structs.replace(config, texts=Texts(trunk=name))
        worker = Worker(store, own, carrier_for)
        row = await until(store, f"by {name}", DeliveryState.SENT, DeliveryState.QUEUED, attempts=1)
        worker.task.cancel()
        await asyncio.gather(worker.task, return_exceptions=True)
        assert row.state == (DeliveryState.QUEUED if name == "gone" else DeliveryState.SENT)
    assert "The trunk gone" in (await message(store, "by gone")).error
    assert seen == [["texting"], ["acme", "later", "texting"]]


async def test_over_sip_a_trunk_brings_its_address_and_password(config: Config) -> None:
    secrets = Secrets(config.secrets_file)
    carrier_for = carriers.over_sip(config, secrets, SipCarriers())
    open_trunk = Trunk(slug="open", host="10.0.0.1", port=5060, transport="udp", username="")
    digest = Trunk(slug="acme", host="sip.example.com", port=5070, transport="tcp", username="acme")

    def carrier(trunk: Trunk) -> SipMessageCarrier:
        found = carrier_for([trunk])
        assert isinstance(found, InOrder)
        [only] = found._carriers
        return only

    assert carrier(open_trunk) is carrier(open_trunk)
    before = carrier(digest)
    secrets.put("trunk/acme", "s3cret")
    after = carrier(digest)
    assert before is not after
    assert (after._peer.port, after._peer.transport, after._peer.password) == (5070, "tcp", "s3cret")
    config.secrets_file.write_text("not json")
    with pytest.raises(CarrierError, match="damaged") as failed:
        carrier(digest)
    assert failed.value.retryable


async def test_what_no_carrier_takes_while_it_is_of_use_has_failed_and_used_up_nothing(
    store: Store, config: Config, trunk: None
) -> None:
    await queue(store, "a", purpose="missed_call")
    carrier = FakeCarrier(refusing(CarrierError("The peer is busy.", retryable=True)))
    async with working(store, config, carrier) as worker:
        tries = 1
        states = DeliveryState.FAILED, DeliveryState.QUEUED
        while (row := await until(store, "a", *states, attempts=tries)).next_attempt_at:
            worker.clock.now = row.next_attempt_at
            store.changes.tell({"message"})
            tries += 1
    assert (row.state, row.sent_at) == (DeliveryState.FAILED, None)
    assert row.error == f"Given up after {tries} tries. The peer is busy."
    assert worker.clock.now > NOW + timedelta(minutes=45)


async def test_a_peer_that_is_silent_for_one_holds_up_nobody_else_and_each_person_gets_one_at_a_time(
    store: Store, config: Config, trunk: None
) -> None:
    answer = asyncio.Event()

    async def behaviour(text: OutgoingText) -> None:
        if text.to_number == "+15125550100":
            await answer.wait()

    await queue(store, "silent", "behind it", to_number="+15125550100")
    others = [f"k{number}" for number in range(20)]
    for number, key in enumerate(others):
        await queue(store, key, to_number=f"+1512555{2000 + number}")
    carrier = FakeCarrier(behaviour)
    async with working(store, config, carrier):
        for key in others:
            await until(store, key, DeliveryState.SENT)
        assert (await message(store, "silent")).state == DeliveryState.SENDING
        assert (await message(store, "behind it")).state == DeliveryState.QUEUED
        answer.set()
        await until(store, "behind it", DeliveryState.SENT)
    order = [text.key for text in carrier.given]
    assert order.index("silent") < order.index("behind it")


async def test_no_more_are_with_the_carrier_at_once_than_is_set_and_the_limits_count_them(
    store: Store, config: Config, trunk: None
) -> None:
    answer = asyncio.Event()

    async def behaviour(text: OutgoingText) -> None:
        await answer.wait()

    config = msgspec.structs.replace(config, texts=Texts(at_once=3, per_hour=5, automatic_percent=100))
    for number in range(8):
        await queue(store, f"k{number}", to_number=f"+1512555{2000 + number}")
    carrier = FakeCarrier(behaviour)
    async with working(store, config, carrier):
        await until(store, "k2", DeliveryState.SENDING)
        assert (await message(store, "k3")).state == DeliveryState.QUEUED
        answer.set()
        await until(store, "k4", DeliveryState.SENT)
        async with asyncio.timeout(60):
            while (waits := await message(store, "k7")).decision != "wait":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert len(carrier.given) == 5
    assert waits.next_attempt_at == NOW + timedelta(hours=1)


async def test_when_the_carrier_itself_is_silent_then_one_text_at_a_time_goes_until_it_answers(
    store: Store, config: Config
) -> None:
    config = msgspec.structs.replace(config, texts=Texts(at_once=3))
    answers: list[Exception | None] = []

    async def behaviour(text: OutgoingText) -> None:
        if error := answers.pop():
            raise error

    carrier = FakeCarrier(behaviour)
    outbox = Outbox(crm_at(config, store), TextTransport(config, lambda trunk: carrier))
    text = OutgoingText("a", "+15125550123", "+15125550100", "Hello", attempt=1)
    claim = DeliveryClaim(1, text.to_number, 1, TextToSend(text, Trunk(slug="acme", host="127.0.0.1", auth="address")))

    async def at_once_after(*came: Exception | None) -> int:
        for answer in came:
            answers.append(answer)
            await outbox.work(claim)
        return outbox.at_once

    silence, refusal = CarrierUnknown("No answer."), CarrierError("Busy.", retryable=True)
    assert await at_once_after(silence, silence) == 3
    # Somebody got an answer between them: it is the numbers that are silent.
    assert await at_once_after(None, silence, silence) == 3
    assert await at_once_after(silence) == 1
    assert await at_once_after(silence) == 1
    assert await at_once_after(refusal) == 3


async def test_an_outbox_that_fails_shows_and_sends_when_it_can_again(
    store: Store, config: Config, trunk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "RETRY_SECONDS", 0.05)
    is_broken = True
    claim = TextTransport.claim

    def breaks(self: TextTransport, session: Session, row: Message, now: datetime) -> TextToSend | None:
        if is_broken:
            raise ValueError("a fault of ours")
        return claim(self, session, row, now)

    monkeypatch.setattr(TextTransport, "claim", breaks)
    carrier = FakeCarrier()
    async with working(store, config, carrier):
        await queue(store, "a")
        async with asyncio.timeout(60):
            while not (troubles := shown.found(config)):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert [(one.worker, "ValueError" in one.trouble) for one in troubles] == [("outgoing texts", True)]
        assert (await message(store, "a")).state == DeliveryState.QUEUED
        is_broken = False
        await until(store, "a", DeliveryState.SENT)
        async with asyncio.timeout(60):
            while shown.found(config):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert [text.key for text in carrier.given] == ["a"]


async def test_what_failed_is_sent_again_by_a_person_and_what_is_unknown_only_when_they_say_so(
    store: Store, config: Config, trunk: None
) -> None:
    by = By("dana", NOW + timedelta(hours=3))
    failed, unknown, sent = await queue(store, "a", "b", "c")
    old = await queue(store, "old", at=NOW - timedelta(days=2), state="failed", created_at=NOW - timedelta(days=2))
    with store.writing() as session:
        for id, state in ((failed, "failed"), (unknown, "unknown"), (sent, "sent")):
            row = session.get(Message, id)
            assert row is not None
            row.state, row.attempts, row.next_attempt_at, row.carrier_id = state, 6, None, "SM1"
    with pytest.raises(Conflict, match="may have arrived"):
        await store.run(resending.these, config, by, [failed, unknown], unknown=False)
    with pytest.raises(Conflict, match="is sent"):
        await store.run(resending.these, config, by, [sent], unknown=True)
    with pytest.raises(NotFound, match="no outgoing text 99"):
        await store.run(resending.these, config, by, [99], unknown=True)
    assert {(await message(store, key)).state for key in ("a", "b", "old")} == {"failed", "unknown"}, "none of them"

    written, more = await store.run(resending.failed, config, by, NOW - timedelta(days=1), unknown=False)
    assert ([one.id for one in written], more) == ([failed], False)
    await store.run(resending.these, config, by, [unknown], unknown=True)
    carrier = FakeCarrier(refusing(CarrierError("Busy.", retryable=True)))
    async with working(store, config, carrier) as worker:
        worker.clock.now = by.now
        store.changes.tell({"message"})
        row = await until(store, "a", DeliveryState.QUEUED, attempts=7)
        await until(store, "b", DeliveryState.QUEUED, attempts=7)
    # The pauses begin anew, and the carrier sees another number.
    assert row.next_attempt_at is not None
    assert row.next_attempt_at - by.now < timedelta(seconds=13)
    assert {text.attempt for text in carrier.given} == {7}
    assert (await message(store, "old")).state == "failed"
    assert old


async def test_a_reminder_is_not_sent_again_after_its_tour(store: Store, config: Config, trunk: None) -> None:
    (id,) = await queue(store, "a", purpose="tour_reminder", state="failed", expires_at=NOW + timedelta(hours=2))
    (again,) = await store.run(resending.these, config, By("dana", NOW + timedelta(hours=2)), [id], unknown=False)
    assert again.decision == Verdict.BLOCK
    assert "too late" in again.error


async def test_many_texts_that_wait_for_the_morning_are_put_off_in_many_transactions(
    store: Store, config: Config, trunk: None
) -> None:
    night = NOW + timedelta(hours=12)
    await queue(store, *(f"f{number}" for number in range(60)), purpose="follow_up", created_at=night, at=night)
    await queue(store, "answer", created_at=night, at=night + timedelta(seconds=1), to_number="+15125550124")
    worker = Outbox(crm_at(config, store, night), TextTransport(config, lambda trunk: FakeCarrier()))
    at = night + timedelta(seconds=2)
    waiting = []
    while (claim := await store.run(worker.claim, at, ())) is None:
        assert worker.has_more, "it is asked again at once"
        with store.reading() as session:
            waiting.append(len(session.scalars(select(Message).where(Message.decision == Verdict.WAIT)).all()))
    assert waiting == [delivery.HELD_BACK_AT_ONCE, 2 * delivery.HELD_BACK_AT_ONCE]
    assert claim.out.text.key == "answer"


async def test_the_first_text_names_the_office_and_says_how_to_stop_in_the_persons_language(
    store: Store, config: Config, trunk: None
) -> None:
    with store.writing() as session:
        session.add_all([Organization(name="Oak Homes"), Lead(created_at=NOW, language="es")])
        session.flush()
        lead_id = session.scalars(select(Lead.id)).one()
    carrier = FakeCarrier(refusing(CarrierError("The carrier is busy.", retryable=True)))
    async with working(store, config, carrier) as worker:
        await queue(store, "link:1", lead_id=lead_id)
        await until(store, "link:1", DeliveryState.QUEUED, attempts=1)
        carrier.behaviour = None
        worker.clock.now += timedelta(minutes=2)
        store.changes.tell({"message"})
        row = await until(store, "link:1", DeliveryState.SENT)
        await queue(store, "notice:2", to_number="+15125550124", purpose="staff")
        await queue(store, "stop:3", to_number="+15125550125", purpose="stop_confirmed")
        for key in ("notice:2", "stop:3"):
            await until(store, key, DeliveryState.SENT)
    first, again, *others = carrier.given
    assert first.body == again.body == "Our homes: https://example.com Oak Homes: responda STOP para no recibir textos."
    assert (row.body, row.segments) == (again.body, 1)
    assert {one.body for one in others} == {"Our homes: https://example.com"}
