"""What came in other than by call or text, and what became of it."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.store.models import ArrivalRecord


class ArrivalEntry(msgspec.Struct, frozen=True):
    """Something that came in."""

    id: int
    received_at: datetime
    channel: str
    """How it came, such as mail:imap or form:question."""
    outcome: str
    """lead, answer, notice, automatic, bounce, own or unreadable; empty: it is not read yet."""
    lead: int | None
    """Whose it is."""
    parser: str
    """What read it, with its version, such as "plain 1"."""
    problem: str
    """Why it could not be read; empty: it was."""
    file: str
    """Where an email is, as it came, within the folder `mails` of the home; empty: it is no email."""


def listed(session: Session, *, problems: bool, since: datetime | None, limit: int) -> list[ArrivalEntry]:
    """Newest first; `problems`: only what could not be read."""
    found = select(ArrivalRecord).order_by(ArrivalRecord.received_at.desc(), ArrivalRecord.id.desc()).limit(limit)
    if problems:
        found = found.where(ArrivalRecord.problem != "")
    if since is not None:
        found = found.where(ArrivalRecord.received_at >= since)
    return [_entry(one) for one in session.scalars(found)]


def one(session: Session, id: int) -> ArrivalEntry | None:
    found = session.get(ArrivalRecord, id)
    return _entry(found) if found else None


def _entry(one: ArrivalRecord) -> ArrivalEntry:
    file = str(one.raw.get("file", ""))
    return ArrivalEntry(
        id=one.id,
        received_at=one.received_at,
        channel=one.channel,
        outcome=one.outcome,
        lead=one.lead_id,
        parser=f"{one.parser} {one.parser_version}",
        problem=one.problem,
        file=f"{file[:2]}/{file}.eml" if file else "",
    )
