"""Who answers hears who calls, and the caller hears nothing of it."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from crm.services.phones import devices
from crm.store.models import Lead, LeadPhone
from tests.asterisk import Seam
from tests.flows.people import about, forward, mobile, picks_up

pytestmark = pytest.mark.flows


async def test_when_a_known_lead_calls_then_their_name_is_whispered(system: Seam) -> None:
    number = system.new_number()
    await system.add_lead(number, agent="alice")
    with system.store.writing() as session:
        # A name that somebody wrote with a hostile keyboard.
        named = update(Lead).where(Lead.phones.any(LeadPhone.number == number)).values(name='Pat <"$(id)">\n')
        session.execute(named)
    await forward(system)
    async with mobile(system) as cell, system.caller(number) as caller:
        await system.to_team(caller)
        await picks_up(cell)
        whisper = await about(system, number, name="Pat id", is_known=True)
        await system.hears(cell, whisper)
        await system.hears(cell, system.prompt("whisper_keys"))
        await cell.press("1")
        await system.step(number, "talk")
        await caller.hang_up()
        await system.ended_call(number)
        assert not await system.has_heard(caller, whisper)


async def test_when_the_digit_does_not_come_then_the_whisper_is_heard_again_until_the_time_is_over(
    system: Seam,
) -> None:
    await forward(system)
    async with mobile(system) as cell, system.caller() as caller:
        await system.to_team(caller)
        await picks_up(cell)
        await cell.press("9")
        await system.hears(cell, system.prompt("whisper_keys"))
        await cell.wait_for("CALL_CLOSED", seconds=30)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert [leg.status for leg in call.legs] == ["NOANSWER"]


async def test_when_a_desk_phone_whispers_then_it_asks_for_the_digit_too(system: Seam) -> None:
    await system.store.run(devices.change, system.config, system.by, "alice-desk", whisper=True)
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.to_team(caller)
        await picks_up(alice)
        await system.hears(alice, await about(system, caller.user))
        assert (await system.call_from(caller.user)).step == "ring"
        await alice.press("1")
        await system.step(caller.user, "talk")
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert [(leg.device, leg.status) for leg in call.legs] == [("alice-desk", "ANSWER")]


async def test_when_the_number_is_withheld_then_no_callback_is_offered(system: Seam) -> None:
    await forward(system)
    async with mobile(system) as cell, system.caller("anonymous") as caller:
        await system.dial(caller)
        await system.step(None, "menu")
        await caller.press("2")
        await picks_up(cell)
        await system.hears(cell, system.prompt("whisper_two_keys"))
        await cell.press("3")
        await cell.press("1")
        await system.step(None, "talk")
        await caller.hang_up()
        call = await system.ended_call(None)
    assert call.outcome == "talked"
    assert not [event for event in call.events if event.kind == "CallbackPromised"]
