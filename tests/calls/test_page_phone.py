"""The phone in the console's page, with a real browser at one end and real SIP phones at the other."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio

from ari_app.demo import listening
from ari_app.demo.softphone import Softphone
from crm.services.office import properties
from tests.busy import only_on_duty
from tests.page_phone import PagePhone, console, page_phone
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def url(system: System) -> AsyncIterator[str]:
    async with console(system) as found:
        yield found


async def hears_the_beeps(system: System, phone: Softphone) -> None:
    """Chromium's own microphone beeps once a second."""
    before = len(listening.read(phone.heard)) if phone.heard.exists() else 0

    def is_so() -> bool:
        heard = listening.read(phone.heard)[before:]
        return len(heard) > 0 and float(np.abs(heard).max()) > listening.LOUD

    await system.until(is_so, f"{phone.user} hears beeps")


async def both_are_heard(system: System, phone: PagePhone, other: Softphone) -> None:
    await hears_the_beeps(system, other)
    await other.say(system.config.prompt("whisper_keys", "en"))
    await phone.hears_something()


async def talks_with(system: System, phone: PagePhone, caller: Softphone) -> None:
    """The caller asks for the team, and the page answers."""
    await system.to_team(caller)
    await phone.rings()
    await phone.press("answer")
    await phone.talks()


async def test_a_call_rings_in_the_page_with_who_calls_and_both_hear_each_other(system: System, url: str) -> None:
    await only_on_duty(system, "alice")
    async with page_phone(system, url) as phone, system.caller() as caller:
        await system.to_team(caller)
        await phone.rings()
        shown = phone.calls("ringing")
        await shown.get_by_text("Elm Street Apartments").wait_for()
        assert "New caller" in await shown.inner_text()
        await phone.press("answer")
        await phone.talks()
        await both_are_heard(system, phone, caller)
        note = phone.calls("talking").locator("textarea")
        await note.fill("Wants two bedrooms")
        await phone.calls("talking").get_by_text("Save note").click()
        await phone.calls("talking").get_by_text("Saved.").wait_for()
        await caller.hang_up()
        await phone.is_free()
        assert phone.complaints == []
    call = await system.ended_call(caller.user)
    assert (call.outcome, call.remark) == ("talked", "Wants two bedrooms")


@pytest.mark.parametrize(("recording", "at_once"), [("off", False), ("announced", False), ("announced", True)])
async def test_when_the_page_holds_the_call_then_the_caller_hears_music_and_then_the_agent_again(
    system: System, url: str, recording: str, at_once: bool
) -> None:
    """Also in a talk that is recorded, and while that is being announced."""
    await only_on_duty(system, "alice")
    await system.store.run(properties.change, system.by, "elm", recording=recording)
    async with page_phone(system, url) as phone, system.caller() as caller:
        await talks_with(system, phone, caller)
        if recording != "off" and not at_once:
            await system.hears(caller, system.prompt("recording_announcement"))
            await system.until(lambda: system.is_recorded(caller.user), "recording")
        if not at_once:
            await hears_the_beeps(system, caller)
        await phone.press("hold")
        await phone.calls("held").wait_for()
        await system.hears_music(caller)
        await phone.press("hold")
        await phone.talks()
        await both_are_heard(system, phone, caller)
        await phone.press("hang_up")
        await caller.wait_for("CALL_CLOSED")
        assert phone.complaints == []
