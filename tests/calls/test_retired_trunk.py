"""A trunk that was taken out of use: nobody calls through it, in or out, and it works again once it is restored."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from crm.services.phones import trunks
from crm.store.models import Call
from tests.scripted_trunk import scripted_trunk
from tests.system import ELM, System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def test_when_a_trunk_is_retired_then_calls_through_it_are_refused_until_it_is_back(system: System) -> None:
    address = "127.0.0.2"
    await system.store.run(
        trunks.add, system.secrets, system.by, "carrier", host=address, auth="address", addresses=[address]
    )
    await system.store.run(trunks.retire, system.secrets, system.by, "carrier")
    await system.publish()
    calls = await system.all(select(func.count()).select_from(Call))
    async with system.caller(address=address, known=False) as caller:
        await caller.dial(f"sip:{ELM}@{system.sip}")
        closed = await caller.wait_for("CALL_CLOSED")
        assert "401" in closed.param
        assert caller.count("CALL_ESTABLISHED") == 0
    assert await system.all(select(func.count()).select_from(Call)) == calls
    await system.store.run(trunks.restore, system.by, "carrier")
    await system.publish()
    async with system.caller(address=address, known=False) as caller:
        await system.dial(caller)
        await system.step(caller.user, "menu")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert call.trunk == "carrier"


async def test_when_a_trunk_is_retired_then_the_next_one_takes_calls_out(system: System) -> None:
    async with (
        scripted_trunk(system, "first", "take_call", position=0) as first,
        scripted_trunk(system, "second", "take_call", position=1) as second,
        system.phone("alice-desk") as alice,
    ):
        await system.store.run(trunks.retire, system.secrets, system.by, "first")
        await system.publish()
        await alice.dial(f"sip:911@{system.sip}")
        await alice.wait_for("CALL_ESTABLISHED")
        await alice.hang_up()
        await alice.wait_for("CALL_CLOSED")
        assert first.received("INVITE") == []
        assert len(second.received("INVITE")) == 1
