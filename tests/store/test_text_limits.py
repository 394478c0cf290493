"""Texts that callers set off: where they may go, how many may leave, and what a spike of them does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select

from crm.config import Config, Dialing, Texts
from crm.domain.calls import CallArrived, CallEnded, CallStep, EndedBy, StepTaken
from crm.domain.delivery import DeliveryState
from crm.domain.errors import NotFound
from crm.domain.gate import Verdict
from crm.domain.texts import TextPurpose
from crm.edge.carrier import IncomingText
from crm.services.audit import By
from crm.services.calls import ledger
from crm.services.outbox import pauses as text_pauses
from crm.services.outbox import texts as outbox_texts
from crm.services.texts import messages
from crm.store.models import Agent, Mail, Message, OptOut, Task, TextPause
from crm.store.session import Store

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""A Monday, 10:00 in Chicago."""
MAPLE = "+15125550100"
BY = By("dana", NOW)


def number(n: int) -> str:
    return f"+1512555{1000 + n}"


def row(purpose: TextPurpose, n: int, at: datetime = NOW, **values: object) -> Message:
    return Message(
        **{
            "key": f"{purpose}:{n}:{at.isoformat()}",
            "direction": "out",
            "purpose": purpose,
            "to_number": number(n),
            "from_number": MAPLE,
            "body": "Hello",
            "media": [],
            "state": DeliveryState.QUEUED,
            "attempts": 0,
            "next_attempt_at": at,
            "created_at": at,
            **values,
        }
    )


async def add(store: Store, *rows: Message) -> None:
    with store.writing() as session:
        session.add_all(rows)


async def verdicts(store: Store, config: Config, now: datetime = NOW) -> list[tuple[str, Verdict]]:
    """What the gate says of each text that is queued, one after the other; what may go has left."""
    found = []
    with store.writing() as session:
        waiting = select(Message).where(Message.state == DeliveryState.QUEUED, Message.next_attempt_at <= now)
        for message in session.scalars(waiting.order_by(Message.id)).all():
            decision = outbox_texts.ask(session, config, message, now)
            if decision.verdict is Verdict.SEND:
                message.state, message.sent_at = DeliveryState.SENT, now
            session.flush()
            found.append((message.purpose, decision.verdict))
    return found


def texts(config: Config, **settings: object) -> Config:
    return msgspec.structs.replace(config, texts=Texts(**settings))  # type: ignore[arg-type]


# --- where they may go ---


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("+19005550123", "premium-rate"),
        ("+15129760123", "premium-rate"),
        ("+881612345678", "premium-rate"),
        ("+252612345678", "country"),
        ("+5352345678", "country"),
        ("+18765550123", "country"),
    ],
)
async def test_a_text_goes_nowhere_that_a_call_may_not_go(store: Store, config: Config, to: str, why: str) -> None:
    for purpose in (TextPurpose.MISSED_CALL, TextPurpose.STOP_CONFIRMED, TextPurpose.AGENT, TextPurpose.STAFF):
        await add(store, row(purpose, 1, to_number=to))
    assert {verdict for _, verdict in await verdicts(store, config)} == {Verdict.BLOCK}
    with store.reading() as session:
        kept = session.scalars(select(Message)).all()
    assert all(why in one.error and one.state == DeliveryState.BLOCKED for one in kept)


async def test_the_settings_of_dialing_hold_for_texts(store: Store, config: Config) -> None:
    dialing = Dialing(countries=("US", "JM"), blocked_prefixes=("+1512",))
    config = msgspec.structs.replace(config, dialing=dialing)
    await add(store, row(TextPurpose.AGENT, 1, to_number="+18765550123"), row(TextPurpose.AGENT, 2))
    assert [verdict for _, verdict in await verdicts(store, config)] == [Verdict.SEND, Verdict.BLOCK]


async def test_an_opt_out_from_anywhere_is_recorded_and_its_confirmations_are_few(store: Store, config: Config) -> None:
    config = texts(config, confirmations_per_hour=3)
    # The last one is a number that nothing goes to.
    senders = [*(number(n) for n in range(5)), "+18765550123"]
    for n, sender in enumerate(senders):
        await store.run(messages.receive, config, IncomingText("sip", f"id{n}", sender, MAPLE, "STOP", NOW), NOW)
    with store.reading() as session:
        assert set(session.scalars(select(OptOut.number))) == set(senders)
    assert [verdict for _, verdict in await verdicts(store, config)].count(Verdict.SEND) == 3


# --- which calls are answered by a text ---


def a_call(n: int, *, seconds: float, menu: bool = False, attestation: str = "", without_app: bool = False) -> list:
    call_id, end = f"c{n}", NOW + timedelta(seconds=seconds)
    facts = [
        CallArrived(
            f"{call_id}/arrived",
            call_id,
            NOW,
            did=MAPLE,
            caller=number(n),
            attestation=attestation,
            without_app=without_app,
        ),
        CallEnded(f"{call_id}/ended", call_id, end, by=EndedBy.CALLER, without_app=without_app),
    ]
    return [*facts, StepTaken(f"{call_id}/menu", call_id, NOW, step=CallStep.MENU)] if menu else facts


@pytest.mark.parametrize(
    ("call", "is_texted"),
    [
        (a_call(1, seconds=2.9), False),
        (a_call(1, seconds=2, without_app=True), False),
        (a_call(1, seconds=3), True),
        (a_call(1, seconds=1, menu=True), True),
        (a_call(1, seconds=60, menu=True, attestation="TN-Validation-Failed-C"), False),
        (a_call(1, seconds=60, menu=True, attestation="TN-Validation-Passed-A"), True),
    ],
)
async def test_a_ring_that_is_over_at_once_or_a_false_number_is_on_record_and_not_texted(
    store: Store, config: Config, call: list, is_texted: bool
) -> None:
    await store.run(ledger.record_all, config, call, NOW)
    with store.reading() as session:
        (task,) = session.scalars(select(Task)).all()
        sent = session.scalars(select(Message)).all()
    assert task.kind == "call_back"
    assert [one.purpose for one in sent] == (["missed_call"] if is_texted else [])


# --- a spike ---


async def many(store: Store, count: int, at: datetime = NOW, first: int = 0) -> None:
    await add(store, *(row(TextPurpose.MISSED_CALL, first + n, at) for n in range(count)))


async def pauses(store: Store) -> Sequence[TextPause]:
    with store.reading() as session:
        return session.scalars(select(TextPause)).all()


async def test_a_spike_pauses_automatic_texts_and_the_admin_is_told_once(store: Store, config: Config) -> None:
    with store.writing() as session:
        dana = session.scalars(select(Agent).where(Agent.slug == "dana")).one()
        dana.email = "dana@example.com"
    await many(store, 29)
    assert {verdict for _, verdict in await verdicts(store, config)} == {Verdict.SEND}
    assert not await pauses(store)
    await many(store, 20, first=30)
    await add(store, *(row(purpose, 90) for purpose in (TextPurpose.AGENT, TextPurpose.TOUR, TextPurpose.FOLLOW_UP)))
    found = await verdicts(store, config)
    assert found[:20] == [("missed_call", Verdict.WAIT)] * 20
    assert found[20:] == [("agent", Verdict.SEND), ("tour", Verdict.SEND), ("follow_up", Verdict.WAIT)]
    (pause,) = await pauses(store)
    assert (pause.started_at, pause.ends_at) == (NOW, NOW + timedelta(minutes=180))
    with store.reading() as session:
        (mail,) = session.scalars(select(Mail)).all()
    assert mail.to_address == "dana@example.com"
    assert "message resume" in mail.body


@pytest.mark.both_databases
async def test_two_who_find_the_spike_at_once_make_one_pause(store: Store, config: Config) -> None:
    await many(store, 40)

    async def look() -> None:
        with store.writing() as session:
            text_pauses.look(session, config, NOW)

    await asyncio.gather(*(look() for _ in range(4)))
    assert len(await pauses(store)) == 1


async def test_what_is_usual_is_no_spike(store: Store, config: Config) -> None:
    # Six in each ten minutes of the last week.
    week = [NOW - timedelta(minutes=10 * n, seconds=1) for n in range(1, 1008)]
    await add(store, *(row(TextPurpose.MISSED_CALL, n, at, state="sent") for at in week for n in range(6)))
    await many(store, 59)
    config = texts(config, per_hour=0, per_day=0)
    assert {verdict for _, verdict in await verdicts(store, config)} == {Verdict.SEND}
    await many(store, 2, first=100)
    assert {verdict for _, verdict in await verdicts(store, config)} == {Verdict.WAIT}


async def test_once_a_person_has_looked_what_waits_leaves_and_no_new_pause_begins(store: Store, config: Config) -> None:
    await many(store, 40)
    await verdicts(store, config)
    later = NOW + timedelta(minutes=1)
    assert await store.run(text_pauses.resume, By("dana", later), drop=False) == 40
    assert {verdict for _, verdict in await verdicts(store, config, later)} == {Verdict.SEND}
    assert len(await pauses(store)) == 1
    with pytest.raises(NotFound, match="not paused"):
        await store.run(text_pauses.resume, By("dana", later), drop=False)


async def test_what_was_no_real_call_is_dropped_and_follow_ups_are_not(store: Store, config: Config) -> None:
    await many(store, 40)
    await add(store, row(TextPurpose.FOLLOW_UP, 90))
    await verdicts(store, config)
    assert await store.run(text_pauses.resume, BY, drop=True) == 40
    with store.reading() as session:
        dropped = session.scalars(select(Message).where(Message.state == DeliveryState.BLOCKED)).all()
    assert {one.purpose for one in dropped} == {"missed_call"}
    assert "Dropped by dana" in dropped[0].error


async def test_a_pause_ends_by_itself_and_what_is_too_old_by_then_stays(store: Store, config: Config) -> None:
    await many(store, 40)
    await add(store, row(TextPurpose.LISTINGS_LINK, 90))
    await verdicts(store, config)
    found = dict(await verdicts(store, config, NOW + timedelta(minutes=120)))
    assert found == {"missed_call": Verdict.BLOCK}
    found = dict(await verdicts(store, config, NOW + timedelta(minutes=180)))
    assert found == {"listings_link": Verdict.SEND}
    assert len(await pauses(store)) == 1
