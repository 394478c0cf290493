"""The greeting and the menu, heard and answered."""

from __future__ import annotations

import asyncio

import pytest

from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def test_when_1_is_pressed_then_one_text_goes_out_and_the_caller_may_hang_up(system: System) -> None:
    async with system.caller() as caller:
        await system.dial(caller)
        await system.step(caller.user, "menu")
        await caller.press("1")
        body = await system.carrier.text_to(caller.user)
        await system.step(caller.user, "text_offer")
        await asyncio.sleep(6)  # The caller listens to the sentence; what they heard is compared below.
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        assert "link_sent" in system.heard_names(caller)
    assert call.outcome == "got_link"
    assert "https://demo.example/elm-street" in body
    assert system.carrier.texts_to(caller.user) == [body]
    assert [text.state for text in await system.texts_of(caller.user)] == ["sent"]
    assert len(await system.tasks_of(call)) == 1
