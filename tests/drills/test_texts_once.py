"""Texts across restarts and with a carrier in trouble: late at worst, never twice."""

from __future__ import annotations

import pytest

from tests.drills.witness import one_record
from tests.system import SILENT, System

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]


async def miss(system: System, number: str) -> None:
    async with system.caller(number) as caller:
        await system.dial(caller)
        await system.step(number, "menu")
        await caller.hang_up()


async def text_is(system: System, number: str, state: str) -> None:
    async def so() -> bool:
        return [text.state for text in await system.texts_of(number)] == [state]

    await system.until(so, f"the text to {number} is {state}")


async def test_when_the_app_is_killed_while_a_text_is_sent_then_it_is_not_sent_again(system: System) -> None:
    number = system.new_number()
    system.carrier.answers = [SILENT] * 100
    await miss(system, number)
    await text_is(system, number, "sending")
    await system.kill_app()
    system.carrier.answers = []
    await system.start_app()
    await text_is(system, number, "unknown")
    [text] = await system.texts_of(number)
    assert "may or may not have arrived" in text.error
    # The limit counts a text that may have arrived, also after the restart.
    await miss(system, number)
    await system.ended_call(number)
    assert len(await system.calls_from(number)) == 2
    assert [text.state for text in await system.texts_of(number)] == ["unknown"]
    assert system.carrier.texts_to(number) == []


async def test_when_a_text_waits_for_the_carrier_then_it_goes_out_after_a_restart(system: System) -> None:
    number = system.new_number()
    system.carrier.answers = ["503 Service Unavailable"] * 3
    refused = system.carrier.refused
    await miss(system, number)
    # The pause after a third refusal is long enough to be killed in.
    await system.until(lambda: system.carrier.refused == refused + 3, "the carrier has refused three times")
    await text_is(system, number, "queued")
    await system.kill_app()
    system.carrier.answers = []
    await system.start_app()
    await system.carrier.text_to(number)
    await one_record(system, number, "gave_up")
    await text_is(system, number, "sent")
