"""All leasing calls go to one outside number."""

from __future__ import annotations

from datetime import datetime

import pytest

from crm.services.phones import forwarding
from crm.store.models import Hours
from tests.mobile import NUMBER, mobile, picks_up
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

HELLO = "Good evening, this is the answering service."


async def all_calls(system: System, *, confirm: bool = True, to: str = NUMBER) -> None:
    await system.store.run(forwarding.forward_office, system.config, system.by, to=to, confirm=confirm)


async def test_when_it_is_straight_then_whoever_answers_has_the_caller_also_when_closed(system: System) -> None:
    await all_calls(system, confirm=False)
    await close(system)
    async with mobile(system) as cell, system.caller() as caller:
        await system.to_team(caller)
        await picks_up(cell)
        await system.step(caller.user, "talk")
        await cell.say(system.spoken(HELLO))
        await system.hears(caller, system.spoken(HELLO))
        await cell.hang_up()
        call = await system.ended_call(caller.user)
    assert (call.outcome, call.ended_by) == ("handed_over", "agent")


async def close(system: System) -> None:
    with system.store.writing() as session:
        # Open on no day but one that is three days away.
        weekday = (datetime.now(system.config.tz).weekday() + 3) % 7
        session.add(Hours(weekday=weekday, opens="10:00", closes="10:01"))
