"""The inbox: who has written to us, and what was answered."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from crm.store.models.base import Base, index_of_some


class InboxThread(Base):
    """Where the office stands in writing with one person: a lead, or a number that is no lead's.

    What was written is in `message` and `mail`; this row is what lists of threads are sorted and filtered by.
    """

    __tablename__ = "inbox_thread"
    __table_args__ = (
        # The open ones, those that wait for an answer first; of everybody, and of one agent or of nobody.
        Index("ix_inbox_thread_open", "is_done", "is_waiting", "last_at", "id"),
        Index("ix_inbox_thread_agent", "agent_id", "is_done", "is_waiting", "last_at", "id"),
        Index("ix_inbox_thread_last", "last_at", "id"),
        index_of_some("ix_inbox_thread_snoozed", "snoozed_until"),
        index_of_some("ix_inbox_thread_property", "property_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    lead_id: Mapped[int | None] = mapped_column(
        ForeignKey("lead.id", ondelete="CASCADE"), unique=True, comment="null: whoever has `number`, who is no lead"
    )
    number: Mapped[str | None] = mapped_column(String(20), unique=True, comment="E.164; null: the lead's numbers count")
    property_id: Mapped[int | None] = mapped_column(
        ForeignKey("property.id", ondelete="SET NULL"), comment="that somebody who is no lead wrote to; null: unknown"
    )
    agent_id: Mapped[int | None] = mapped_column(
        ForeignKey("agent.id", ondelete="SET NULL"), comment="whose it is; of a lead, a trigger keeps it"
    )
    last_at: Mapped[datetime | None] = mapped_column(
        comment="when they or somebody of the office wrote last; null: nobody yet"
    )
    last_direction: Mapped[str] = mapped_column(String(3), default="", server_default="", comment="in or out")
    last_words: Mapped[str] = mapped_column(
        String(200), default="", server_default="", comment="how that begins, as lists show it"
    )
    is_waiting: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="they wrote, and nobody has answered"
    )
    is_done: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="put away until they write again"
    )
    snoozed_until: Mapped[datetime | None] = mapped_column(comment="it is not in lists before that, unless they write")


class InboxDraft(Base):
    """What is being written to somebody, by text or by email. It belongs to the thread, not to who writes."""

    __tablename__ = "inbox_draft"
    __table_args__ = (UniqueConstraint("thread_id", "way"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("inbox_thread.id", ondelete="CASCADE"))
    way: Mapped[str] = mapped_column(String(10), comment="text or mail")
    subject: Mapped[str] = mapped_column(String(200), default="", server_default="")
    body: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1, comment="grows with each change, so that two writers notice")
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(String(80))
