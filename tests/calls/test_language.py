"""English and Spanish: by key, and as the caller chose in an earlier call."""

from __future__ import annotations

import pytest

from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def test_when_spanish_is_chosen_by_key_then_prompts_and_texts_are_spanish_also_the_next_time(
    system: System,
) -> None:
    number = system.new_number()
    async with system.caller(number) as caller:
        await system.dial(caller)
        await system.step(number, "menu")
        await caller.press("9")
        await system.hears(caller, system.prompt("welcome", "es"))
        await caller.press("1")
        body = await system.carrier.text_to(number)
        await system.hears(caller, system.prompt("link_sent", "es"))
        await caller.hang_up()
        first = await system.ended_call(number)
    assert body.startswith("Gracias por llamar")
    assert first.lead
    assert first.lead.language == "es"

    async with system.caller(number) as caller:
        await system.dial(caller)
        await system.hears(caller, system.prompt("welcome", "es"))
        await caller.press("9")
        await system.hears(caller, system.prompt("welcome"))
        await caller.hang_up()
        second = await system.ended_call(number)
    assert second.lead
    assert second.lead.language == "en", "they have chosen English again"
