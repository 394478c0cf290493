"""Deletes what has been kept long enough: recordings of calls, voicemail with its transcripts, what was said to the
voice agent, spoken sentences.

The rows stay and say when the file was deleted; each deletion is in the audit log. What is held stays
(`talk_recordings`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.services import audit
from crm.services.audit import By
from crm.services.outbox import notices
from crm.services.people import erasing, timeline
from crm.services.phones import spoken
from crm.services.voicemail import talk_recordings
from crm.store.models import AudioHold, Call, Recording, TalkRecord, Voicemail, VoiceTurn
from crm.store.queries import nodes

EVERY_SECONDS = 86400.0
BATCH = 200
"""Rows per transaction, so that other writers get their turn."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Expired:
    """A recording or voicemail that has been kept long enough."""

    kind: str
    """recording, voicemail or voice talk."""
    id: str
    call: str
    at: datetime
    """When the recording or the talk began, or the voicemail was left."""
    file: str
    bytes: int
    """0 when the file no longer exists."""


def expired(session: Session, config: Config, now: datetime, limit: int = 10_000) -> list[Expired]:
    """What `prune` would delete, oldest first: recordings, then voicemails, then talks with the
    voice agent. Each node deletes only its own."""
    ours = nodes.is_ours(Call.node, config.node)
    free = ~exists().where(AudioHold.call_id == Call.id)
    found: list[Expired] = []
    if config.recordings.keep_days:
        old = Recording.started_at < now - timedelta(days=config.recordings.keep_days)
        query = (
            select(Recording)
            .join(Call, Call.id == Recording.call_id)
            .where(Recording.deleted_at.is_(None), old, ours, free)
        )
        query = query.order_by(Recording.started_at)
        found += [
            Expired("recording", row.id, row.call_id, row.started_at, row.file, _size(config, row.file))
            for row in session.scalars(query.limit(limit))
        ]
    if config.voicemail.keep_days:
        old = Voicemail.left_at < now - timedelta(days=config.voicemail.keep_days)
        voicemails = select(Voicemail).join(Voicemail.call).where(Voicemail.purged_at.is_(None), old, ours, free)
        voicemails = voicemails.order_by(Voicemail.left_at)
        found += [
            Expired("voicemail", row.call_id, row.call_id, row.left_at, row.file, _size(config, row.file))
            for row in session.scalars(voicemails.limit(limit))
        ]
    if config.ai.keep_days:
        old = TalkRecord.started_at < now - timedelta(days=config.ai.keep_days)
        talks = select(TalkRecord).join(TalkRecord.call).where(TalkRecord.purged_at.is_(None), old, ours, free)
        found += [
            Expired("voice talk", row.call_id, row.call_id, row.started_at, "", 0)
            for row in session.scalars(talks.order_by(TalkRecord.started_at).limit(limit))
        ]
    return found


async def prune(crm: Crm, by: By) -> list[Expired]:
    """Deletes what has expired and returns it. The file goes first, so a row that says it is gone is always right."""
    gone: list[Expired] = []
    while batch := await crm.store.read(expired, crm.config, by.now, BATCH):
        for one in batch:
            if path := _path(crm.config, one.file):
                await asyncio.to_thread(path.unlink, missing_ok=True)
        await crm.store.run(_record, by, batch)
        gone += batch
    return gone


def _record(session: Session, by: By, gone: Sequence[Expired]) -> None:
    for one in gone:
        if one.kind == "recording":
            if recording := session.get(Recording, one.id):
                talk_recordings.forget(session, by, recording, "kept long enough")
        elif one.kind == "voice talk":
            if talk := session.get(TalkRecord, one.id):
                talk.purged_at, talk.state = by.now, ""
                session.execute(update(VoiceTurn).where(VoiceTurn.call_id == one.id).values(text=""))
                timeline.withdraw(session, timeline.voice_key(one.id))
        elif voicemail := session.get(Voicemail, one.id):
            voicemail.purged_at, voicemail.transcript = by.now, ""
            voicemail.deleted_at = voicemail.deleted_at or by.now
            voicemail.escalate_at = None
            timeline.withdraw(session, timeline.transcript_key(one.id))
        audit.record(session, by, f"{one.kind} of {one.at:%Y-%m-%d}, call {one.call}, deleted by retention")


async def look(crm: Crm) -> None:
    await crm.store.run(notices.forget, crm.now())
    gone = await prune(crm, By("retention", crm.now()))
    sentences = await asyncio.to_thread(spoken.prune, crm.config)
    # What an erasure had no time for.
    left = await erasing.finish(crm)
    log.info("retention", extra={"deleted": len(gone), "sentences": sentences, "left_of_erasures": left})


def _path(config: Config, file: str) -> Path | None:
    """The file's path, never outside the recordings folder, whatever the row says."""
    return config.recordings_folder / Path(file).name if Path(file).name else None


def _size(config: Config, file: str) -> int:
    path = _path(config, file)
    try:
        return path.stat().st_size if path else 0
    except OSError:
        return 0
