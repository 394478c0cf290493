"""Emails out and in, as they are listed and shown."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain.errors import NotFound
from crm.store.models import Agent, ArrivalRecord, Mail, MailAttachment, MailThread


class MailEntry(msgspec.Struct):
    """An email."""

    id: int
    created_at: datetime
    direction: str
    """out or in."""
    purpose: str
    """notice, personal, news or inbound."""
    lead: int | None
    """Whom it was sent to, or came from; null: no lead."""
    from_address: str
    """Who wrote it; empty: we did."""
    to_address: str
    subject: str
    state: str
    """queued, sending, sent, failed, unknown or blocked; of one that came in: received."""
    attempts: int
    error: str
    """Why it was not sent, or came back; empty: nothing went wrong."""
    sent_at: datetime | None
    next_attempt_at: datetime | None
    voicemail: str | None
    """The voicemail whose audio is attached."""


class AttachmentEntry(msgspec.Struct):
    """A file that came with an email."""

    position: int
    """From 1; `leaseline mail save` takes it."""
    name: str
    """As the sender calls it."""
    kind: str
    """MIME type, by what is in it."""
    size: int
    """Bytes."""


class MailDetail(MailEntry, kw_only=True):
    """An email with its words."""

    from_name: str
    agent: str
    """Slug of who wrote it; empty: nobody of the office."""
    thread: int | None
    """Emails on the same topic have the same; null: it has none."""
    message_id: str
    body: str
    """Of one that came in: what is new in it."""
    html: str
    """The same as HTML, cleaned of scripts, styles and pictures; empty: there is none."""
    file: str
    """Where it is as it came in, within the folder `mails` of the home; empty: it did not come in."""
    attachments: list[AttachmentEntry]


_COLUMNS = (
    Mail.id,
    Mail.created_at,
    Mail.direction,
    Mail.purpose,
    Mail.lead_id.label("lead"),
    Mail.from_address,
    Mail.to_address,
    Mail.subject,
    Mail.state,
    Mail.attempts,
    Mail.error,
    Mail.sent_at,
    Mail.next_attempt_at,
    Mail.voicemail_id.label("voicemail"),
)


def listed(
    session: Session,
    *,
    state: str | None = None,
    direction: str | None = None,
    lead: int | None = None,
    limit: int = 50,
) -> list[MailEntry]:
    """Newest first."""
    found = select(*_COLUMNS).order_by(Mail.created_at.desc(), Mail.id.desc()).limit(limit)
    if state:
        found = found.where(Mail.state == state)
    if direction:
        found = found.where(Mail.direction == direction)
    if lead is not None:
        found = found.where(Mail.lead_id == lead)
    return [MailEntry(**row._mapping) for row in session.execute(found)]


def one(session: Session, id: int) -> MailDetail:
    """Raises NotFound."""
    found = (
        select(*_COLUMNS, Mail.from_name, Agent.slug, MailThread.id, Mail.message_id, Mail.body, Mail.html)
        .add_columns(ArrivalRecord.raw)
        .outerjoin(Agent, Agent.id == Mail.agent_id)
        .outerjoin(MailThread, MailThread.id == Mail.thread_id)
        .outerjoin(ArrivalRecord, ArrivalRecord.id == Mail.arrival_id)
        .where(Mail.id == id)
    )
    row = session.execute(found).first()
    if row is None:
        raise NotFound(f"There is no email {id}.", code="mail_unknown")
    *columns, from_name, agent, thread, message_id, body, html, raw = row
    file = str((raw or {}).get("file", ""))
    files = select(MailAttachment).where(MailAttachment.mail_id == id).order_by(MailAttachment.position)
    return MailDetail(
        *columns,
        from_name=from_name,
        agent=agent or "",
        thread=thread,
        message_id=message_id,
        body=body,
        html=html,
        file=f"{file[:2]}/{file}.eml" if file else "",
        attachments=[AttachmentEntry(one.position, one.name, one.kind, one.size) for one in session.scalars(files)],
    )
