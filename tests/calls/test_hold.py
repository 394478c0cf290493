"""A phone puts the caller on hold: they hear music."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from ari_app.demo.softphone import SoftphoneError
from crm.services.office import properties
from tests.system import System
from tests.talks import QUESTION, connect, says_to

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("recording", ["off", "announced"])
async def test_when_the_agent_holds_the_call_then_the_caller_hears_music_and_then_the_agent_again(
    system: System, recording: str
) -> None:
    """Also in a talk that is recorded, where Asterisk does not pass the hold on by itself."""
    await system.store.run(properties.change, system.by, "elm", recording=recording)
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await connect(system, caller, alice)
        if recording != "off":
            await system.hears(caller, system.prompt("recording_announcement"))
            await system.until(lambda: system.is_recorded(caller.user), "recording")
        await alice.command("hold")
        await system.hears_music(caller)
        with contextlib.suppress(TimeoutError, SoftphoneError):
            # baresip 1.1.0 does it, but answers with an error, or nothing on its control channel any more.
            async with asyncio.timeout(1):
                await alice.command("resume")
        await says_to(system, caller, alice, QUESTION)
        await caller.hang_up()
        await system.ended_call(caller.user)
