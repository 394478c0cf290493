"""Whoever answers hears what the call is about, and presses a key to take it or pass.

A mobile's voicemail or a call-screening robot also answers, and may even talk: only a digit counts as an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from enum import StrEnum
from pathlib import Path

from ari_app.edge.channel import Handle, LeftTheApp
from ari_app.edge.errors import HungUp
from ari_app.edge.media import hush, prompt

PAUSE_SECONDS = 2.5
"""Between the end of a whisper and its repetition, so that somebody who has only just picked up hears all of it."""


class ConfirmChoice(StrEnum):
    """What whoever answered wants; the values are the keys to press."""

    CONNECT = "1"
    PASS = "2"
    LATER = "3"
    NOTHING = ""
    """They pressed no such key in time, or hung up."""


async def confirm(
    channel: Handle,
    sounds: list[Path],
    seconds: float,
    offered: Collection[ConfirmChoice] = (ConfirmChoice.CONNECT, ConfirmChoice.PASS, ConfirmChoice.LATER),
) -> ConfirmChoice:
    """Plays a whisper repeatedly until one of the offered keys is pressed or `seconds` have passed.

    Any other key restarts the whisper. Raises LeftTheApp if Asterisk has taken the channel back, and MediaLost if a
    file cannot be played.
    """
    try:
        async with asyncio.timeout(seconds):
            while (key := await prompt(channel, sounds, PAUSE_SECONDS)) not in offered:
                pass
    except TimeoutError:
        await hush(channel)
        return ConfirmChoice.NOTHING
    except LeftTheApp:
        raise
    except HungUp:
        return ConfirmChoice.NOTHING
    return ConfirmChoice(key)
