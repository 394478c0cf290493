"""Feature codes, dialed on real phones: what was set is heard, and is so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from crm.domain import codes
from crm.edge import numbers
from crm.services.phones.spoken import spoken
from crm.store.models import BlockedCaller, Device
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def dial_code(system: System, code: str, device: str = "alice-desk", *, hears: Sequence[str] = ()) -> None:
    """Dials a code and listens to the end; one of the sentences has to be heard."""
    async with system.phone(device) as phone:
        await phone.dial(f"sip:{code}@{system.sip}")
        await phone.wait_for("CALL_CLOSED")
        sounds = [await spoken(system.config, sentence) for sentence in hears]
        assert any([await system.has_heard(phone, sound) for sound in sounds]), f"none of {hears}"


async def device_of(system: System, slug: str) -> Device:
    return (await system.all(select(Device).where(Device.slug == slug)))[0]


def until(system: System, length: timedelta) -> list[str]:
    """The sentence's end, for a code dialed within this minute or the next."""
    now = datetime.now(UTC)
    return [codes.when(at + length, system.config.tz, now) for at in (now, now + timedelta(minutes=1))]


async def test_when_half_an_hour_is_dialled_then_that_is_heard_and_set_and_the_phone_is_silent(system: System) -> None:
    ends = until(system, timedelta(minutes=30))
    await dial_code(system, "*30", hears=[f"Do not disturb is on until {end}." for end in ends])
    device = await device_of(system, "alice-desk")
    assert device.dnd_until is not None
    assert timedelta(minutes=28) < device.dnd_until - datetime.now(UTC) <= timedelta(minutes=30)
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob:
        await bob.dial(f"sip:101@{system.sip}")
        await system.recording(None)
        await bob.hang_up()
        await system.ended_call(None)
        assert alice.count("CALL_INCOMING") == 0
    await dial_code(system, "*79", hears=["Do not disturb is off."])
    assert not (await device_of(system, "alice-desk")).dnd


async def test_the_last_caller_is_named_and_only_the_key_blocks_them(system: System) -> None:
    number = system.new_number()
    async with system.phone("alice-desk") as alice, system.caller(number) as caller:
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING")
        await caller.hang_up()
        await system.ended_call(number)
    said = numbers.speak(number, system.config.region)
    question = await spoken(
        system.config, f"The last caller was {said}. To block this number and close its lead, press 1."
    )
    async with system.phone("alice-desk") as phone:
        await phone.dial(f"sip:*60@{system.sip}")
        await system.hears(phone, question)
        await phone.press("2")
        await system.hears(phone, await spoken(system.config, "Nobody was blocked."))
        await phone.wait_for("CALL_CLOSED")
    assert await system.all(select(BlockedCaller)) == []
    async with system.phone("alice-desk") as phone:
        await phone.dial(f"sip:*60@{system.sip}")
        await system.hears(phone, question)
        await phone.press("1")
        await system.hears(phone, await spoken(system.config, f"{said} is blocked."))
        await phone.wait_for("CALL_CLOSED")
    assert [entry.value for entry in await system.all(select(BlockedCaller))] == [number]


async def test_the_echo_code_plays_back_what_is_said(system: System) -> None:
    sentence = await spoken(system.config, "You hear what you say. Hang up when you have heard enough.")
    said = system.config.prompt("whisper_keys", "en")
    async with system.phone("alice-desk") as alice:
        await alice.dial(f"sip:*43@{system.sip}")
        await system.hears(alice, sentence)
        await system.speak(alice, said)
        await system.hears(alice, said)
        await alice.hang_up()


async def test_when_the_app_is_away_then_codes_say_that_they_do_not_work(system: System) -> None:
    await system.kill_app()
    try:
        async with system.phone("alice-desk") as phone:
            await phone.dial(f"sip:*78@{system.sip}")
            await phone.wait_for("CALL_CLOSED")
            assert system.heard_names(phone) == ["codes_unavailable"]
    finally:
        await system.start_app()
    assert not (await device_of(system, "alice-desk")).dnd
