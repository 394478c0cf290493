"""What comes from outside other than by phone or text: forms of the public site, and what people agreed to there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from crm.store.models.base import Base


class ArrivalRecord(Base):
    """One thing that came in, kept as it came before anything is read out of it."""

    __tablename__ = "arrival"
    __table_args__ = (Index("ix_arrival_received", "received_at", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(
        String(120), unique=True, comment="the same thing has the same key, and comes once"
    )
    channel: Mapped[str] = mapped_column(String(40), comment="how it came, such as form:question")
    raw: Mapped[dict[str, Any]] = mapped_column(JSON, comment="as it came")
    parser: Mapped[str] = mapped_column(String(40), comment="what read it")
    parser_version: Mapped[int]
    received_at: Mapped[datetime]
    lead_id: Mapped[int | None] = mapped_column(
        ForeignKey("lead.id", ondelete="SET NULL"), index=True, comment="whose it is; null: it could not be read"
    )
    problem: Mapped[str] = mapped_column(String(300), default="", comment="why it could not be read; empty: it was")


class Consent(Base):
    """Somebody agreed to be texted, with the words that they agreed to."""

    __tablename__ = "consent"
    id: Mapped[int] = mapped_column(primary_key=True)
    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"), index=True)
    number: Mapped[str] = mapped_column(String(20), index=True, comment="E.164")
    wording: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(String(20), comment="of the wording")
    language: Mapped[str] = mapped_column(String(10))
    arrival_id: Mapped[int | None] = mapped_column(ForeignKey("arrival.id", ondelete="SET NULL"))
    given_at: Mapped[datetime]
