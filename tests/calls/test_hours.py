"""The office is closed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from crm.services import hours, reception
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


async def test_when_the_office_is_closed_then_no_phone_rings_and_the_message_is_due_in_the_next_opening(
    system: System,
) -> None:
    # Open two days from now only, so that the test holds at any time of any day.
    day = DAYS[(datetime.now(system.config.tz) + timedelta(days=2)).weekday()]
    await hours.replace(system.store, system.by, [f"{day} 09:00-18:00"])
    message = system.spoken("I would like to see a home on Saturday, please call me back.")
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.to_team(caller)
        await system.hears(caller, system.prompt("closed"))
        await system.recording(caller.user)
        await caller.say(message)
        await caller.wait_for("CALL_CLOSED", seconds=30)
        call = await system.ended_call(caller.user)
        heard = {one.name: one.nearly_whole for one in system.heard(caller)}
        assert alice.count("CALL_INCOMING") == 0
    assert heard["closed"]
    assert heard["message_thanks"]
    assert call.legs == []
    assert call.outcome == "left_message"
    [task] = await system.tasks_of(call)
    assert (task.kind, task.owner.slug) == ("listen", "alice")
    assert call.ended_at
    opens = (await reception.schedule(system.store, system.config)).next_open(call.ended_at)
    assert opens > call.ended_at
    assert task.due_at == opens + timedelta(minutes=system.config.tasks.due_minutes)
