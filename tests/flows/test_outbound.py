"""Agents call people outside: from their phones, by order, and back."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select, update

from ari_app.demo.softphone import Softphone
from crm.domain.calls import CallbackPromised
from crm.services.audit import By
from crm.services.calls import ledger, orders
from crm.services.phones.spoken import spoken
from crm.store.models import Activity, Agent, Call, CallOrder, Dialled, Leg
from crm.views import orders as placed
from crm.views import tasks
from tests.asterisk import ELM, LAKESIDE, Seam
from tests.flows.people import only_by, person, trunk
from tests.talks import hear_each_other

pytestmark = pytest.mark.flows


async def legs_outside(system: Seam, number: str) -> list[Leg]:
    call = await system.call_from(number)
    return [leg for leg in call.legs if leg.number]


async def dials(phone: Softphone, system: Seam, number: str) -> None:
    await phone.dial(f"sip:{number}@{system.sip}")


async def timeline(system: Seam, call: Call) -> list[tuple[str, str]]:
    found = await system.all(select(Activity).where(Activity.lead_id == call.lead_id).order_by(Activity.at))
    return [(entry.kind, entry.text) for entry in found]


@pytest.mark.parametrize("first", ["agent", "caller"])
async def test_when_an_agent_dials_as_usual_then_the_two_talk_and_it_is_on_record(system: Seam, first: str) -> None:
    async with system.phone("alice-desk") as alice, person(system) as prospect:
        await dials(alice, system, prospect.user.removeprefix("+1"))
        incoming = await prospect.wait_for("CALL_INCOMING")
        assert ELM in incoming.param, "the leasing line of her property is the caller ID"
        await prospect.answer()
        await alice.wait_for("CALL_ESTABLISHED")
        await hear_each_other(system, alice, prospect)
        await (alice if first == "agent" else prospect).hang_up()
        await asyncio.gather(alice.wait_for("CALL_CLOSED"), prospect.wait_for("CALL_CLOSED"))
        call = await system.ended_call(prospect.user)
    assert (call.direction, call.outcome, call.did, call.ended_by) == ("out", "talked", ELM, first)
    assert call.talk_started_at
    assert call.ended_at
    assert await system.tasks_of(call) == []
    [(kind, text)] = await timeline(system, call)
    assert (kind, text.split(" for ")[0]) == ("CallToProspect", "Alice called and talked")
    [leg] = await legs_outside(system, prospect.user)
    assert (leg.status, leg.number, leg.stage) == ("ANSWER", prospect.user, "outside")


@pytest.mark.parametrize(
    ("dialled", "why"),
    [
        ("19005550123", "That is a premium-rate number, so it is blocked."),
        ("011442079460000", "Numbers in that country or area are not allowed."),
        (LAKESIDE, "That number is one of our own lines: choose one that does not lead back here."),
    ],
)
async def test_when_a_number_may_not_be_dialled_then_the_agent_hears_why_and_nothing_is_dialled(
    system: Seam, dialled: str, why: str
) -> None:
    calls = len(await system.all(select(Call)))
    async with system.phone("alice-desk") as alice, person(system) as prospect:
        await dials(alice, system, dialled)
        await alice.wait_for("CALL_ESTABLISHED")
        await system.hears(alice, await spoken(system.config, why))
        await alice.wait_for("CALL_CLOSED")
        assert prospect.count("CALL_INCOMING") == 0
    [*_, answer] = await system.all(select(Dialled).order_by(Dialled.id))
    assert (answer.allowed, answer.purpose) == (False, "desk")
    assert answer.reason.startswith(why.rstrip(".")), "for an admin, who also reads where to change that"
    assert len(await system.all(select(Call))) == calls, "nothing is on record but the answer"


async def test_who_may_not_dial_outside_hears_it(system: Seam) -> None:
    with system.store.writing() as session:
        session.execute(update(Agent).where(Agent.slug == "bob").values(dialing="none"))
    async with system.phone("bob-desk") as bob, person(system) as prospect:
        await dials(bob, system, prospect.user)
        await bob.wait_for("CALL_CLOSED")
        assert prospect.count("CALL_INCOMING") == 0
    [*_, answer] = await system.all(select(Dialled).order_by(Dialled.id))
    assert answer.reason.startswith("bob may not dial")


async def test_when_the_agent_hangs_up_first_then_it_rings_outside_no_longer(system: Seam) -> None:
    async with system.phone("alice-desk") as alice, person(system) as prospect:
        await dials(alice, system, prospect.user)
        await prospect.wait_for("CALL_INCOMING")
        await alice.wait_for("CALL_RINGING")
        await alice.hang_up()
        await prospect.wait_for("CALL_CLOSED")
        call = await system.ended_call(prospect.user)
    assert (call.outcome, call.ended_by) == ("not_reached", "agent")
    assert [leg.status for leg in await legs_outside(system, prospect.user)] == ["CANCEL"]


async def test_when_the_agent_does_not_answer_an_order_then_the_lead_is_not_dialled(system: Seam) -> None:
    calls = len(await system.all(select(Call)))
    async with system.phone("alice-desk") as alice, person(system) as prospect:
        order = await system.store.run(orders.place, system.config, now(system), agent="alice", to=prospect.user)
        await alice.wait_for("CALL_INCOMING")
        await alice.hang_up()
        await decided(system, order)
        assert prospect.count("CALL_INCOMING") == 0
    kept = await system.store.read(placed.one, order.id)
    assert (kept.state, kept.error, kept.call) == ("failed", "alice did not answer.", None)
    assert len(await system.all(select(Call))) == calls


async def test_when_no_phone_of_the_agent_is_there_then_the_order_says_so(system: Seam) -> None:
    order = await system.store.run(orders.place, system.config, now(system), agent="alice", to=system.new_number())
    await decided(system, order)
    kept = await system.store.read(placed.one, order.id)
    assert (kept.state, kept.error, kept.call) == ("failed", "alice has no registered phone that is free.", None)


async def test_when_the_lead_does_not_answer_then_the_agent_hears_it(system: Seam) -> None:
    number = system.new_number()
    async with system.phone("alice-desk") as alice, trunk(system, "first", "", says=486):
        await only_by(system, first=1)
        await system.store.run(orders.place, system.config, now(system), agent="alice", to=number)
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await system.hears(alice, system.prompt("outside_busy"))
        await alice.wait_for("CALL_CLOSED")
        call = await system.ended_call(number)
    assert call.outcome == "not_reached"


async def test_who_was_missed_is_called_back_and_the_task_is_done(system: Seam) -> None:
    async with system.phone("alice-desk") as alice, person(system) as prospect:
        async with system.caller(prospect.user) as caller:
            await system.dial(caller)
            await system.step(caller.user, "menu")
            await caller.hang_up()
            missed = await system.ended_call(caller.user)
        [task] = [one for one in await system.store.read(tasks.missed, now(system).now) if one.call == missed.id]
        order = await system.store.run(orders.call_back, system.config, now(system), missed.id, agent="alice")
        assert order.task_id == task.task
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await prospect.wait_for("CALL_INCOMING")
        await prospect.answer()
        await system.step(prospect.user, "talk")
        await prospect.hang_up()
        await alice.wait_for("CALL_CLOSED")
        call = await system.ended_call(prospect.user)
    assert call.outcome == "talked"
    assert call.lead_id == missed.lead_id
    assert [one.done_at is not None for one in await system.tasks_of(missed)] == [True]


async def test_when_a_promised_callback_is_due_then_the_agent_is_rung_and_the_caller_dialled(system: Seam) -> None:
    async with system.phone("alice-desk") as alice, person(system) as prospect:
        async with system.caller(prospect.user) as caller:
            await system.dial(caller)
            await system.step(caller.user, "menu")
            call = await system.call_from(caller.user)
            promised = CallbackPromised(f"{call.id}/promise", call.id, system.now(), "leg", "alice", 0)
            await system.store.run(ledger.record, system.config, promised, system.now())
            await caller.hang_up()
            await system.ended_call(caller.user)
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await prospect.wait_for("CALL_INCOMING")
        await prospect.answer()
        await system.step(prospect.user, "talk")
        await prospect.hang_up()
        await system.ended_call(prospect.user)
    assert [one.done_at is not None for one in await system.tasks_of(call)] == [True]
    [text] = [text for text in await system.texts_of(prospect.user) if text.purpose == "callback"]
    assert text.body.startswith("Alice from Elm Street Apartments")


def now(system: Seam) -> By:
    return By("tests", system.now())


async def decided(system: Seam, order: CallOrder) -> None:
    async def is_so() -> bool:
        kept = await system.store.read(placed.one, order.id)
        return kept.state in ("done", "failed", "cancelled")

    await system.until(is_so, "the order is decided", seconds=20)
