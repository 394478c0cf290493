"""Agents call people outside: from their phones, by order, and back; through real trunks."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from ari_app.edge.softphone import Softphone
from crm.store.models import Activity, Call, Leg
from tests.outside import person
from tests.system import ELM, System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

QUESTION = "Hello, you had asked about the two bedroom home."
ANSWER = "Yes, thank you for calling, is it still free?"


async def legs_outside(system: System, number: str) -> list[Leg]:
    call = await system.call_from(number)
    return [leg for leg in call.legs if leg.number]


async def timeline(system: System, call: Call) -> list[tuple[str, str]]:
    found = await system.all(select(Activity).where(Activity.lead_id == call.lead_id).order_by(Activity.at))
    return [(entry.kind, entry.text) for entry in found]


async def dials(phone: Softphone, system: System, number: str) -> None:
    await phone.dial(f"sip:{number}@{system.sip}")


async def hears_each_other(system: System, one: Softphone, other: Softphone) -> None:
    await one.say(system.spoken(QUESTION))
    await other.say(system.spoken(ANSWER))
    await asyncio.gather(system.hears(other, system.spoken(QUESTION)), system.hears(one, system.spoken(ANSWER)))


@pytest.mark.parametrize("first", ["agent", "caller"])
async def test_when_an_agent_dials_as_usual_then_the_two_talk_and_it_is_on_record(system: System, first: str) -> None:
    async with system.phone("alice-desk") as alice, person(system) as prospect:
        await dials(alice, system, prospect.user.removeprefix("+1"))
        incoming = await prospect.wait_for("CALL_INCOMING")
        assert ELM in incoming.param, "the leasing line of her property is the caller ID"
        await prospect.answer()
        await alice.wait_for("CALL_ESTABLISHED")
        await hears_each_other(system, alice, prospect)
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
