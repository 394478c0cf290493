"""The app is killed while callers wait in line: each has the same place when it is back."""

from __future__ import annotations

import pytest

from tests.busy import number_in_line, only_on_duty
from tests.system import System
from tests.talks import connect, hear_each_other

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]


async def test_when_the_app_is_killed_while_callers_wait_then_they_keep_their_places_pain_9(system: System) -> None:
    await only_on_duty(system, "alice")
    second_in_line = await number_in_line(system, 2)
    async with (
        system.phone("alice-desk") as alice,
        system.caller() as talker,
        system.caller() as first,
        system.caller() as second,
    ):
        await connect(system, talker, alice)
        await system.to_team(first)
        await system.hears(first, system.prompt("queue_next"))
        await system.to_team(second)
        await system.hears(second, second_in_line)
        channel = (await system.channel_of("trunk-demo", newest=True))["id"]
        since = await system.variable(channel, "LL_STAGE")
        await system.kill_app()
        told_second = await system.times_heard(second, second_in_line)
        told_first = await system.times_heard(first, system.prompt("queue_next"))
        await system.start_app()
        await system.hears(second, second_in_line, told_second + 1)
        await system.hears(first, system.prompt("queue_next"), told_first + 1)
        assert await system.variable(channel, "LL_STAGE") == since
        assert since.startswith("since-"), "the longest wait goes on, and is not begun anew"
        await talker.hang_up()
        await alice.wait_for("CALL_INCOMING", 2)
        await system.kill_app()
        await system.start_app()
        await alice.answer()
        await hear_each_other(system, first, alice)
        await second.hang_up()
        gave_up = await system.ended_call(second.user)
        await alice.hang_up()
        served = await system.ended_call(first.user)
        assert alice.count("CALL_INCOMING") == 2
    assert (served.outcome, [(leg.stage, leg.status) for leg in served.legs]) == ("talked", [("queue", "ANSWER")])
    assert (gave_up.outcome, gave_up.step) == ("gave_up", "queue")
    assert [task.kind for task in await system.tasks_of(gave_up)] == ["call_back"]
