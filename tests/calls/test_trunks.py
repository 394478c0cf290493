"""Who may call in: trunks known by their address or by their password, and nobody else."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from crm.services.phones import trunks
from crm.store.models import Call
from tests.system import ELM, System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def test_when_a_peer_is_known_by_its_address_then_its_calls_come_in(system: System) -> None:
    await system.store.run(
        trunks.add, system.secrets, system.by, "carrier", host="127.0.0.2", auth="address", addresses=["127.0.0.2"]
    )
    await system.publish()
    async with system.phone("alice-desk") as alice, system.caller(address="127.0.0.2", known=False) as caller:
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await system.step(caller.user, "talk")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert (call.trunk, call.outcome) == ("carrier", "talked")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.3"])
async def test_when_a_stranger_calls_then_they_are_refused_and_there_is_no_call(system: System, address: str) -> None:
    calls = await system.all(select(func.count()).select_from(Call))
    async with system.caller(address=address, known=False) as stranger:
        await stranger.dial(f"sip:{ELM}@{system.sip}")
        closed = await stranger.wait_for("CALL_CLOSED")
        assert "401" in closed.param
        assert stranger.count("CALL_ESTABLISHED") == 0
    assert await system.ari("/channels") == []
    assert await system.all(select(func.count()).select_from(Call)) == calls


async def test_when_a_stranger_dials_an_extension_then_no_phone_rings(system: System) -> None:
    async with system.phone("alice-desk") as alice, system.caller(known=False) as stranger:
        await stranger.dial(f"sip:101@{system.sip}")
        closed = await stranger.wait_for("CALL_CLOSED")
        assert "401" in closed.param
        assert alice.count("CALL_INCOMING") == 0
