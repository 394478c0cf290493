"""Ids of the channels that listen in on a talk."""

from __future__ import annotations

import uuid

from ari_app.call.call import VOICE_MARK

LISTENS = f"{VOICE_MARK}ear-"
"""In the ids of listeners' channels; as with the voice agent's, no device's name begins like that."""
SNOOP = "-snoop"
"""At the end of the id of a channel with the sound of a talk."""


def listener(call_id: str, device: str) -> str:
    return f"{call_id}{LISTENS}{device}-{uuid.uuid4().hex[:6]}"


def is_listener(channel_id: str) -> bool:
    """Whether it is a listener's phone, or has the sound for it."""
    return LISTENS in channel_id
