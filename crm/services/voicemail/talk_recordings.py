"""Recordings of talks as people use them: listened to, exported, deleted, held. Each of these is in the audit log.

A hold is on a call: its recordings, its voicemail and what was said to the voice agent stay as long as it lasts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields
from crm.domain.errors import Conflict, NotFound
from crm.domain.mailboxes import TranscriptState
from crm.services import audit
from crm.services.audit import By
from crm.services.people import timeline
from crm.store.models import AudioHold, Call, Recording
from crm.store.queries import nodes


def path_of(config: Config, file: str) -> Path:
    """Never outside of the recordings folder, whatever the row says."""
    return config.recordings_folder / (Path(file).name or "-")


def named(session: Session, id: str) -> Sequence[Recording]:
    """The recording of that id, or all of a call. Raises NotFound."""
    wanted = fields.text(id, "recording's id", 120, required=True)
    which = or_(Recording.id == wanted, Recording.call_id == wanted)
    found = session.scalars(select(Recording).where(which).order_by(Recording.started_at, Recording.id)).all()
    if not found:
        raise NotFound(f"There is no recording {wanted}.", code="talk_recording_unknown", recording=wanted)
    return found


def to_use(session: Session, config: Config, id: str) -> Sequence[Recording]:
    """Those of `named` whose audio is here. Raises NotFound, and Conflict with the reason when there is none."""
    found = named(session, id)
    there = [one for one in found if not one.deleted_at and path_of(config, one.file).is_file()]
    if there:
        return there
    one = found[0]
    if one.deleted_at:
        who = f" by {one.deleted_by}" if one.deleted_by else ""
        raise Conflict(f"Recording {one.id} was deleted on {one.deleted_at:%Y-%m-%d}{who}.", code="recording_deleted")
    _refuse_elsewhere(session, config, one)
    if one.ended_at is None:
        raise Conflict(f"Recording {one.id} has not ended yet.", code="recording_unfinished")
    raise Conflict(f"The audio of recording {one.id} is gone.", code="recording_gone")


def note_use(session: Session, by: By, used: Sequence[tuple[str, str]], what: str) -> None:
    """Enters into the audit log that recordings, each with its call, were listened to or exported."""
    for id, call in used:
        audit.record(session, by, f"recording {id} of call {call} {what}")


def to_hear_by_phone(session: Session, config: Config, id: str) -> Sequence[Recording]:
    """Those of `to_use`, to be played on a phone, where anybody may pick up. Raises as that does, and Conflict for
    audio that is held."""
    found = to_use(session, config, id)
    for one in found:
        _refuse_held(session, one)
    return found


def check_deletable(session: Session, config: Config, id: str) -> Sequence[Recording]:
    """The recordings that `delete` would delete. Raises NotFound; Conflict when they are held, deleted, not over or on
    another machine."""
    found = to_use(session, config, id)
    for one in found:
        _refuse_elsewhere(session, config, one)
        _refuse_held(session, one)
        if one.ended_at is None:
            raise Conflict(f"Recording {one.id} has not ended yet.", code="recording_unfinished")
    return found


def delete(session: Session, config: Config, by: By, id: str, why: str) -> list[str]:
    """Deletes audio and transcript, and returns the recordings' ids. The row stays and says who did it, when and why.

    The file goes first, so that a row that says it is gone is always right. Raises as `check_deletable`.
    """
    why = fields.text(why, "reason", 300, required=True)
    found = check_deletable(session, config, id)
    for one in found:
        path_of(config, one.file).unlink(missing_ok=True)
        forget(session, by, one, why)
        audit.record(session, by, f"recording {one.id} of call {one.call_id} deleted: {why}")
    return [one.id for one in found]


def forget(session: Session, by: By, recording: Recording, why: str) -> None:
    """Writes down that the file is gone, and lets go of what was said."""
    recording.deleted_at, recording.deleted_by, recording.deleted_why = by.now, by.who[:80], why[:300]
    recording.transcript, recording.summary = "", ""
    if recording.transcript_state == TranscriptState.QUEUED:
        recording.transcript_state = TranscriptState.NONE
    timeline.withdraw(session, timeline.talk_key(recording.id))


def hold(session: Session, by: By, id: str, why: str) -> str:
    """Keeps the audio of a call, named by its id or that of a recording, and returns the call's id.

    Raises NotFound, and Conflict if it is held already.
    """
    why = fields.text(why, "reason", 300, required=True)
    call = _call(session, id)
    if (known := session.get(AudioHold, call)) is not None:
        raise Conflict(
            f"The audio of call {call} is held already, since {known.since:%Y-%m-%d} by {known.by}.",
            code="recording_held_already",
        )
    session.add(AudioHold(call_id=call, since=by.now, by=by.who[:80], why=why))
    audit.record(session, by, f"recordings of call {call} held: {why}")
    return call


def release(session: Session, by: By, id: str, why: str) -> str:
    """Ends a hold, and returns the call's id. Raises NotFound, and Conflict if the call's audio is not held."""
    why = fields.text(why, "reason", 300, required=True)
    call = _call(session, id)
    if (known := session.get(AudioHold, call)) is None:
        raise Conflict(f"The audio of call {call} is not held.", code="recording_not_held")
    session.delete(known)
    audit.record(session, by, f"recordings of call {call} no longer held: {why}")
    return call


def _call(session: Session, id: str) -> str:
    wanted = fields.text(id, "recording's id", 120, required=True)
    of_recording = session.scalar(select(Recording.call_id).where(Recording.id == wanted))
    found = of_recording or session.scalar(select(Call.id).where(Call.id == wanted))
    if found is None:
        raise NotFound(f"There is no call or recording {wanted}.", code="talk_recording_unknown", recording=wanted)
    return found


def _refuse_held(session: Session, recording: Recording) -> None:
    if hold := session.get(AudioHold, recording.call_id):
        raise Conflict(
            f"The audio of call {recording.call_id} is held since {hold.since:%Y-%m-%d} by {hold.by}: {hold.why}.",
            code="recording_held",
            call=recording.call_id,
        )


def _refuse_elsewhere(session: Session, config: Config, recording: Recording) -> None:
    ours = session.scalar(select(Call.id).where(Call.id == recording.call_id, nodes.is_ours(Call.node, config.node)))
    if ours is None:
        node = session.scalar(select(Call.node).where(Call.id == recording.call_id))
        raise Conflict(f"Recording {recording.id} is on node {node}: do it there.", code="recording_elsewhere")
