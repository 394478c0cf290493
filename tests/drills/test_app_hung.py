"""The app hangs: it is there, takes connections and calls, and does nothing."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from crm.services.phones import devices
from crm.store.models import Device
from tests.drills.witness import hears, legs, one_record
from tests.scripted_trunk import scripted_trunk
from tests.system import ELM, System
from tests.talks import hear_each_other

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]


@contextlib.contextmanager
def hung(system: System) -> Iterator[None]:
    assert system.app.process is not None
    system.app.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        system.app.process.send_signal(signal.SIGCONT)


async def test_when_the_app_hangs_then_it_rings_at_once_and_a_phone_does_before_the_dead_mans_switch(
    system: System,
) -> None:
    """And an app that goes on again leaves the talk alone."""
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        with hung(system):
            await caller.dial(f"sip:{ELM}@{system.sip}")
            await caller.wait_for("CALL_RINGING", seconds=3)
            await alice.wait_for("CALL_INCOMING", seconds=system.config.survival.deadman_seconds - 1)
            await alice.answer()
        await hear_each_other(system, caller, alice)
        await caller.hang_up()
        await alice.wait_for("CALL_CLOSED")
        call = await one_record(system, caller.user, "talked", finished=True)
    assert legs(call) == [("alice-desk", "ANSWER", True)]


async def test_when_the_app_hangs_then_the_emergency_service_that_calls_back_reaches_the_phone_that_called_it(
    system: System,
) -> None:
    async with (
        scripted_trunk(system, "psap", "take_call"),
        system.phone("alice-desk") as alice,
        system.caller() as service,
    ):
        await system.store.run(devices.set_dnd, system.by, ["alice-desk"], until=None)
        await system.publish()
        await alice.dial(f"sip:911@{system.sip}")
        await alice.wait_for("CALL_ESTABLISHED")
        await alice.hang_up()
        await alice.wait_for("CALL_CLOSED")
        with hung(system):
            await service.dial(f"sip:{ELM}@{system.sip}")
            await alice.wait_for("CALL_INCOMING")
            await alice.answer()
            await alice.wait_for("CALL_ESTABLISHED", 2)
        # A talk, and not a call that ends in the moment in which it is answered.
        await hear_each_other(system, service, alice)
        await service.hang_up()
        call = await one_record(system, service.user, "talked", finished=True)
    assert legs(call) == [("alice-desk", "ANSWER", True)]


async def test_when_the_app_hangs_then_colleagues_reach_each_other_and_a_code_says_that_it_cannot(
    system: System,
) -> None:
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        with hung(system):
            await alice.dial(f"sip:102@{system.sip}")
            await bob.wait_for("CALL_INCOMING", seconds=25)
            await alice.hang_up()
            await bob.wait_for("CALL_CLOSED")
            await alice.dial(f"sip:*78@{system.sip}")
            await hears(system, alice, system.prompt("codes_unavailable"))
            await alice.wait_for("CALL_CLOSED", 2)
        # Who was told so finds it so.
        await system.dial(caller)
        await system.step(caller.user, "menu")
        assert not any(await system.all(select(Device.dnd)))
        await caller.hang_up()
