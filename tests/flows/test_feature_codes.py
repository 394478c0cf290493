"""Feature codes: what was set is heard, and is so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from crm.domain import codes
from crm.edge import numbers
from crm.services.phones import devices
from crm.services.phones.spoken import spoken
from crm.store.models import Agent, BlockedCaller, Device, Lead
from tests.asterisk import Seam

pytestmark = pytest.mark.flows


async def dial_code(
    system: Seam, code: str, device: str = "alice-desk", *, asks: str = "", presses: str = "", hears: Sequence[str] = ()
) -> None:
    """Dials a code and listens to the end; one of the sentences has to be heard. `presses` answers what it `asks`."""
    async with system.phone(device) as phone:
        await phone.dial(f"sip:{code}@{system.sip}")
        if asks:
            await system.hears(phone, await spoken(system.config, asks))
        if presses:
            await phone.press(presses)
        await phone.wait_for("CALL_CLOSED")
        sounds = [await spoken(system.config, sentence) for sentence in hears]
        assert any([await system.has_heard(phone, sound) for sound in sounds]), f"none of {hears}"


async def device_of(system: Seam, slug: str) -> Device:
    return (await system.all(select(Device).where(Device.slug == slug)))[0]


async def agent_of(system: Seam, slug: str) -> Agent:
    return (await system.all(select(Agent).where(Agent.slug == slug)))[0]


def until(system: Seam, length: timedelta) -> list[str]:
    """The sentence's end, for a code dialed within this minute or the next."""
    now = system.now()
    return [codes.when(at + length, system.config.tz, now) for at in (now, now + timedelta(minutes=1))]


async def test_pain_18_dnd_by_phone_says_when_it_ends_and_ends_by_itself(system: Seam) -> None:
    ends = until(system, timedelta(hours=system.config.dnd.by_phone_hours))
    await dial_code(system, "*78", hears=[f"Do not disturb is on until {end}." for end in ends])
    device = await device_of(system, "alice-desk")
    assert device.dnd_until is not None
    assert devices.has_dnd(device, device.dnd_until - timedelta(minutes=1))
    assert not devices.has_dnd(device, device.dnd_until)
    assert not (await device_of(system, "bob-desk")).dnd


async def test_when_all_phones_are_meant_then_all_phones_of_the_agent_are_set(system: Seam) -> None:
    await system.store.run(devices.add, system.secrets, system.by, "alice-soft", agent="alice", kind="softphone")
    ends = until(system, timedelta(minutes=30))
    await dial_code(system, "*300", hears=[f"Do not disturb is on for all of your phones until {end}." for end in ends])
    assert (await device_of(system, "alice-soft")).dnd
    assert (await device_of(system, "alice-desk")).dnd
    await dial_code(system, "*790", hears=["Do not disturb is off for all of your phones."])
    assert not (await device_of(system, "alice-soft")).dnd


async def test_forwarding_on_needs_a_mobile_and_says_so(system: Seam) -> None:
    await dial_code(system, "*72", hears=["You have no mobile to forward to. Please ask for one to be added."])
    assert not (await agent_of(system, "alice")).forwarding
    with system.store.writing() as session:
        alice = await agent_of(system, "alice")
        session.add(Device(slug="alice-mobile", agent_id=alice.id, kind="mobile", number="+15125550199"))
    await dial_code(system, "*72", hears=["Forwarding is on. Your mobile rings, too."])
    assert (await agent_of(system, "alice")).forwarding
    await dial_code(system, "*73", hears=["Forwarding is off."])
    assert not (await agent_of(system, "alice")).forwarding


async def test_whoever_is_last_on_duty_is_warned_when_they_leave(system: Seam) -> None:
    await dial_code(system, "*56", hears=["You are off duty."])
    assert not (await agent_of(system, "alice")).on_duty
    with system.store.writing() as session:
        session.execute(update(Agent).where(Agent.slug == "carol").values(on_duty=False))
    await dial_code(
        system,
        "*56",
        "bob-desk",
        hears=["You are off duty. Nobody else is on duty, so all callers get voicemail."],
    )
    await dial_code(system, "*55", "bob-desk", hears=["You are on duty."])
    assert (await agent_of(system, "bob")).on_duty


async def test_whoever_called_last_is_called_back_and_can_be_blocked(system: Seam) -> None:
    number = system.new_number()
    async with system.phone("alice-desk") as alice, system.caller(number) as caller:
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING")
        await caller.hang_up()
        await system.ended_call(number)
    said = numbers.speak(number, system.config.region)
    question = f"The last caller was {said}. To block this number and close its lead, press 1."
    # Whom the office has called nobody can block, so this comes before calling back.
    for key in ("", "9"):
        await dial_code(system, "*60", asks=question, presses=key, hears=["Nobody was blocked."])
        assert await system.all(select(BlockedCaller)) == []
    await dial_code(system, "*60", asks=question, presses="1", hears=[f"{said} is blocked."])
    with system.store.writing() as session:
        assert session.scalar(select(BlockedCaller.value)) == number
        session.execute(delete(BlockedCaller))
    async with system.phone("alice-desk") as alice:
        await alice.dial(f"sip:*69@{system.sip}")
        await system.hears(alice, await spoken(system.config, f"Calling {said}."))
        # The demo trunk's other end takes no calls.
        await alice.wait_for("CALL_CLOSED", seconds=40)

    async def called_back() -> bool:
        return "out" in [call.direction for call in await system.calls_from(number)]

    await system.until(called_back, "a call of ours to the last caller")


async def test_one_wrong_key_costs_no_lead(system: Seam) -> None:
    number = system.new_number()
    async with system.phone("alice-desk") as alice, system.caller(number) as caller:
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING")
        await alice.answer()
        await alice.wait_for("CALL_ESTABLISHED")
        await caller.hang_up()
        call = await system.ended_call(number)
    with system.store.writing() as session:
        session.execute(update(Lead).where(Lead.id == call.lead_id).values(name="Dana Reyes"))
    who = f"Dana Reyes, {numbers.speak(number, system.config.region)}"
    why = "it is a lead, which the office has to close first"
    await dial_code(system, "*60", hears=[f"The last caller, {who}, is not blocked: {why}."])
    [lead] = await system.all(select(Lead).where(Lead.id == call.lead_id))
    assert lead.status == "in_progress"
    assert await system.all(select(BlockedCaller)) == []
    async with system.phone("alice-desk") as alice:
        await alice.dial(f"sip:*69@{system.sip}")
        await system.hears(alice, await spoken(system.config, f"Calling {who}."))
        await alice.wait_for("CALL_CLOSED", seconds=40)


async def test_when_the_last_caller_showed_no_number_then_no_one_else_is_called_back_or_blocked(system: Seam) -> None:
    for number in (system.new_number(), "204"):
        shown = None if number == "204" else number
        async with system.phone("alice-desk") as alice, system.caller(number) as caller:
            await system.dial(caller)
            await system.step(shown, "menu")
            await caller.press("2")
            await alice.wait_for("CALL_INCOMING")
            await caller.hang_up()
            call = await system.ended_call(shown)
    assert (call.caller, call.caller_digits, call.withheld) == (None, "204", False)
    await dial_code(system, "*69", hears=["The last caller showed no number that can be dialed."])
    await dial_code(system, "*60", hears=["The last caller showed no number, so it is not blocked."])
    assert await system.all(select(BlockedCaller)) == []


@pytest.mark.parametrize("code", ["*123", "*", "*7899999999999999999999999"])
async def test_a_code_that_there_is_not_is_said_to_be_none(system: Seam, code: str) -> None:
    await dial_code(system, code, hears=["There is no such code."])
    assert not (await device_of(system, "alice-desk")).dnd


async def test_when_nobody_has_called_then_that_is_said(system: Seam) -> None:
    await system.store.run(devices.add, system.secrets, system.by, "admin-desk", agent="admin")
    await system.publish()
    await dial_code(system, "*69", "admin-desk", hears=["Nobody has called you from outside yet."])
