"""What a call of ours leaves in the CRM, and what a promised callback does."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from crm.config import Config
from crm.domain.calls import (
    CallArrived,
    CallbackPromised,
    CallDirection,
    CallEnded,
    CallPlaced,
    CallStep,
    DialStatus,
    EndedBy,
    Fact,
    LegEnded,
    LegRang,
    StepTaken,
    TalkEnded,
    TalkStarted,
    VoicemailLeft,
)
from crm.services import tasks
from crm.services.audit import By
from crm.services.calls import ledger, orders
from crm.services.voicemail import escalations, mailboxes
from crm.store.models import Activity, Agent, Call, CallOrder, Lead, Message, Task, Trunk
from crm.store.queries import calls, leads
from crm.store.session import Store
from tests.store import rows

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
MAPLE = "+15125550100"
PROSPECT = "+15125550123"


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def placed(call_id: str = "o1", begins: float = 0, *, talked: bool, order_id: int | None = None) -> list[Fact]:
    """The facts of a call that Alice places, a second apart."""
    made: list[Fact] = []

    def add(kind: type[Fact], **fields: Any) -> None:
        made.append(kind(id=f"{call_id}/{len(made)}", call_id=call_id, at=at(begins + len(made)), **fields))

    add(
        CallPlaced,
        direction=CallDirection.OUT,
        agent="alice",
        device="alice-desk",
        did=MAPLE,
        number=PROSPECT,
        order_id=order_id,
    )
    add(LegRang, leg_id=call_id, device="alice-desk", agent="alice", stage="desk")
    add(StepTaken, step=CallStep.DIALLING)
    add(LegRang, leg_id=f"{call_id}-out", device="trunk-acme", agent="", stage="outside", number=PROSPECT)
    if talked:
        add(TalkStarted, leg_id=call_id)
        add(TalkStarted, leg_id=f"{call_id}-out")
        add(StepTaken, step=CallStep.TALK)
        add(TalkEnded, leg_id=call_id)
        add(LegEnded, leg_id=call_id, status=DialStatus.ANSWER)
    else:
        add(LegEnded, leg_id=f"{call_id}-out", status=DialStatus.NOANSWER)
    add(CallEnded, by=EndedBy.AGENT)
    return made


def dialled(number: str, call_id: str = "d1", *, rings_for: float = 30, talked: bool = False) -> list[Fact]:
    """The facts of a call that Alice places from her desk phone and ends after `rings_for` seconds."""
    leg = f"{call_id}-out"
    made: list[Fact] = [
        CallPlaced(
            f"{call_id}/p",
            call_id,
            at(0),
            direction=CallDirection.OUT,
            agent="alice",
            device="alice-desk",
            did=MAPLE,
            number=number,
        ),
        LegRang(f"{call_id}/r", call_id, at(0), leg, "trunk-acme", "", "outside", number=number),
    ]
    if talked:
        made.append(TalkStarted(f"{call_id}/t", call_id, at(rings_for / 2), leg))
    return [*made, CallEnded(f"{call_id}/e", call_id, at(rings_for), EndedBy.AGENT)]


def missed(call_id: str = "c1", begins: float = 0, *, promised: bool = False) -> list[Fact]:
    """The facts of a caller who gave up; with a promise of Alice's to call back in ten minutes."""
    made: list[Fact] = [
        CallArrived(f"{call_id}/a", call_id, at(begins), MAPLE, PROSPECT, "carrier"),
        StepTaken(f"{call_id}/s", call_id, at(begins + 1), CallStep.RING),
    ]
    if promised:
        made.append(CallbackPromised(f"{call_id}/p", call_id, at(begins + 2), f"{call_id}-leg", "alice", 10))
    return [*made, CallEnded(f"{call_id}/e", call_id, at(begins + 5), EndedBy.CALLER)]


async def record(store: Store, config: Config, facts: list[Fact], now: datetime = NOW) -> None:
    for fact in facts:
        await store.run(ledger.record, config, fact, now)


async def open_tasks(store: Store) -> list[Task]:
    with store.reading() as session:
        return list(rows.tasks(session))


async def the_order(store: Store) -> CallOrder | None:
    with store.reading() as session:
        return session.scalars(select(CallOrder)).one_or_none()


async def picture(store: Store) -> dict[str, Any]:
    with store.reading() as session:
        return {
            "calls": [
                (call.id, call.direction, call.did, call.caller, call.outcome, call.agent and call.agent.slug)
                for call in rows.calls(session)
            ],
            "tasks": [(task.key, task.kind, task.owner.slug, task.why) for task in rows.tasks(session)],
            "leads": [
                ([phone.number for phone in lead.phones], lead.status, lead.source) for lead in rows.leads(session)
            ],
            "timeline": [(entry.kind, entry.text) for entry in session.scalars(select(Activity).order_by(Activity.at))],
            "texts": [message.purpose for message in session.scalars(select(Message).order_by(Message.id))],
            "orders": [
                (order.to_number, order.not_before, order.state) for order in session.scalars(select(CallOrder))
            ],
        }


async def test_a_talk_stands_with_the_lead_and_leaves_nothing_to_do(store: Store, config: Config) -> None:
    await record(store, config, placed(talked=True))
    with store.reading() as session:
        call = calls.by_id(session, "o1")
        lead = leads.by_phone(session, PROSPECT)
    assert call
    assert lead
    assert (call.direction, call.outcome, call.caller, call.did) == ("out", "talked", PROSPECT, MAPLE)
    assert call.agent
    assert call.agent.slug == "alice"
    assert (call.lead_id, lead.status, lead.source) == (lead.id, "in_progress", "")
    assert lead.assigned_agent
    assert lead.assigned_agent.slug == "alice"
    assert lead.interests == [], "the line shown says nothing of what they look for"
    assert await open_tasks(store) == []
    assert (await picture(store))["timeline"] == [("CallToProspect", "Alice called and talked for 5 s.")]
    assert (await picture(store))["texts"] == []


@pytest.mark.parametrize("talked", [True, False])
async def test_a_call_to_a_toll_free_number_makes_no_lead_and_no_task(
    store: Store, config: Config, talked: bool
) -> None:
    await record(store, config, dialled("+18005550142", talked=talked))
    seen = await picture(store)
    assert [(caller, outcome) for _, _, _, caller, outcome, _ in seen["calls"]] == [
        ("+18005550142", "talked" if talked else "not_reached")
    ]
    assert (seen["leads"], seen["tasks"], seen["timeline"]) == ([], [], [])
    assert await store.read(calls.lost, "a", at(60)) == []


async def test_whoever_hangs_up_at_once_has_misdialled_and_nothing_is_left(store: Store, config: Config) -> None:
    await record(store, config, dialled(PROSPECT, rings_for=4))
    seen = await picture(store)
    assert len(seen["calls"]) == 1, "what was dialed stays on record"
    assert (seen["leads"], seen["tasks"]) == ([], [])
    assert await store.read(calls.lost, "a", at(60)) == []
    await record(store, config, dialled(PROSPECT, "d2", rings_for=30))
    seen = await picture(store)
    assert [lead[0] for lead in seen["leads"]] == [[PROSPECT]]
    assert len(seen["tasks"]) == 1
    await record(store, config, dialled(PROSPECT, "d3", rings_for=4))
    with store.reading() as session:
        later = calls.by_id(session, "d3")
    assert later
    assert later.lead_id is not None, "somebody who is known was meant"


async def test_nobody_reached_leaves_one_next_action_of_the_one_who_called(store: Store, config: Config) -> None:
    await record(store, config, placed(talked=False))
    [task] = await open_tasks(store)
    assert (task.kind, task.owner.slug, task.why) == ("call_back", "alice", "Alice called and reached nobody.")
    await record(store, config, placed("o2", 100, talked=False))
    assert [one.id for one in await open_tasks(store)] == [task.id], "it is not doubled"
    assert (await picture(store))["texts"] == [], "nobody is texted that we missed their call"


async def test_an_open_task_to_call_back_is_kept_and_closed_by_a_talk(store: Store, config: Config) -> None:
    await record(store, config, missed())
    [task] = await open_tasks(store)
    await record(store, config, placed("o1", 60, talked=False))
    assert [one.id for one in await open_tasks(store)] == [task.id]
    await record(store, config, placed("o2", 120, talked=True))
    assert await open_tasks(store) == []
    with store.reading() as session:
        closed = session.get(Task, task.id)
    assert closed
    assert closed.result == "Somebody talked with them on the phone."


async def test_a_talk_closes_no_task_of_a_later_call(store: Store, config: Config) -> None:
    await record(store, config, missed("c9", 500))
    await record(store, config, placed("o1", 60, talked=True))
    assert [task.call_id for task in await open_tasks(store)] == ["c9"]


async def test_pain_13_one_person_stays_one_lead_in_both_directions(store: Store, config: Config) -> None:
    await record(store, config, placed("o1", talked=False))
    await record(store, config, missed("c1", 60))
    await record(store, config, placed("o2", 120, talked=True))
    with store.reading() as session:
        assert len(session.scalars(select(Lead)).all()) == 1


async def test_a_call_between_colleagues_leaves_nothing_to_do_and_no_lead(store: Store, config: Config) -> None:
    facts: list[Fact] = [
        CallPlaced("i/0", "i", NOW, CallDirection.INTERNAL, "alice", "alice-desk", extension="102"),
        CallEnded("i/1", "i", at(9), EndedBy.AGENT),
    ]
    for order in (facts, list(reversed(facts))):
        await record(store, config, order)
    found = await picture(store)
    assert [(call[1], call[4]) for call in found["calls"]] == [("internal", "not_reached")]
    assert (found["tasks"], found["leads"], found["texts"], found["timeline"]) == ([], [], [], [])


@pytest.mark.parametrize("mailbox", ["agent:bob", ""])
async def test_a_message_for_a_colleague_is_theirs_to_listen_to_and_makes_no_lead(
    store: Store, config: Config, mailbox: str
) -> None:
    """Without a mailbox named, as it is found when the app comes back."""
    with store.writing() as session:
        session.scalars(select(Agent).where(Agent.slug == "bob")).one().extension = "102"
    facts: list[Fact] = [
        CallPlaced("i/0", "i", NOW, CallDirection.INTERNAL, "alice", "alice-desk", extension="102"),
        VoicemailLeft("i/1", "i", at(8), "i.wav", 5, mailbox),
        CallEnded("i/2", "i", at(9), EndedBy.CALLER),
    ]
    await record(store, config, facts)
    found = await picture(store)
    assert [(call[1], call[4]) for call in found["calls"]] == [("internal", "left_voicemail")]
    assert found["tasks"] == [("call:i", "listen", "bob", "Alice left a voicemail of 5 s.")]
    assert (found["leads"], found["texts"], found["timeline"]) == ([], [], [])
    message = await store.read(rows.voicemail, "i")
    assert (message.mailbox, mailboxes.who(message, "US")) == ("agent:bob", "a colleague")
    # Nobody but Bob is called about it.
    later = at(3600)
    assert await store.run(escalations.claim, config, later) is None
    assert (await store.read(rows.voicemail, "i")).escalate_at is None


@pytest.mark.parametrize("seed", range(6))
async def test_the_order_of_facts_of_a_message_for_a_colleague_does_not_matter(
    store: Store, config: Config, seed: int
) -> None:
    facts: list[Fact] = [
        CallPlaced("i/0", "i", NOW, CallDirection.INTERNAL, "alice", "alice-desk", extension="102"),
        VoicemailLeft("i/1", "i", at(8), "i.wav", 5, "agent:bob"),
        CallEnded("i/2", "i", at(9), EndedBy.CALLER),
    ]
    random.Random(seed).shuffle(facts)
    await record(store, config, facts)
    found = await picture(store)
    assert [(call[1], call[4]) for call in found["calls"]] == [("internal", "left_voicemail")]
    assert found["tasks"] == [("call:i", "listen", "bob", "Alice left a voicemail of 5 s.")]
    assert found["leads"] == []


@pytest.mark.parametrize("talked", [True, False])
@pytest.mark.parametrize("seed", range(4))
async def test_the_order_of_facts_of_our_calls_does_not_matter(
    store: Store, config: Config, seed: int, talked: bool
) -> None:
    facts = placed(talked=talked)
    shuffled = list(facts)
    random.Random(seed).shuffle(shuffled)
    await record(store, config, shuffled)
    found = await picture(store)
    outcome = "talked" if talked else "not_reached"
    assert found["calls"] == [("o1", "out", MAPLE, PROSPECT, outcome, "alice")]
    assert found["leads"] == [([PROSPECT], "in_progress" if talked else "new", "")]
    assert [task[1:3] for task in found["tasks"]] == ([] if talked else [("call_back", "alice")])
    assert len(found["timeline"]) == 1
    assert found["texts"] == []
    before = found
    await record(store, config, facts, at(9999))
    assert await picture(store) == before


# --- callbacks that were promised ---


async def test_a_promise_is_one_task_of_that_agent_an_order_and_a_text(store: Store, config: Config) -> None:
    await record(store, config, missed(promised=True))
    [task] = await open_tasks(store)
    assert (task.kind, task.owner.slug, task.due_at) == ("call_back", "alice", at(2) + timedelta(minutes=10))
    order = await the_order(store)
    assert order
    assert (order.to_number, order.not_before, order.task_id) == (PROSPECT, task.due_at, task.id)
    with store.reading() as session:
        [text] = session.scalars(select(Message)).all()
    assert (text.purpose, text.to_number, text.from_number) == ("callback", PROSPECT, MAPLE)
    assert text.body == "Alice from Maple Court: I can't talk right now, but I will call you in 10 minutes."


@pytest.mark.parametrize("seed", range(6))
async def test_the_order_of_facts_of_a_promise_does_not_matter(store: Store, config: Config, seed: int) -> None:
    facts = missed(promised=True)
    shuffled = list(facts)
    random.Random(seed).shuffle(shuffled)
    await record(store, config, shuffled)
    await record(store, config, facts)
    found = await picture(store)
    assert [task[:3] for task in found["tasks"]] == [("call:c1", "call_back", "alice")]
    assert [order[0] for order in found["orders"]] == [PROSPECT]
    assert "callback" in found["texts"]
    assert len(found["leads"]) == 1


async def test_when_a_colleague_talks_to_the_caller_after_all_then_the_promise_is_void(
    store: Store, config: Config
) -> None:
    facts = missed(promised=True)
    talk: list[Fact] = [TalkStarted("c1/t", "c1", at(3), "c1-bob")]
    await record(store, config, [*facts[:-1], *talk, facts[-1]])
    assert await open_tasks(store) == []
    assert await store.run(orders.claim, config, at(700)) is None
    order = await the_order(store)
    assert order
    assert order.state == "cancelled"


async def test_a_promise_to_a_withheld_number_is_neither_a_task_nor_an_order(store: Store, config: Config) -> None:
    await record(
        store,
        config,
        [
            CallArrived("w/a", "w", NOW, MAPLE, None),
            CallbackPromised("w/p", "w", at(1), "leg", "alice", 10),
            CallEnded("w/e", "w", at(2), EndedBy.CALLER),
        ],
    )
    assert await open_tasks(store) == []
    assert await the_order(store) is None


async def test_a_promise_that_is_kept_ends_with_the_talk(store: Store, config: Config) -> None:
    with store.writing() as session:
        session.add(Trunk(slug="acme", host="10.0.0.1", auth="address"))
    await record(store, config, missed(promised=True))
    assert await store.run(orders.claim, config, at(300)) is None, "it is not due yet"
    claim = await store.run(orders.claim, config, at(603))
    assert claim
    assert (claim.agent, claim.number) == ("alice", PROSPECT)
    await record(store, config, placed(claim.call_id, 610, talked=True, order_id=claim.id), at(640))
    order = await the_order(store)
    assert order
    assert (order.state, order.call_id) == ("done", claim.call_id)
    assert await open_tasks(store) == []


async def test_an_agent_who_does_not_answer_is_rung_a_few_times_and_then_the_task_stays(
    store: Store, config: Config
) -> None:
    await record(store, config, missed(promised=True))
    now = at(603)
    for _ in range(config.dialing.callback_tries):
        claim = await store.run(orders.claim, config, now)
        assert claim
        await store.run(orders.not_placed, config, claim, "alice did not answer.", now, again=True)
        assert await store.run(orders.claim, config, now) is None
        now += timedelta(seconds=config.dialing.callback_pause_seconds)
    assert await store.run(orders.claim, config, now) is None
    order = await the_order(store)
    assert order
    assert (order.state, order.error) == ("failed", "alice did not answer.")
    [task] = await open_tasks(store)
    assert task.due_at < now


async def test_a_task_done_meanwhile_cancels_the_order(store: Store, config: Config) -> None:
    await record(store, config, missed(promised=True))
    [task] = await open_tasks(store)
    await store.run(tasks.finish, By("tests", NOW), task.id, "met them at the door")
    assert await store.run(orders.claim, config, at(603)) is None
    order = await the_order(store)
    assert order
    assert (order.state, order.error) == ("cancelled", "Its task was done meanwhile.")


async def test_a_note_stands_with_the_call_and_in_the_timeline(store: Store, config: Config) -> None:
    await record(store, config, placed(talked=True))
    by = By("tests", at(99))
    await store.run(orders.remark, by, "o1", "wants a ground floor")
    await store.run(orders.remark, by, "o1", "calls again on Friday")
    with store.reading() as session:
        call = session.get(Call, "o1")
    assert call
    assert call.remark == "wants a ground floor\ncalls again on Friday"
    assert [entry[0] for entry in (await picture(store))["timeline"]] == ["CallToProspect", "Note", "Note"]
