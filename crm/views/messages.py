"""Texts, both ways."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, or_, select, tuple_
from sqlalchemy.orm import Session

from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.errors import NotFound
from crm.store.models import Agent, LeadPhone, Message
from crm.store.queries import reach as reached


class MessageEntry(msgspec.Struct):
    """A text in a person's thread; an outgoing one with its state in the outbox."""

    id: int
    direction: str
    """in: the person wrote it; out: we did."""
    purpose: str
    """inbound, agent, listings_link, missed_call, stop_confirmed, start_confirmed, help or staff."""
    to_number: str
    from_number: str
    body: str
    media: list[str]
    """Links to its attachments (MMS)."""
    segments: int
    """Segments in which it is sent and billed."""
    state: str
    """queued, sending, sent, delivered, failed, blocked, or unknown: it may have been sent, so only a person resends
    it; received for incoming texts."""
    decision: str
    """What the gate decided last: send, wait or block; empty before it was asked, and for incoming texts."""
    decision_reasons: list[str]
    attempts: int
    error: str
    """Why the latest attempt failed; empty when it did not."""
    carrier: str
    """sip, twilio or telnyx; empty before it was sent."""
    carrier_id: str | None
    """The carrier's own id for it."""
    created_at: datetime
    next_attempt_at: datetime | None
    sent_at: datetime | None
    """When it was handed to the carrier; null when the carrier certainly did not accept it."""
    lead: int | None
    call: str | None


_TEXT = select(
    Message.id,
    Message.direction,
    Message.purpose,
    Message.to_number,
    Message.from_number,
    Message.body,
    Message.media,
    Message.segments,
    Message.state,
    Message.decision,
    Message.decision_reasons,
    Message.attempts,
    Message.error,
    Message.carrier,
    Message.carrier_id,
    Message.created_at,
    Message.next_attempt_at,
    Message.sent_at,
    Message.lead_id.label("lead"),
    Message.call_id.label("call"),
)


def listed(
    session: Session,
    *,
    since: datetime | None = None,
    state: str | None = None,
    direction: str | None = None,
    decision: str | None = None,
    unassigned: bool = False,
    lead: int | None = None,
    after: tuple[datetime, int] | None = None,
    limit: int = 50,
    reach: Reach = WHOLE_OFFICE,
) -> list[MessageEntry]:
    """The newest first; `unassigned` are those without a lead. `after` is time and id of the last one on the page
    before."""
    found = _TEXT.where(*reached.of_messages(reach))
    found = found.order_by(Message.created_at.desc(), Message.id.desc()).limit(limit)
    if since is not None:
        found = found.where(Message.created_at >= since)
    if state is not None:
        found = found.where(Message.state == state)
    if direction is not None:
        found = found.where(Message.direction == direction)
    if decision is not None:
        found = found.where(Message.decision == decision)
    if after is not None:
        found = found.where(tuple_(Message.created_at, Message.id) < after)
    if lead is not None:
        found = found.where(Message.lead_id == lead)
    if unassigned:
        found = found.where(Message.lead_id.is_(None))
    return [MessageEntry(**row._mapping) for row in session.execute(found)]


def one(session: Session, message_id: int, reach: Reach = WHOLE_OFFICE) -> MessageEntry:
    """Raises NotFound."""
    row = session.execute(_TEXT.where(Message.id == message_id, *reached.of_messages(reach))).first()
    if row is None:
        raise NotFound(f"There is no text {message_id}.", code="message_unknown", message=message_id)
    return MessageEntry(**row._mapping)


def of_call(session: Session, call_id: str) -> list[MessageEntry]:
    """The texts a call led to, in the order they were written."""
    found = _TEXT.where(Message.call_id == call_id).order_by(Message.id)
    return [MessageEntry(**row._mapping) for row in session.execute(found)]


def ids_of_call(session: Session, call_id: str, reach: Reach = WHOLE_OFFICE) -> list[int]:
    found = select(Message.id).where(Message.call_id == call_id, *reached.of_messages(reach))
    return list(session.scalars(found.order_by(Message.id)))


def thread(
    session: Session, *, lead_id: int | None, number: str | None, limit: int = 50
) -> list[tuple[MessageEntry, str | None]]:
    """A person's latest texts both ways, the oldest of them first, each with the slug of the agent who wrote it.

    The person is a lead, with all their numbers, or whoever has `number` (E.164), or both.
    """
    numbers = {number} if number else set()
    if lead_id is not None:
        numbers |= set(session.scalars(select(LeadPhone.number).where(LeadPhone.lead_id == lead_id)))
    theirs: list[ColumnElement[bool]] = [Message.to_number.in_(numbers), Message.from_number.in_(numbers)]
    if lead_id is not None:
        theirs.append(Message.lead_id == lead_id)
    found = _TEXT.add_columns(Agent.slug).outerjoin(Agent, Agent.id == Message.agent_id).where(or_(*theirs))
    found = found.order_by(Message.created_at.desc(), Message.id.desc()).limit(limit)
    rows = [(MessageEntry(*text), writer) for *text, writer in session.execute(found)]
    return rows[::-1]
