"""Texts and a carrier in trouble."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import pytest_asyncio
from sqlalchemy import select

from crm.store.models import Message
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def nothing_waits(system: System) -> None:
    """What calls before have left to be sent would take the carrier's answers."""

    async def so() -> bool:
        due = Message.next_attempt_at <= datetime.now(UTC)
        waiting = select(Message).where((Message.state == "queued") & due | (Message.state == "sending"))
        return not await system.all(waiting)

    await system.until(so, "no text waits to be sent", seconds=60)


async def missed(system: System, number: str | None = None) -> str:
    """A call that is missed; returns the caller's number."""
    async with system.caller(number) as caller:
        await system.dial(caller)
        await system.step(caller.user, "menu")
        await caller.hang_up()
        await system.ended_call(caller.user)
        return caller.user


async def text_that_is(system: System, number: str, state: str) -> Message:
    async def so() -> bool:
        return [text.state for text in await system.texts_of(number)] == [state]

    await system.until(so, f"the text to {number} is {state}")
    [text] = await system.texts_of(number)
    return text


async def test_when_the_carrier_is_busy_twice_then_the_text_is_sent_once(system: System) -> None:
    system.carrier.answers = ["503 Service Unavailable", "503 Service Unavailable"]
    number = await missed(system)
    await system.carrier.text_to(number)
    text = await text_that_is(system, number, "sent")
    assert text.attempts == 3
    assert len(system.carrier.texts_to(number)) == 1


async def test_when_the_carrier_refuses_for_good_then_the_text_failed_and_says_why(system: System) -> None:
    system.carrier.answers = ["404 Not Found"]
    text = await text_that_is(system, await missed(system), "failed")
    assert text.attempts == 1
    assert "does not know the number" in text.error


async def test_when_a_caller_is_missed_twice_then_one_text_goes_out_and_one_task_is_open(system: System) -> None:
    number = await missed(system)
    await system.carrier.text_to(number)
    async with system.caller(number) as caller:
        await system.dial(caller)
        await system.step(number, "menu")
        await caller.hang_up()
        await system.ended_call(number)
    first, second = await system.calls_from(number)
    assert len(await system.texts_of(number)) == 1
    (task,) = await system.tasks_of(first)
    assert [one.id for one in await system.tasks_of(second)] == [task.id]
    assert (task.kind, task.times) == ("call_back", 2)


async def test_a_caller_who_shows_a_number_that_costs_extra_is_on_record_and_not_texted(system: System) -> None:
    text = await text_that_is(system, await missed(system, "+19005550123"), "blocked")
    assert "premium-rate" in text.error
    (call,) = await system.calls_from("+19005550123")
    assert call.outcome == "gave_up"
    assert not system.carrier.texts_to("+19005550123")
