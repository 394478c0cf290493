"""Busy lamps: a phone that watches a colleague's extension sees real calls come and go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crm.services.phones import devices
from tests.scripted_phone import BusyLamp, busy_lamp
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def shows(system: System, lamp: BusyLamp, *states: str) -> None:
    await system.until(lambda: lamp.states == list(states), f"lamp shows {states}, not {lamp.states}")


async def test_a_lamp_shows_a_call_that_rings_is_answered_and_ends(system: System) -> None:
    secret = system.secrets.get("device/carol-soft")
    async with (
        system.phone("alice-desk") as alice,
        system.phone("bob-desk") as bob,
        busy_lamp(system, "carol-soft", secret, "101") as lamp,
    ):
        await shows(system, lamp, "terminated")
        await bob.dial(f"sip:101@{system.sip}")
        await alice.wait_for("CALL_INCOMING")
        await shows(system, lamp, "terminated", "early")
        await alice.answer()
        await bob.wait_for("CALL_ESTABLISHED")
        await shows(system, lamp, "terminated", "early", "confirmed")
        await bob.hang_up()
        await alice.wait_for("CALL_CLOSED")
        await shows(system, lamp, "terminated", "early", "confirmed", "terminated")


async def test_a_lamp_shows_dnd_of_all_phones_and_its_end(system: System) -> None:
    secret = system.secrets.get("device/carol-soft")
    until = datetime.now(UTC) + timedelta(seconds=8)
    async with system.phone("alice-desk"), busy_lamp(system, "carol-soft", secret, "101") as lamp:
        await shows(system, lamp, "terminated")
        await system.store.run(devices.set_dnd, system.by, ["alice-desk"], until=until)
        await shows(system, lamp, "terminated", "confirmed")
        await shows(system, lamp, "terminated", "confirmed", "terminated")
    assert datetime.now(UTC) >= until


async def test_a_lamp_shows_that_somebody_is_parked_until_they_are_picked_up(system: System) -> None:
    secret = system.secrets.get("device/bob-desk")
    async with (
        system.phone("alice-desk") as alice,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
        busy_lamp(system, "bob-desk", secret, "701") as lamp,
    ):
        await shows(system, lamp, "terminated")
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await system.step(caller.user, "talk")
        assert lamp.states == ["terminated"]
        await alice.press("*4")
        await shows(system, lamp, "terminated", "confirmed")
        await alice.wait_for("CALL_CLOSED")
        await carol.dial(f"sip:701@{system.sip}")
        await carol.wait_for("CALL_ESTABLISHED")
        await shows(system, lamp, "terminated", "confirmed", "terminated")
        await caller.hang_up()
        await carol.wait_for("CALL_CLOSED")
        await system.ended_call(caller.user)


@pytest.mark.parametrize("extension", ["177", "demo", "710"])
async def test_who_watches_what_there_is_not_is_refused(system: System, extension: str) -> None:
    secret = system.secrets.get("device/carol-soft")
    async with busy_lamp(system, "carol-soft", secret, extension) as lamp:
        await system.until(lambda: lamp.process.returncode is not None, "refused")
        assert lamp.states == []
        assert "SIP/2.0 404" in lamp.phone.log.read_text()


async def test_a_trunk_may_not_watch_anybody(system: System) -> None:
    async with busy_lamp(system, "trunk-demo", system.secrets.get("trunk/demo"), "101") as lamp:
        await system.until(lambda: lamp.process.returncode is not None, "refused")
        assert lamp.states == []
        assert "SIP/2.0 603" in lamp.phone.log.read_text()
