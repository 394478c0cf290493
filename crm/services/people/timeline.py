"""The timeline of a lead, and the only way to write to it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain.leads import Happened
from crm.store.models import Activity

LONGEST = 12_000
"""Characters per entry."""


def enter(
    session: Session,
    lead_id: int,
    kind: Happened,
    text: str,
    at: datetime,
    *,
    key: str,
    call_id: str | None = None,
    about: int | None = None,
    by: str = "",
    is_new: bool = False,
) -> None:
    """Adds an entry, `about` a property (its id) or the person.

    An entry with the same `key` is overwritten. `is_new`: none has that key, so it is not looked up.
    """
    entry = None if is_new else _named(session, key)
    if entry is None:
        entry = Activity(key=key, call_id=call_id, by=by[:80])
        session.add(entry)
    # PostgreSQL refuses NUL, and text longer than its column.
    entry.lead_id, entry.kind, entry.at, entry.text = lead_id, kind, at, text.replace("\x00", "")[:LONGEST]
    entry.property_id = about


def transcript_key(call_id: str) -> str:
    """Key of the entry with the transcript of a call's voicemail."""
    return f"transcript:{call_id}"


def talk_key(recording_id: str) -> str:
    """Key of the entry with the transcript of a recorded talk."""
    return f"talk:{recording_id}"


def voice_key(call_id: str) -> str:
    """Key of the entry with the transcript of a call's talk with the voice agent."""
    return f"voice:{call_id}"


def withdraw(session: Session, key: str) -> None:
    """Removes an entry that never belonged to this lead."""
    if entry := _named(session, key):
        session.delete(entry)


def _named(session: Session, key: str) -> Activity | None:
    return session.scalars(select(Activity).where(Activity.key == key)).first()
