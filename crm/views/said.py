"""What was said and done in a call's talk with the voice agent, beside the recording of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.store.models import TalkRecord, VoiceTurn
from crm.views.calls import CiteEntry
from crm.views.recordings import RecordingRow


class SaidEntry(msgspec.Struct):
    """Something that was said or done."""

    at: datetime
    who: str
    """caller; agent: the voice agent; keys: the caller, by key; or act: something was done."""
    text: str
    """Empty once it was deleted."""
    confidence: float | None
    cites: list[CiteEntry]
    """Kind, id and version of the rows that it comes from."""
    result: str
    recording: str = ""
    """Id of the recording in which it can be heard; empty: in none."""
    second: float = 0.0
    """Of that recording."""


def turns(session: Session, call_id: str, recordings: Iterable[RecordingRow]) -> list[SaidEntry]:
    began = session.scalar(select(TalkRecord.started_at).where(TalkRecord.call_id == call_id))
    if began is None:
        return []
    found = select(VoiceTurn).where(VoiceTurn.call_id == call_id).order_by(VoiceTurn.number, VoiceTurn.started)
    sounds = list(recordings)
    entries = []
    for turn in session.scalars(found):
        at = began + timedelta(seconds=turn.started)
        entry = SaidEntry(
            at, turn.who, turn.text, turn.confidence, [CiteEntry(*one) for one in turn.cites], turn.result
        )
        for sound in sounds:
            second = (at - sound.started_at).total_seconds()
            if 0 <= second <= sound.seconds:
                entry.recording, entry.second = sound.id, second
                break
        entries.append(entry)
    return entries
