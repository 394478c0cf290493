"""Finds and repairs recordings without a record, and records whose recording is gone.

A voicemail or a recorded talk leaves both a file and a row. If something fails in between, the mismatch is found here:
the app checks what Asterisk has left behind (`facts_of`), and the doctor and `leaseline recordings repair` check
everything.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.domain.calls import Fact, RecordingEnded, RecordingStarted, VoicemailLeft
from crm.services import audit
from crm.services.audit import By
from crm.services.calls import ledger
from crm.services.voicemail import recordings
from crm.store.models import Call, Recording, Voicemail
from crm.store.queries import nodes

GRACE = timedelta(minutes=10)
"""The facts about a file younger than this may still be on their way to the database."""
_NAME = re.compile(rf"[A-Za-z0-9._-]{{1,120}}(\.wav|{re.escape(recordings.PART)})", re.ASCII)
UNKNOWN_MODE = ""
"""Mode of a recorded talk when the app ended just as recording began."""


@dataclass(frozen=True)
class Strays:
    sounds: tuple[str, ...] = ()
    """Names of recordings, in the recordings folder, that no row mentions."""
    voicemails: tuple[str, ...] = ()
    """Ids of calls whose voicemail has lost its file."""
    talks: tuple[str, ...] = ()
    """Ids of recordings of talks whose file is gone."""

    @property
    def lost(self) -> tuple[str, ...]:
        return (*self.voicemails, *self.talks)


async def compare(crm: Crm) -> Strays:
    """Compares all files kept with all rows, by name. 100,000 of each take two seconds."""
    files = await asyncio.to_thread(_files, crm.config)
    voicemails, talks = await crm.store.read(_on_record, crm.config.node)
    strays = files - {row.file for row in voicemails} - {row.file for row in talks}
    return Strays(
        tuple(sorted(Path(name).stem for name in await asyncio.to_thread(_untouched, crm.config, strays, crm.now()))),
        tuple(sorted(row.call_id for row in voicemails if row.is_ours and not row.purged_at and row.file not in files)),
        tuple(
            sorted(
                row.id for row in talks if row.is_ours and not row.deleted_at and row.ended_at and row.file not in files
            )
        ),
    )


def _on_record(session: Session, node: str) -> tuple[Sequence[Any], Sequence[Any]]:
    """The rows of voicemails and of recorded talks. The files of other nodes' calls are on those nodes."""
    ours = nodes.is_ours(Call.node, node).label("is_ours")
    voicemails = select(Voicemail.call_id, Voicemail.file, Voicemail.purged_at, ours)
    talks = select(Recording.id, Recording.file, Recording.deleted_at, Recording.ended_at, ours)
    return session.execute(voicemails.join(Voicemail.call)).all(), session.execute(
        talks.join(Call, Call.id == Recording.call_id)
    ).all()


async def repair(crm: Crm, by: By) -> Strays:
    """Puts stray files on record: one with speech becomes the voicemail of its call or the recording of its talk, the
    rest are deleted. Where the file is gone, the record says so from now on. Returns what was found."""
    found = await compare(crm)
    for name in found.sounds:
        if facts := await asyncio.to_thread(list, facts_of(crm.config, name, by.now)):
            await crm.store.run(ledger.record_all, crm.config, facts, by.now)
    await crm.store.run(_record, by, found)
    return found


def _record(session: Session, by: By, found: Strays) -> None:
    for call_id in found.voicemails:
        if voicemail := session.get(Voicemail, call_id):
            voicemail.purged_at = by.now
            audit.record(session, by, f"voicemail of call {call_id}: its sound is gone")
    for recording_id in found.talks:
        if recording := session.get(Recording, recording_id):
            recording.deleted_at = by.now
            audit.record(session, by, f"recording {recording_id}: its sound is gone")
    for name in found.sounds:
        audit.record(session, by, f"recording {name}, which no call had, put on record")


def facts_of(config: Config, name: str, now: datetime) -> Iterator[Fact]:
    """Moves what Asterisk recorded under this name, wherever it is, into the recordings folder, and yields its facts.

    A voicemail without speech yields nothing. Recording the facts again changes nothing. Blocks.
    """
    call_id = recordings.call_of(name)
    at = recordings.ended_at(config, name) or now
    file = recordings.file_name(name)
    if call_id == name:
        if seconds := recordings.take_voicemail(config, name):
            yield VoicemailLeft(f"{call_id}/message", call_id, at, file=file, seconds=round(seconds))
    elif seconds := recordings.keep(config, name):
        began = at - timedelta(seconds=seconds)
        yield RecordingStarted(f"{call_id}/{name}-started", call_id, began, name, UNKNOWN_MODE, file)
        yield RecordingEnded(f"{call_id}/{name}-ended", call_id, at, name, round(seconds))


def _files(config: Config) -> set[str]:
    """Names of all files kept, including those only half moved."""
    folder = config.recordings_folder
    return {name for name in os.listdir(folder) if _NAME.fullmatch(name)} if folder.is_dir() else set()


def _untouched(config: Config, names: Iterable[str], now: datetime) -> list[str]:
    """The names whose file has not been written to for a while."""
    paths = [config.recordings_folder / name for name in names]
    times = [(path.name, datetime.fromtimestamp(path.stat().st_mtime, UTC)) for path in paths if path.exists()]
    return [name for name, at in times if at < now - GRACE]
