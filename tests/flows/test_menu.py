"""The greeting and the menu, heard and answered."""

from __future__ import annotations

import pytest

from tests.asterisk import ELM, Seam

pytestmark = pytest.mark.flows


async def test_when_1_is_pressed_then_one_text_goes_out_and_the_caller_may_hang_up(system: Seam) -> None:
    async with system.caller() as caller:
        await system.dial(caller)
        await system.step(caller.user, "menu")
        await caller.press("1")
        body = await system.carrier.text_to(caller.user)
        await system.hears(caller, system.prompt("link_sent"))
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert (call.outcome, call.ended_by) == ("got_link", "caller")
    assert "https://demo.example/elm-street" in body
    assert system.carrier.texts_to(caller.user) == [body]
    assert [text.state for text in await system.texts_of(caller.user)] == ["sent"]
    assert [task.kind for task in await system.tasks_of(call)] == ["follow_up"]


async def test_when_no_key_is_pressed_then_the_menu_comes_once_more_and_then_the_team(system: Seam) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller)
        await alice.wait_for("CALL_INCOMING", seconds=60)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        heard = system.heard(caller)
    assert [one.name for one in heard] == ["welcome", "menu", "menu", "connecting"]
    assert all(one.nearly_whole for one in heard)
    assert [event for event in call.events if event.kind == "KeyPressed"] == []


async def test_when_wrong_keys_are_pressed_then_that_is_said_once_and_then_the_team_rings(system: Seam) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller)
        await system.step(caller.user, "menu")
        await caller.press("7")
        await system.hears(caller, system.prompt("not_a_choice"))
        await caller.press("*")
        await alice.wait_for("CALL_INCOMING")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        heard = {one.name: one.nearly_whole for one in system.heard(caller)}
    assert heard["not_a_choice"]
    assert heard["connecting"]
    assert [event.data["key"] for event in call.events if event.kind == "KeyPressed"] == ["7", "*"]


async def test_when_1_and_then_2_is_pressed_then_they_talk_and_the_link_came_once(system: Seam) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller)
        await system.step(caller.user, "menu")
        await caller.press("1")
        await system.step(caller.user, "text_offer")
        await caller.press("2")
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await system.step(caller.user, "talk")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        body = await system.carrier.text_to(caller.user)
    assert call.outcome == "talked"
    assert [text.purpose for text in await system.texts_of(caller.user)] == ["listings_link"]
    assert system.carrier.texts_to(caller.user) == [body]
    assert await system.tasks_of(call) == []


async def test_when_a_withheld_number_presses_1_then_they_hear_that_it_is_not_possible_and_the_team_rings(
    system: Seam,
) -> None:
    async with system.phone("alice-desk") as alice, system.caller("anonymous") as caller:
        await system.dial(caller)
        await system.step(None, "menu")
        await caller.press("1")
        await alice.wait_for("CALL_INCOMING", seconds=30)
        await caller.hang_up()
        call = await system.ended_call(None)
        heard = system.heard(caller)
    assert ("link_not_possible", True) in [(one.name, one.nearly_whole) for one in heard]
    assert "link_sent" not in [one.name for one in heard]
    assert call.caller is None
    assert call.unreachable
    assert await system.tasks_of(call) == []


async def test_when_they_hang_up_in_the_menu_then_they_are_missed_once_pain_3_pain_4(system: Seam) -> None:
    async with system.caller() as caller:
        await system.dial(caller, ELM)
        await system.step(caller.user, "menu")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        body = await system.carrier.text_to(caller.user)
    assert (call.outcome, call.ended_by, call.step) == ("gave_up", "caller", "menu")
    assert call.legs == []
    assert [task.kind for task in await system.tasks_of(call)] == ["call_back"]
    assert system.carrier.texts_to(caller.user) == [body]
