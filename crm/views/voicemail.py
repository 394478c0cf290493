"""Voicemails that callers left."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session, aliased

from crm.domain.calls import CallDirection
from crm.domain.errors import NotFound
from crm.domain.mailboxes import OFFICE
from crm.store.models import Agent, Call, Lead, Voicemail


class VoicemailEntry(msgspec.Struct):
    """A voicemail somebody left."""

    id: str
    """Id of its call."""
    mailbox: str
    """agent:SLUG, subteam:SLUG, property:SLUG or office."""
    left_at: datetime
    caller: str | None
    """E.164; null when withheld or unreadable, or for a colleague."""
    caller_digits: str
    """What the caller showed in place of a number; empty: no digits."""
    colleague: str | None
    """Slug of the agent who left it, if it was one of us."""
    name: str | None
    """The lead's, once it is known."""
    lead: int | None
    line: str
    """Our number that was called."""
    seconds: int
    heard_at: datetime | None
    """Null while it is new."""
    taken_by: str | None
    """Slug of the agent who took it."""
    taken_at: datetime | None
    deleted_at: datetime | None
    purged_at: datetime | None
    """When retention deleted audio and transcript."""
    groups_called: int
    """How many groups were called about it."""
    next_group_at: datetime | None
    """When the next group is called; null: nobody else will be."""
    transcript_state: str
    """queued, done, failed, or none when there is no model; empty for old voicemail."""
    transcript: str
    file: str
    """Name in the recordings folder."""


def listed(
    session: Session, *, mailbox: str | None = None, new_only: bool = False, deleted: bool = False, limit: int = 50
) -> list[VoicemailEntry]:
    """The newest first; with `deleted`, the deleted ones instead."""
    found = _VOICEMAIL.order_by(Voicemail.left_at.desc(), Voicemail.call_id.desc()).limit(limit)
    if mailbox == OFFICE:
        found = found.where(Voicemail.mailbox.in_((OFFICE, "")))
    elif mailbox is not None:
        found = found.where(Voicemail.mailbox == mailbox)
    if new_only:
        found = found.where(Voicemail.heard_at.is_(None))
    found = found.where(Voicemail.deleted_at.is_not(None) if deleted else Voicemail.deleted_at.is_(None))
    return _entries(session, found)


def one(session: Session, voicemail_id: str) -> VoicemailEntry:
    """Raises NotFound."""
    found = _entries(session, _VOICEMAIL.where(Voicemail.call_id == voicemail_id))
    if not found:
        raise NotFound("There is no such voicemail.", code="voicemail_unknown")
    return found[0]


def _entries(session: Session, found: Select[Any]) -> list[VoicemailEntry]:
    return [VoicemailEntry(**row._mapping) for row in session.execute(found)]


_TAKER = aliased(Agent)
_VOICEMAIL = (
    select(
        Voicemail.call_id.label("id"),
        func.coalesce(func.nullif(Voicemail.mailbox, ""), OFFICE).label("mailbox"),
        Voicemail.left_at,
        Call.caller,
        Call.caller_digits,
        case((Call.direction == CallDirection.INTERNAL, Agent.slug)).label("colleague"),
        Lead.name,
        Call.lead_id.label("lead"),
        Call.did.label("line"),
        Voicemail.seconds,
        Voicemail.heard_at,
        _TAKER.slug.label("taken_by"),
        Voicemail.taken_at,
        Voicemail.deleted_at,
        Voicemail.purged_at,
        Voicemail.escalation.label("groups_called"),
        Voicemail.escalate_at.label("next_group_at"),
        Voicemail.transcript_state,
        Voicemail.transcript,
        Voicemail.file,
    )
    .join(Call, Call.id == Voicemail.call_id)
    .outerjoin(Agent, Agent.id == Call.agent_id)
    .outerjoin(Lead, Lead.id == Call.lead_id)
    .outerjoin(_TAKER, _TAKER.id == Voicemail.taken_by_id)
)
