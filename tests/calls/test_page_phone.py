"""The phone in the console's page, with a real browser at one end and a real SIP phone at the other."""

from __future__ import annotations

import numpy as np
import pytest

from ari_app.demo import listening
from ari_app.demo.softphone import Softphone
from tests.busy import only_on_duty
from tests.page_phone import console, page_phone
from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def hears_the_beeps(system: System, phone: Softphone) -> None:
    """Chromium's own microphone beeps once a second."""
    before = len(listening.read(phone.heard)) if phone.heard.exists() else 0

    def is_so() -> bool:
        heard = listening.read(phone.heard)[before:]
        return len(heard) > 0 and float(np.abs(heard).max()) > listening.LOUD

    await system.until(is_so, f"{phone.user} hears beeps")


async def test_a_call_rings_in_the_page_and_both_hear_each_other(system: System) -> None:
    await only_on_duty(system, "alice")
    async with console(system) as url, page_phone(system, url) as phone, system.caller() as caller:
        await system.to_team(caller)
        await phone.rings()
        await phone.page.screenshot(path="/tmp/phone_ring.png")
        await phone.press("answer")
        await phone.talks()
        await hears_the_beeps(system, caller)
        await caller.say(system.config.prompt("whisper_keys", "en"))
        await phone.hears_something()
        await phone.page.screenshot(path="/tmp/phone_talk.png")
        print("TEXT", await phone.page.locator('[data-part="calls"]').inner_text())
        await phone.press("hold")
        await phone.calls("held").wait_for()
        print([(c["name"],c["state"]) for c in await system.ari("/channels")])
        await phone.page.screenshot(path="/tmp/phone_hold.png")
        try:
            await system.hears_music(caller)
        except AssertionError as e:
            print("NO MUSIC", e)
            import subprocess
            print(subprocess.run(f"grep -rn -i 'hold' {system.config.home}/log/* | tail -20", shell=True, capture_output=True, text=True).stdout[-3000:])
        await caller.hang_up()
        await phone.is_free()
        print(phone.complaints)
    assert 0
