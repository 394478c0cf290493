"""Applications for a home."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.store.models.base import Base
from crm.store.models.office import Property, Unit
from crm.store.models.people import Lead


class Application(Base):
    """One application, from its first step to the office's decision. Its answers are in no list, search or log."""

    __tablename__ = "application"
    __table_args__ = (
        Index("ix_application_saved", "saved_at", "id"),
        # What waits, and which have been left unfinished for long.
        Index("ix_application_status_saved", "status", "saved_at", "id"),
        Index("ix_application_property_saved", "property_id", "saved_at", "id"),
        Index("ix_application_lead", "lead_id", "id"),
        # Those that somebody who has lost the link began.
        Index("ix_application_email", "email"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True, comment="its cause, such as the form it began with")
    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"))
    property_id: Mapped[int] = mapped_column(ForeignKey("property.id", ondelete="CASCADE"))
    unit_id: Mapped[int | None] = mapped_column(
        ForeignKey("unit.id", ondelete="SET NULL"), comment="null: no home in particular"
    )
    status: Mapped[str] = mapped_column(String(12), comment="as in crm.domain.applications.ApplicationStatus")
    status_at: Mapped[datetime] = mapped_column(comment="since when")
    reason: Mapped[str] = mapped_column(String(300), default="", comment="of the status, as whoever set it said")
    language: Mapped[str] = mapped_column(String(10), comment="in which it is filled in")
    email: Mapped[str] = mapped_column(String(200), comment="where its link goes; in lower case")
    answers: Mapped[dict[str, Any]] = mapped_column(
        JSON, comment="as they were typed, by step; a step is there once it was saved"
    )
    fee: Mapped[str] = mapped_column(
        String(120), default="", comment="the application fee as it was stated when it began; empty: none was"
    )
    is_confirmed: Mapped[bool] = mapped_column(
        comment="somebody saved with the link that was sent, so the one that the browser had at first is void"
    )
    began_at: Mapped[datetime]
    saved_at: Mapped[datetime] = mapped_column(comment="when the applicant saved something last, or was invited")
    submitted_at: Mapped[datetime | None]
    signature: Mapped[str] = mapped_column(String(200), default="", comment="their name, typed; empty: not signed")
    wording: Mapped[str] = mapped_column(Text, default="", comment="what they signed")
    wording_version: Mapped[str] = mapped_column(String(20), default="")
    signed_from: Mapped[str] = mapped_column(String(45), default="", comment="network address")
    node: Mapped[str] = mapped_column(String(40), default="", comment="the home that has its documents")
    lead: Mapped[Lead] = relationship()
    property: Mapped[Property] = relationship()
    unit: Mapped[Unit | None] = relationship()


class ApplicationDocument(Base):
    """A file that an applicant sent."""

    __tablename__ = "application_document"
    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(20), comment="what it shows, such as income or identity")
    name: Mapped[str] = mapped_column(
        String(200), comment="as the applicant's machine called it; names no file of ours"
    )
    media_type: Mapped[str] = mapped_column(String(60), comment="by its content")
    bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(
        String(64), default="", comment="SHA-256 of the file, in hexadecimal; empty: sent before this was kept"
    )
    file: Mapped[str] = mapped_column(String(80), unique=True, comment="in the home's folder of documents")
    uploaded_at: Mapped[datetime]
    application: Mapped[Application] = relationship()
