"""Colleagues call each other by extension."""

from __future__ import annotations

import pytest

from tests.system import System
from tests.talks import hear_each_other

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def talk_by_extension(system: System) -> None:
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob:
        await bob.dial(f"sip:101@{system.sip}")
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await bob.wait_for("CALL_ESTABLISHED")
        await hear_each_other(system, bob, alice)
        await alice.hang_up()
        await bob.wait_for("CALL_CLOSED")


async def test_when_an_extension_is_dialled_then_the_two_talk(system: System) -> None:
    await talk_by_extension(system)


async def test_when_the_app_is_away_then_colleagues_talk_all_the_same(system: System) -> None:
    await system.kill_app()
    try:
        await talk_by_extension(system)
    finally:
        await system.start_app()
