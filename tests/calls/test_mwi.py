"""The message lamp, as it goes over the wire: NOTIFY with a message summary (RFC 3842), unasked."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import aiohttp
import pytest
import pytest_asyncio

from crm.services.audit import By
from crm.services.voicemail import mailboxes
from tests.page_phone import console, cookie_of, signed_in
from tests.scripted_phone import ScriptedPhone, scripted_phone
from tests.system import System
from tests.voicemails import leave_voicemail, without_voicemails

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def no_voicemails(system: System) -> None:
    await without_voicemails(system.store)


def lamp(phone: ScriptedPhone) -> str:
    """What the phone was told last: 'yes 1/0' is lit, one new and no old voicemail; "" nothing yet."""
    told = phone.received("NOTIFY")
    if not told:
        return ""
    waiting = re.search(r"Messages-Waiting: (\w+)", told[-1])
    counts = re.search(r"Voice-Message: (\d+)/(\d+)", told[-1])
    assert waiting
    return f"{waiting[1]} {counts[1]}/{counts[2]}" if counts else waiting[1]


async def test_the_lamp_follows_what_is_new_heard_and_deleted(system: System) -> None:
    async with scripted_phone(system, "alice-desk", "ring") as phone:

        async def shows(what: str) -> None:
            await system.until(lambda: lamp(phone) == what, f"the lamp shows {what}, not {lamp(phone)}", seconds=60)

        await shows("no 0/0")
        first = await leave_voicemail(system)
        await shows("yes 1/0")
        await leave_voicemail(system, mailbox="agent:alice")
        await shows("yes 2/0")
        await leave_voicemail(system, mailbox="agent:carol")
        await system.store.run(mailboxes.heard, first, datetime.now(UTC))
        await shows("yes 1/1")
        await system.store.run(mailboxes.delete, By("tests", datetime.now(UTC)), first)
        await shows("yes 1/0")


async def test_a_phone_that_registers_is_told_at_once_and_after_every_restart(system: System) -> None:
    await leave_voicemail(system)
    async with scripted_phone(system, "alice-desk", "ring") as phone:
        await system.until(lambda: lamp(phone) == "yes 1/0", "lit", seconds=60)
    async with scripted_phone(system, "alice-desk", "ring") as phone:
        await system.until(lambda: lamp(phone) == "yes 1/0", "lit after it registered again", seconds=60)
    await system.kill_app()
    await leave_voicemail(system)
    await system.asterisk.stop()
    await system.asterisk.start()
    await system.start_app()
    async with scripted_phone(system, "bob-desk", "ring") as phone:
        await system.until(lambda: lamp(phone) == "yes 2/0", "lit after Asterisk and the app were away", seconds=30)


async def test_the_lamp_goes_out_when_the_voicemail_is_heard_in_the_console(system: System) -> None:
    async with scripted_phone(system, "carol-soft", "ring") as phone, console(system) as url:
        await system.until(lambda: lamp(phone) == "no 0/0", "out at first", seconds=30)
        voicemail_id = await leave_voicemail(system, mailbox="agent:carol")
        await system.until(lambda: lamp(phone) == "yes 1/0", "lit", seconds=30)
        token, _ = signed_in(system, "carol")
        async with (
            aiohttp.ClientSession(cookies={cookie_of(url): token}) as browser,
            browser.get(f"{url}/voicemail/{voicemail_id}/sound") as sound,
        ):
            assert (sound.status, len(await sound.read()) > 1000) == (200, True)
        await system.until(lambda: lamp(phone) == "no 0/1", f"out, not {lamp(phone)}", seconds=60)
