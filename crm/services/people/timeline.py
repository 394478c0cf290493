"""What happened with a lead, in order: the only way in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain.leads import Happened
from crm.store.models import Activity

LONGEST = 12_000
"""Characters of an entry."""


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
    """Enters what happened, `about` a property (its id), or the person.

    The same `key` is the same entry, which then says what it is given last; `is_new`: there is none with that key, so
    nobody looks.
    """
    entry = None if is_new else _named(session, key)
    if entry is None:
        entry = Activity(key=key, call_id=call_id, by=by[:80])
        session.add(entry)
    # PostgreSQL refuses NUL, and text longer than its column.
    entry.lead_id, entry.kind, entry.at, entry.text = lead_id, kind, at, text.replace("\x00", "")[:LONGEST]
    entry.property_id = about


def transcript_key(call_id: str) -> str:
    """The entry that says what the voicemail of a call says."""
    return f"transcript:{call_id}"


def talk_key(recording_id: str) -> str:
    """The entry that says what was said in a recorded talk."""
    return f"talk:{recording_id}"


def voice_key(call_id: str) -> str:
    """The entry that says what was said in a call's talk with the voice agent."""
    return f"voice:{call_id}"


def withdraw(session: Session, key: str) -> None:
    """Takes an entry back that was never this lead's."""
    if entry := _named(session, key):
        session.delete(entry)


def _named(session: Session, key: str) -> Activity | None:
    return session.scalars(select(Activity).where(Activity.key == key)).first()
