"""The timeline of a lead, and the only way to write to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from crm.domain.leads import Happened
from crm.store.models import Activity, table_of

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
    entry.lead_id, entry.kind, entry.at, entry.text = lead_id, kind, at, _kept(text)
    entry.property_id = about


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What `enter` is given of an entry whose key is new."""

    lead_id: int
    kind: Happened
    text: str
    at: datetime
    key: str
    by: str = ""
    call_id: str | None = None
    about: int | None = None
    """Id of a property; None: the person."""


def enter_new(session: Session, entries: Sequence[NewEntry]) -> None:
    """Adds many at once, in one statement."""
    if entries:
        rows = [
            {
                "lead_id": one.lead_id,
                "kind": one.kind,
                "text": _kept(one.text),
                "at": one.at,
                "key": one.key,
                "by": one.by[:80],
                "call_id": one.call_id,
                "property_id": one.about,
            }
            for one in entries
        ]
        session.connection().execute(insert(table_of(Activity.__tablename__)), rows)


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


def _kept(text: str) -> str:
    # PostgreSQL refuses NUL, and text longer than its column.
    return text.replace("\x00", "")[:LONGEST]


def _named(session: Session, key: str) -> Activity | None:
    return session.scalars(select(Activity).where(Activity.key == key)).first()
