"""What is offered for rent, and what is said about it: every version stays on record."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import JSON, ForeignKey, Index, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.store.models.base import Base
from crm.store.models.office import Property, Unit


class Listing(Base):
    """A home that is, was or will be offered. Its columns are what lists are filtered by: those of the version in
    force, which is the published one, or the latest while none is."""

    __tablename__ = "listing"
    __table_args__ = (
        Index("ix_listing_rent", "rent", "id"),
        Index("ix_listing_property_rent", "property_id", "rent", "id"),
        Index("ix_listing_bedrooms_rent", "bedrooms", "rent", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id", ondelete="CASCADE"), unique=True)
    property_id: Mapped[int] = mapped_column(
        ForeignKey("property.id", ondelete="CASCADE"), comment="the unit's, for the index"
    )
    latest: Mapped[int] = mapped_column(comment="number of its latest version, from 1")
    published: Mapped[int | None] = mapped_column(comment="the version that the public sees; null: none")
    expires_at: Mapped[datetime | None] = mapped_column(comment="from then on it is not public; null: until taken back")
    rent: Mapped[Decimal] = mapped_column(Numeric(10, 2), comment="a month")
    bedrooms: Mapped[int]
    available_on: Mapped[date | None]
    cats: Mapped[bool | None] = mapped_column(comment="whether they are allowed; null: as its property says")
    dogs: Mapped[bool | None] = mapped_column(comment="whether they are allowed; null: as its property says")
    created_at: Mapped[datetime]
    unit: Mapped[Unit] = relationship()
    property: Mapped[Property] = relationship()


class PropertyProfile(Base):
    """A property as it is offered. It is no column of `property`, whose every change the routing decision reads."""

    __tablename__ = "property_profile"
    property_id: Mapped[int] = mapped_column(ForeignKey("property.id", ondelete="CASCADE"), primary_key=True)
    latest: Mapped[int] = mapped_column(comment="number of its latest version, from 1")
    published: Mapped[int | None] = mapped_column(
        comment="the version that the public sees; null: none, and no listing of it"
    )
    cats: Mapped[bool | None] = mapped_column(comment="whether they are allowed; null: not said")
    dogs: Mapped[bool | None] = mapped_column(comment="whether they are allowed; null: not said")
    expires_at: ClassVar[None] = None
    """Only listings do."""
    property: Mapped[Property] = relationship()


class ContentVersion(Base):
    """What a listing or a property said. Rows are only added."""

    __tablename__ = "content_version"
    __table_args__ = (UniqueConstraint("listing_id", "version"), UniqueConstraint("property_id", "version"))
    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int | None] = mapped_column(ForeignKey("listing.id", ondelete="CASCADE"))
    property_id: Mapped[int | None] = mapped_column(
        ForeignKey("property.id", ondelete="CASCADE"), comment="null if it is a listing's"
    )
    version: Mapped[int] = mapped_column(comment="from 1")
    content: Mapped[dict[str, Any]] = mapped_column(JSON, comment="crm.domain.listings.Home or PropertyContent")
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(80), comment="who wrote it")


class Publication(Base):
    """From when until when the public saw a version of a listing or a property, and who decided so."""

    __tablename__ = "publication"
    __table_args__ = (
        Index("ix_publication_listing", "listing_id", "from_at"),
        Index("ix_publication_property", "property_id", "from_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int | None] = mapped_column(ForeignKey("listing.id", ondelete="CASCADE"))
    property_id: Mapped[int | None] = mapped_column(
        ForeignKey("property.id", ondelete="CASCADE"), comment="null if it is a listing's"
    )
    version: Mapped[int]
    from_at: Mapped[datetime]
    until_at: Mapped[datetime | None] = mapped_column(
        comment="null: it is in force, for a listing until the listing's expires_at"
    )
    made_by: Mapped[str] = mapped_column(String(80), comment="who decided")
    findings: Mapped[list[str]] = mapped_column(
        JSON, default=list, comment="what the fair-housing check had found in it, and they accepted"
    )
    despite: Mapped[str] = mapped_column(String(300), default="", comment="why they accepted it; empty: nothing found")


class Answer(Base):
    """What a property, or the office, answers about a topic in one language. Rows are only added: the highest version
    is in force."""

    __tablename__ = "answer"
    __table_args__ = (
        Index("uq_answer_of_property", "property_id", "topic", "language", "version", unique=True),
        Index("ix_answer_topic", "topic"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    property_id: Mapped[int | None] = mapped_column(
        ForeignKey("property.id", ondelete="CASCADE"), comment="null: the office's, for properties without one"
    )
    topic: Mapped[str] = mapped_column(String(40), comment="short name, such as vouchers or office-visits")
    language: Mapped[str] = mapped_column(String(2))
    version: Mapped[int] = mapped_column(comment="from 1")
    text: Mapped[str] = mapped_column(Text, comment="empty: it was taken back")
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(80), comment="who gave it")
    findings: Mapped[list[str]] = mapped_column(
        JSON, default=list, comment="what the fair-housing check had found in it, and they accepted"
    )
    despite: Mapped[str] = mapped_column(String(300), default="", comment="why they accepted it; empty: nothing found")


class PictureFile(Base):
    """A picture whose files are in the home (crm/edge/pictures.py)."""

    __tablename__ = "picture"
    hash: Mapped[str] = mapped_column(String(64), primary_key=True, comment="SHA-256 of its largest file")
    width: Mapped[int] = mapped_column(comment="of its largest file, in pixels")
    height: Mapped[int]
    widths: Mapped[list[int]] = mapped_column(JSON, comment="its sizes, smallest first")
    taken_at: Mapped[datetime] = mapped_column(comment="when it was taken in")
    taken_by: Mapped[str] = mapped_column(String(80))
