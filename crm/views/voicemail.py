"""Voicemails that callers left."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, case, func, select, tuple_
from sqlalchemy.orm import Session, aliased

from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.calls import CallDirection
from crm.domain.errors import NotFound
from crm.domain.mailboxes import OFFICE
from crm.store.models import Agent, Call, Lead, Line, Voicemail
from crm.store.queries import reach as reached


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
    session: Session,
    *,
    mailbox: str | None = None,
    new_only: bool = False,
    deleted: bool = False,
    after: tuple[datetime, str] | None = None,
    limit: int = 50,
    reach: Reach = WHOLE_OFFICE,
    boxes: Collection[str] | None = None,
    own: str = "",
) -> list[VoicemailEntry]:
    """The newest first; with `deleted`, the deleted ones instead.

    `after` is time and id of the last one on the page before. `boxes` are the mailboxes that somebody may listen to;
    None: all. Their reach counts in all of them but their `own`.
    """
    found = select(Voicemail.call_id).where(*_within(reach, boxes, own))
    if after is not None:
        found = found.where(tuple_(Voicemail.left_at, Voicemail.call_id) < after)
    if mailbox == OFFICE:
        found = found.where(Voicemail.mailbox.in_((OFFICE, "")))
    elif mailbox is not None:
        found = found.where(Voicemail.mailbox == mailbox)
    if new_only:
        found = found.where(Voicemail.heard_at.is_(None))
    found = found.where(Voicemail.deleted_at.is_not(None) if deleted else Voicemail.deleted_at.is_(None))
    newest = Voicemail.left_at.desc(), Voicemail.call_id.desc()
    # By themselves first: of the join, SQLite begins with the calls when there has been no voicemail yet.
    ids = found.order_by(*newest).limit(limit)
    entries = _entries(session, _VOICEMAIL.where(Voicemail.call_id.in_(ids)))
    return sorted(entries, key=lambda one: (one.left_at, one.id), reverse=True)


def one(
    session: Session,
    voicemail_id: str,
    reach: Reach = WHOLE_OFFICE,
    boxes: Collection[str] | None = None,
    own: str = "",
) -> VoicemailEntry:
    """With `reach`, `boxes` and `own` as in `listed`. Raises NotFound."""
    found = _entries(session, _VOICEMAIL.where(Voicemail.call_id == voicemail_id, *_within(reach, boxes, own)))
    if not found:
        raise NotFound("There is no such voicemail.", code="voicemail_unknown")
    return found[0]


def _within(reach: Reach, boxes: Collection[str] | None, own: str) -> Iterator[ColumnElement[bool]]:
    """Those that somebody may hear."""
    if boxes is not None:
        yield func.coalesce(func.nullif(Voicemail.mailbox, ""), OFFICE).in_(boxes)
    yield from reached.of_voicemails(reach, own)


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
    .outerjoin(Line, Line.id == Call.line_id)
    .outerjoin(Agent, Agent.id == Call.agent_id)
    .outerjoin(Lead, Lead.id == Call.lead_id)
    .outerjoin(_TAKER, _TAKER.id == Voicemail.taken_by_id)
)
