"""Who called: every caller is one lead, however their number is written."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from crm.store.models import Lead, LeadPhone
from tests.system import LAKESIDE, System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def leads_of(system: System, number: str) -> list[Lead]:
    query = select(Lead).join(LeadPhone).where(LeadPhone.number == number).options(selectinload(Lead.phones))
    return await system.all(query.options(selectinload(Lead.interests)))


async def call_and_hang_up(system: System, written: str, number: str | None, count: int = 1) -> None:
    async with system.caller(written) as caller:
        await system.dial(caller)

        async def arrived() -> bool:
            return len(await system.calls_from(number)) == count

        await system.until(arrived, f"call {count} from {number}")
        await caller.hang_up()
        await caller.wait_for("CALL_CLOSED")
    await system.ended_call(number)


async def test_when_an_unknown_number_calls_then_a_lead_has_the_number_and_no_invented_name(system: System) -> None:
    number = system.new_number()
    await call_and_hang_up(system, number, number)
    [lead] = await leads_of(system, number)
    assert lead.name is None
    assert [phone.number for phone in lead.phones] == [number]
    assert (lead.status, lead.source, len(lead.interests)) == ("new", "sign", 1)


async def test_when_a_number_is_written_in_many_ways_then_it_is_one_lead_pain_13(system: System) -> None:
    number = system.new_number()
    area, office, last = number[2:5], number[5:8], number[8:]
    ways = [
        number,
        number[1:],
        number[2:],
        f"({area})%20{office}-{last}",
        f"+1.{area}.{office}.{last}",
        f"{area}-{office}-{last}",
    ]
    for count, written in enumerate(ways, 1):
        await call_and_hang_up(system, written, number, count)
    calls = await system.calls_from(number)
    [lead] = await leads_of(system, number)
    assert [call.lead_id for call in calls] == [lead.id] * len(ways)
    assert [text.lead_id for text in await system.texts_of(number)] == [lead.id]


@pytest.mark.parametrize("written", ["anonymous", "unavailable"])
async def test_when_the_number_is_withheld_then_the_call_has_a_lead_without_one_and_no_task(
    system: System, written: str
) -> None:
    texts = len(system.carrier.texts)
    await call_and_hang_up(system, written, None)
    call = await system.call_from(None)
    assert (call.caller, call.outcome) == (None, "gave_up")
    assert call.lead
    [lead] = await system.all(select(Lead).where(Lead.id == call.lead_id).options(selectinload(Lead.phones)))
    assert (lead.name, lead.phones) == (None, [])
    assert await system.tasks_of(call) == []
    assert len(system.carrier.texts) == texts


async def test_when_two_calls_come_at_once_from_one_unknown_number_then_they_are_one_lead(system: System) -> None:
    number = system.new_number()
    async with system.caller(number) as first, system.caller(number) as second:
        await asyncio.gather(system.dial(first), system.dial(second, LAKESIDE))

        async def both() -> bool:
            return [call.step for call in await system.calls_from(number)] == ["menu", "menu"]

        await system.until(both, "two calls in the menu")
        await asyncio.gather(first.hang_up(), second.hang_up())
        await system.ended_call(number)
    calls = await system.calls_from(number)
    assert [call.outcome for call in calls] == ["gave_up", "gave_up"]
    [lead] = await leads_of(system, number)
    assert [call.lead_id for call in calls] == [lead.id, lead.id]
    assert len(lead.interests) == 2
    assert len([task for call in calls for task in await system.tasks_of(call)]) == 2
    assert len(await system.texts_of(number)) == 1
