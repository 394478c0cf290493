"""A phone that rings for a caller is taken by another caller: nobody is sent to the mailbox for that."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from tests.busy import only_on_duty
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def test_when_others_take_whoever_rang_then_they_ring_again_once_free_and_else_are_waited_for(
    system: System,
) -> None:
    """Alice and bob ring for three callers; bob answers nobody. Alice takes one, and when she is free again the next,
    who had lost her to the first; the third, who has lost her twice, waits for her."""
    await only_on_duty(system, "alice", "bob")
    async with (
        system.phone("alice-desk") as alice,
        system.phone("bob-desk"),
        system.caller() as one,
        system.caller() as two,
        system.caller() as three,
    ):
        left = {caller.user: caller for caller in (one, two, three)}
        await asyncio.gather(*(system.to_team(caller) for caller in left.values()))
        await alice.wait_for("CALL_INCOMING", 3)
        await alice.answer()
        first = left.pop(await _who_talks(system, left))
        for number in left:
            await system.rings(number, "everyone", "bob-desk")
        await first.hang_up()
        await alice.wait_for("CALL_INCOMING", 5)
        await alice.answer()
        second = left.pop(await _who_talks(system, left))
        [third] = left.values()
        await system.step(third.user, "queue")
        await second.hang_up()
        await third.hang_up()
        calls = [await system.ended_call(caller.user) for caller in (first, second, third)]
    assert [call.outcome for call in calls] == ["talked", "talked", "gave_up"]
    assert [task.kind for task in await system.tasks_of(calls[2])] == ["call_back"]


async def _who_talks(system: System, numbers: Iterable[str]) -> str:
    found: list[str] = []

    async def one_talks() -> bool:
        found[:] = [number for number in numbers if (await system.call_from(number)).talk_started_at]
        return bool(found)

    await system.until(one_talks, "one of them talks")
    return found[0]
