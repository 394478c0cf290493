"""Texts and mails."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.store.models.base import Base, index_of_some

if TYPE_CHECKING:
    from crm.store.models.agents import Agent


class Sendable:
    """The columns of a row that is sent once: its place in the outbox, committed with what caused it."""

    __tablename__: str

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    state: Mapped[str] = mapped_column(String(10), comment="as in crm.domain.delivery.DeliveryState")
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime]
    # When it was handed over; null again when it was certainly not taken.
    sent_at: Mapped[datetime | None]


class Message(Sendable, Base):
    """A text of a person's thread; one from them is in no outbox."""

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_outbox", "state", "next_attempt_at"),
        # A person's thread, and what the hourly limits count.
        Index("ix_message_person_sent", "to_number", "sent_at"),
        Index("ix_message_sent_at", "sent_at"),
        # Lists, the newest first.
        Index("ix_message_made", "created_at", "id"),
        Index("ix_message_state_made", "state", "created_at", "id"),
        # How many there were lately, to detect spikes.
        Index("ix_message_purpose_made", "purpose", "created_at"),
        # What came from somebody, or to a line, lately.
        Index("ix_message_from_made", "from_number", "created_at"),
        Index("ix_message_to_made", "to_number", "created_at"),
        Index("ix_message_property_made", "property_id", "created_at"),
    )
    key: Mapped[str] = mapped_column(
        String(120), unique=True, comment="what it is for; the same cause never texts twice"
    )
    direction: Mapped[str] = mapped_column(String(3), default="out", server_default="out", comment="in or out")
    purpose: Mapped[str] = mapped_column(String(20), comment="why it was written, as in crm.domain.texts.Purpose")
    to_number: Mapped[str] = mapped_column(String(20), index=True)
    from_number: Mapped[str] = mapped_column(
        String(80), index=True, comment="E.164, or a sender of another kind as it came"
    )
    body: Mapped[str] = mapped_column(Text)
    media: Mapped[list[str]] = mapped_column(default=list, server_default="[]", comment="MMS: links, as they came")
    segments: Mapped[int] = mapped_column(default=0, server_default="0", comment="pieces it is sent and paid in")
    language: Mapped[str] = mapped_column(
        String(10), default="", server_default="", comment="of its words; empty: the person's"
    )
    lead_id: Mapped[int | None] = mapped_column(ForeignKey("lead.id", ondelete="SET NULL"), index=True)
    call_id: Mapped[str | None] = mapped_column(ForeignKey("call.id", ondelete="SET NULL"), index=True)
    property_id: Mapped[int | None] = mapped_column(
        ForeignKey("property.id", ondelete="SET NULL"), comment="what it is about; null: the person, or unknown"
    )
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id", ondelete="SET NULL"), comment="who wrote it")
    carrier: Mapped[str] = mapped_column(String(10), default="", server_default="", comment="sip, twilio or telnyx")
    carrier_id: Mapped[str | None] = mapped_column(String(120), index=True, comment="the carrier's own id of it")
    decision: Mapped[str] = mapped_column(
        String(10), default="", server_default="", comment="what the gate said last: send, wait or block"
    )
    decision_reasons: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    attempts_before: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="those of them before a person had it sent again"
    )
    expires_at: Mapped[datetime | None] = mapped_column(comment="of no use any more after that, such as a reminder")
    agent: Mapped[Agent | None] = relationship()


class TextPause(Base):
    """A time in which no automatic text leaves, because there were far more than usual."""

    __tablename__ = "text_pause"
    id: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(index=True, comment="by itself")
    texts: Mapped[int] = mapped_column(comment="automatic ones in the minutes before")
    resumed_at: Mapped[datetime | None]
    resumed_by: Mapped[str] = mapped_column(String(80), default="", server_default="")


class TextWording(Base):
    """What the office writes in place of a standard text, or of the subject or text of an email, in one language."""

    __tablename__ = "text_wording"
    __table_args__ = (UniqueConstraint("name", "language"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(
        String(60), comment="as in crm.domain.text_templates, or of a step of the follow-ups"
    )
    language: Mapped[str] = mapped_column(String(10))
    body: Mapped[str] = mapped_column(Text, comment="with placeholders, such as {name}")
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(String(80))


class MailThread(Base):
    """Emails with a lead on one topic."""

    __tablename__ = "mail_thread"
    __table_args__ = (
        Index("ix_mail_thread_topic", "lead_id", "topic", "id"),
        Index("ix_mail_thread_last", "lead_id", "last_at", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"))
    token: Mapped[str] = mapped_column(String(16), unique=True, comment="in the address that answers go to; random")
    subject: Mapped[str] = mapped_column(String(200), comment="of its first email")
    topic: Mapped[str] = mapped_column(String(200), comment="the subject without Re: and capitals")
    created_at: Mapped[datetime]
    last_at: Mapped[datetime] = mapped_column(comment="when something came or went last")


class Mail(Sendable, Base):
    """An email; one from outside is in no outbox, and its words are those that are new in it."""

    __tablename__ = "mail"
    __table_args__ = (
        Index("ix_mail_outbox", "state", "next_attempt_at"),
        Index("ix_mail_made", "created_at", "id"),
        index_of_some("ix_mail_voicemail", "voicemail_id"),
        Index("ix_mail_thread", "thread_id", "id"),
    )
    key: Mapped[str] = mapped_column(String(160), unique=True, comment="what it is for; one cause mails once")
    direction: Mapped[str] = mapped_column(String(3), default="out", server_default="out", comment="in or out")
    purpose: Mapped[str] = mapped_column(
        String(10), default="notice", server_default="notice", comment="as in crm.domain.mails.MailPurpose"
    )
    to_address: Mapped[str] = mapped_column(String(200))
    from_address: Mapped[str] = mapped_column(
        String(320), default="", server_default="", comment="who wrote it; empty: we did"
    )
    from_name: Mapped[str] = mapped_column(String(200), default="", server_default="")
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(
        Text, default="", server_default="", comment="the same as HTML, cleaned; empty: there is none"
    )
    message_id: Mapped[str] = mapped_column(
        String(250), default="", server_default="", index=True, comment="Message-ID without brackets (RFC 5322, 3.6.4)"
    )
    lead_id: Mapped[int | None] = mapped_column(ForeignKey("lead.id", ondelete="SET NULL"), index=True)
    thread_id: Mapped[int | None] = mapped_column(ForeignKey("mail_thread.id", ondelete="SET NULL"))
    arrival_id: Mapped[int | None] = mapped_column(
        ForeignKey("arrival.id", ondelete="SET NULL"), index=True, comment="as what it came in"
    )
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id", ondelete="SET NULL"), comment="who wrote it")
    voicemail_id: Mapped[str | None] = mapped_column(
        ForeignKey("voicemail.call_id", ondelete="SET NULL"), comment="its audio is attached"
    )
    calendar: Mapped[str] = mapped_column(
        Text, default="", server_default="", comment="an iCalendar file that is attached (RFC 5545)"
    )
    sheet: Mapped[str] = mapped_column(Text, default="", server_default="", comment="a CSV file that is attached")
    attachments: Mapped[list[MailAttachment]] = relationship(
        order_by="MailAttachment.position", cascade="all, delete-orphan", passive_deletes=True
    )


class MailAttachment(Base):
    """A file that came with an email. It is in the email's own file; `position` counts from 1."""

    __tablename__ = "mail_attachment"
    mail_id: Mapped[int] = mapped_column(ForeignKey("mail.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(200), comment="as the sender calls it")
    kind: Mapped[str] = mapped_column(String(100), comment="MIME type, by what is in it")
    size: Mapped[int] = mapped_column(comment="bytes")
