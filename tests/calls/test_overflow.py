"""Everybody is in a talk: callers hear their place in line and music, and the first is put through."""

from __future__ import annotations

import pytest

from tests.busy import number_in_line, only_on_duty
from tests.system import System
from tests.talks import connect, hear_each_other

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def test_when_everybody_talks_then_callers_hear_their_place_and_the_first_is_put_through_pain_3(
    system: System,
) -> None:
    await only_on_duty(system, "alice")
    async with (
        system.phone("alice-desk") as alice,
        system.caller() as first,
        system.caller() as second,
        system.caller() as third,
    ):
        await connect(system, first, alice)
        await system.to_team(second)
        await system.hears(second, system.prompt("queue_next"))
        await system.to_team(third)
        await system.hears(third, await number_in_line(system, 2))
        await system.hears_music(second)
        await first.hang_up()
        await alice.wait_for("CALL_INCOMING", 2)
        await alice.answer()
        await system.step(second.user, "talk")
        await hear_each_other(system, second, alice)
        await third.hang_up()
        gave_up = await system.ended_call(third.user)
        await alice.hang_up()
        served = await system.ended_call(second.user)
        assert alice.count("CALL_INCOMING") == 2
    assert (served.outcome, [(leg.stage, leg.status) for leg in served.legs]) == ("talked", [("queue", "ANSWER")])
    assert (gave_up.outcome, gave_up.step, gave_up.legs) == ("gave_up", "queue", [])
    assert [task.kind for task in await system.tasks_of(gave_up)] == ["call_back"]
