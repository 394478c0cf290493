"""Sound that is kept, as what looks after it tells of it."""

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
    """0: the file is gone already."""


class StrayEntry(msgspec.Struct):
    """Audio without a record, or a record without its audio."""

    kind: str
    """sound: it belongs to no call. voicemail, talk: its audio is gone."""
    name: str
    """Of the recording; a voicemail has its call's id."""
