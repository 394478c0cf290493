"""Stored audio, as reported by what deletes and checks it."""

from __future__ import annotations

from datetime import datetime

import msgspec


class ExpiredEntry(msgspec.Struct):
    """Audio that has been kept long enough."""

    kind: str
    """recording or voicemail."""
    call: str
    at: datetime
    file: str
    bytes: int
    """Size of the file; 0: it is gone already."""


class StrayEntry(msgspec.Struct):
    """Audio without a record, or a record without its audio."""

    kind: str
    """sound: audio that belongs to no call. voicemail, talk: the audio is gone."""
    name: str
    """Name of the recording; for a voicemail, the id of its call."""
