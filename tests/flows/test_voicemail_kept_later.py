"""The folder of recordings cannot be written to: what callers say is kept as soon as it can."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from crm.services.voicemail import recordings
from tests.asterisk import ELM, Seam
from tests.voicemails import WORDS

pytestmark = pytest.mark.flows


async def test_when_the_folder_of_recordings_is_read_only_then_a_voicemail_is_kept_as_soon_as_it_is_not(
    system: Seam, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: Any) -> Path:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    async with system.caller() as caller:
        with monkeypatch.context() as patch:
            patch.setattr(recordings.shutil, "move", refuses)
            await system.to_team(caller, ELM)
            await system.until(lambda: bool(system.pbx.recordings), "the caller is being recorded", seconds=60)
            await caller.say(system.spoken(WORDS))
            await system.pass_time(4)
            await caller.hang_up()
            call = await system.ended_call(caller.user)
            assert call.outcome == "gave_up"
            assert [task.kind for task in await system.tasks_of(call)] == ["call_back"]

        async def is_kept() -> bool:
            return (await system.call_from(caller.user)).outcome == "left_voicemail"

        await system.until(is_kept, "the voicemail is on record", seconds=30)
        call = await system.call_from(caller.user)
        assert [task.kind for task in await system.tasks_of(call)] == ["listen"]
    assert call.voicemail
    assert (system.config.recordings_folder / call.voicemail.file).exists()
