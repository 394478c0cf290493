"""The menu is interrupted by a key, and a line has a greeting of its own."""

from __future__ import annotations

import pytest

from asterisk_conf.prompts import speech
from crm.services.phones import lines
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def test_when_2_is_pressed_during_the_menu_then_it_stops_and_the_team_rings(system: System) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller)
        await system.hears(caller, system.prompt("welcome"))
        await caller.press("2")
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await system.step(caller.user, "talk")
        await alice.say(system.spoken("Hello, how can I help?"))
        await system.hears(caller, system.spoken("Hello, how can I help?"))
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        heard = system.heard(caller)
    [welcome, *rest] = heard
    assert (welcome.name, welcome.whole) == ("welcome", True)
    assert not any(one.nearly_whole for one in rest), "the key has cut nothing"
    assert {one.name for one in rest} <= {"menu"}
    assert [event.data["key"] for event in call.events if event.kind == "KeyPressed"] == ["2"]
    assert call.outcome == "talked"


async def test_when_a_line_has_a_greeting_of_its_own_then_it_is_heard_before_the_menu(system: System) -> None:
    text = "Welcome to the Maple Court apartments on Fifth Street."
    number = await system.store.run(
        lines.add, system.by, system.config, "+15125550177", property_slug="elm", greeting=text
    )
    greeting = speech.greeting(system.config.prompts_folder, number, text, "en")
    assert greeting
    try:
        async with system.caller() as caller:
            await system.dial(caller, number)
            await system.hears(caller, greeting)
            await caller.hang_up()
            call = await system.ended_call(caller.user)
            heard = system.heard_names(caller)
        assert heard[0] == f"greeting {number}"
        assert "welcome" not in heard
        assert call.did == number
    finally:
        speech.greeting(system.config.prompts_folder, number, "", "en")
