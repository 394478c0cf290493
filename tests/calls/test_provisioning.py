"""A new password, as phones meet it: the old one is refused at once, and a registration made with it has ended."""

from __future__ import annotations

import pytest

from crm.services.phones import devices
from tests.scripted_phone import registers
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def test_a_new_password_ends_the_registration_and_the_old_one_is_refused(system: System) -> None:
    await system.store.run(devices.add, system.secrets, system.by, "bob-soft", agent="bob", kind="softphone")
    await system.publish()
    old = system.secrets.get("device/bob-soft")
    async with system.phone("bob-soft"):
        await system.store.run(devices.rotate, system.secrets, system.by, "bob-soft")
        await system.publish()
        # The password alone ends nothing: calls would go on to whoever registered with the old one.
        assert await system.is_online("bob-soft")
        assert await devices.end_registration(system.config, system.secrets, "bob-soft")
        await system.until(lambda: system.is_offline("bob-soft"), "bob-soft offline")
    assert not await registers(system, "bob-soft", old)
    assert await registers(system, "bob-soft", system.secrets.get("device/bob-soft"))
    async with system.phone("bob-soft"):
        assert await system.is_online("bob-soft")


async def test_nobody_ends_a_registration_with_a_wrong_password(system: System) -> None:
    async with system.phone("alice-desk"):
        other = system.secrets.get("device/bob-desk")
        system.secrets.put("device/tests", other)
        assert not await devices.end_registration(system.config, system.secrets, "tests")
        assert await system.is_online("alice-desk")
    system.secrets.remove("device/tests")
