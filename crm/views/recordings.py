"""Stored audio: recordings of talks, and what deletes and checks it."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from crm.config import Config
from crm.store.models import Agent, AudioHold, Call, Lead, Leg, Line, Recording


class RecordingRow(msgspec.Struct):
    """A recording of a talk."""

    id: str
    call: str
    started_at: datetime
    seconds: int
    direction: str
    """in, out, or internal between colleagues."""
    caller: str | None
    """The outside person, E.164; null when withheld or unreadable, or for a colleague."""
    name: str | None
    """The lead's."""
    lead: int | None
    agent: str | None
    """Slug of the agent who answered first, or placed the call."""
    line: str | None
    """Our number."""
    mode: str
    """announced, or demand: an agent keyed the code."""
    file: str
    """Name in the recordings folder."""
    bytes: int
    """Size of the file; 0: it is gone, or on another node."""
    held_at: datetime | None
    """Since when it may not be deleted; null: it is not held."""
    held_by: str | None
    held_why: str | None
    deleted_at: datetime | None
    deleted_by: str
    deleted_why: str
    transcript: str


class ExportedRecording(msgspec.Struct):
    """A line of the index of an export."""

    file: str
    recording: str
    call: str
    started: str
    seconds: int
    number: str
    name: str
    lead: int | None
    agent: str
    line: str
    held: str
    transcript: str


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


_FIRST = aliased(Leg)
_ANSWERED = (
    select(func.min(Agent.slug))
    .join(Leg, Leg.agent_id == Agent.id)
    .where(
        Leg.call_id == Call.id,
        Leg.answered_at
        == select(func.min(_FIRST.answered_at)).where(_FIRST.call_id == Call.id).correlate(Call).scalar_subquery(),
    )
    .correlate(Call)
    .scalar_subquery()
)
_PLACED = select(Agent.slug).where(Agent.id == Call.agent_id).correlate(Call).scalar_subquery()
_RECORDING = (
    select(
        Recording.id,
        Recording.call_id.label("call"),
        Recording.started_at,
        Recording.seconds,
        Call.direction,
        Call.caller,
        func.nullif(Lead.name, "").label("name"),
        Call.lead_id.label("lead"),
        func.coalesce(_PLACED, _ANSWERED).label("agent"),
        func.coalesce(Line.number, Call.did).label("line"),
        Recording.mode,
        Recording.file,
        AudioHold.since.label("held_at"),
        AudioHold.by.label("held_by"),
        AudioHold.why.label("held_why"),
        Recording.deleted_at,
        Recording.deleted_by,
        Recording.deleted_why,
        Recording.transcript,
    )
    .join(Call, Call.id == Recording.call_id)
    .outerjoin(Lead, Lead.id == Call.lead_id)
    .outerjoin(Line, Line.id == Call.line_id)
    .outerjoin(AudioHold, AudioHold.call_id == Recording.call_id)
)


def listed(
    session: Session,
    config: Config,
    *,
    ids: list[str] | None = None,
    call: str | None = None,
    lead: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    held: bool = False,
    deleted: bool = False,
    limit: int | None = 50,
) -> list[RecordingRow]:
    """The newest first; with `deleted`, those that were deleted instead. `limit` of None gives all."""
    found = _RECORDING.order_by(Recording.started_at.desc(), Recording.id.desc()).limit(limit)
    found = found.where(Recording.deleted_at.is_not(None) if deleted else Recording.deleted_at.is_(None))
    if ids is not None:
        found = found.where(Recording.id.in_(ids))
    if call is not None:
        found = found.where(Recording.call_id == call)
    if lead is not None:
        found = found.where(Call.lead_id == lead)
    if since is not None:
        found = found.where(Recording.started_at >= since)
    if until is not None:
        found = found.where(Recording.started_at < until)
    if held:
        found = found.where(AudioHold.call_id.is_not(None))
    return [RecordingRow(**row._mapping, bytes=_size(config, row.file)) for row in session.execute(found)]


def _size(config: Config, file: str) -> int:
    try:
        return (config.recordings_folder / file.rpartition("/")[2]).stat().st_size if file else 0
    except OSError:
        return 0
