"""The prompts are gone: a caller who hears nothing reaches the team, or leaves a voicemail, all the same."""

from __future__ import annotations

import pytest

from tests.asterisk import ELM, Seam
from tests.talks import hear_each_other
from tests.voicemails import WORDS

pytestmark = pytest.mark.flows


async def test_when_the_prompts_are_gone_then_the_team_rings(system: Seam) -> None:
    (system.config.prompts_folder / "en").unlink()
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await system.dial(caller, ELM)
        await alice.wait_for("CALL_INCOMING", seconds=60)
        await alice.answer()
        await hear_each_other(system, caller, alice)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert call.outcome == "talked"
    assert await system.tasks_of(call) == []


async def test_when_the_prompts_are_gone_and_nobody_is_there_then_a_voicemail_is_taken_after_the_beep(
    system: Seam,
) -> None:
    (system.config.prompts_folder / "en").unlink()
    async with system.caller() as caller:
        await system.dial(caller, ELM)
        await system.until(lambda: bool(system.pbx.recordings), "the caller is being recorded", seconds=60)
        await caller.say(system.spoken(WORDS))
        await system.pass_time(4)
        await caller.hang_up()
        call = await system.ended_call(caller.user)
    assert call.outcome == "left_voicemail"
    assert [task.kind for task in await system.tasks_of(call)] == ["listen"]
