"""The office is closed, and whoever has hours of their own rings alone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from crm.services.office import hours
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def in_days(system: System, days: int) -> str:
    """The day of the week that it is then."""
    return DAYS[(datetime.now(system.config.tz) + timedelta(days=days)).weekday()]


async def test_when_the_office_is_closed_then_who_has_hours_of_their_own_rings_alone(system: System) -> None:
    later = f"{in_days(system, 2)} 09:00-18:00"
    now = [f"{in_days(system, days)} 00:00-24:00" for days in (-1, 0, 1)]
    await system.store.run(hours.replace, system.by, [later])
    await system.store.run(hours.replace_agent, system.by, "bob", now)
    await system.store.run(hours.replace_agent, system.by, "carol", [later])
    async with (
        system.phone("alice-desk") as alice,
        system.phone("bob-desk") as bob,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await bob.wait_for("CALL_INCOMING")
        await bob.answer()
        await system.step(caller.user, "talk")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
        assert (alice.count("CALL_INCOMING"), carol.count("CALL_INCOMING")) == (0, 0)
    assert (call.outcome, await system.rang(caller.user)) == ("talked", {"subteam": {"bob-desk"}})
    [routed] = [event for event in call.events if event.kind == "Routed"]
    assert routed.data["rule"] == "after_hours"
