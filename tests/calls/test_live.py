"""People who watch the calls listen in on a talk, and take it over."""

from __future__ import annotations

import pytest

from tests.system import System
from tests.talks import connect, hear_each_other, says_to
from tests.watching import watching

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def test_a_manager_hears_both_without_being_heard_and_then_takes_the_talk_over(system: System) -> None:
    async with (
        system.with_setting("[ports]", '[console]\nlisten_in = "always"\n[ports]'),
        watching(system) as watcher,
        system.phone("alice-desk") as alice,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
    ):
        await connect(system, caller, alice)
        assert await watcher.act("listen", agent="carol", device="carol-soft") == ""
        await carol.wait_for("CALL_INCOMING")
        await carol.answer()
        await watcher.shows(alice_desk="talks", carol_soft="listens")
        await says_to(system, caller, carol, "Is it quiet there at night?")
        await says_to(system, alice, carol, "It is the quietest street in town.")
        unheard = "Nobody may hear this sentence."
        await carol.say(system.spoken(unheard))
        await hear_each_other(system, caller, alice)
        for phone in (caller, alice):
            assert not await system.has_heard(phone, system.spoken(unheard))
        await carol.hang_up()
        await watcher.shows(alice_desk="talks")
        assert await watcher.act("take_over", agent="carol", device="carol-soft") == ""
        await carol.wait_for("CALL_INCOMING", 2)
        await carol.answer()
        await alice.wait_for("CALL_CLOSED")
        await hear_each_other(system, caller, carol)
        await watcher.shows(carol_soft="talks")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert [(leg.device, leg.stage, leg.status) for leg in call.legs] == [
        ("alice-desk", "subteam", "ANSWER"),
        ("carol-soft", "take_over", "ANSWER"),
    ]
