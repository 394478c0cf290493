"""Programs that work with the office through the REST API."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.store.models.base import Base


class ApiKey(Base):
    """What a program shows to be let in. The key itself is nowhere, only what it can be recognized by."""

    __tablename__ = "api_key"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True, comment="slug; whose it is, as the audit says it")
    prefix: Mapped[str] = mapped_column(String(16), unique=True, comment="the beginning of the key, which is no secret")
    digest: Mapped[str] = mapped_column(String(64), comment="SHA-256 of the whole key, hexadecimal")
    scopes: Mapped[list[str]] = mapped_column(comment="as in crm.domain.access.Scope")
    is_narrow: Mapped[bool] = mapped_column(comment="sees only what `api_key_reach` names; false: the whole office")
    made_by: Mapped[str] = mapped_column(String(80))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime | None] = mapped_column(comment="null: never")
    revoked_at: Mapped[datetime | None] = mapped_column(comment="null: in force")
    used_at: Mapped[datetime | None] = mapped_column(comment="the last time, to a few minutes; null: never")
    reach: Mapped[list[ApiKeyReach]] = relationship(cascade="all, delete-orphan", order_by="ApiKeyReach.id")


class ApiKeyReach(Base):
    """A property, or all of a subteam's, that a narrow key sees."""

    __tablename__ = "api_key_reach"
    __table_args__ = (
        UniqueConstraint("key_id", "property_id"),
        UniqueConstraint("key_id", "subteam_id"),
        CheckConstraint("(property_id IS NULL) <> (subteam_id IS NULL)", name="ck_api_key_reach_one"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key_id: Mapped[int] = mapped_column(ForeignKey("api_key.id", ondelete="CASCADE"))
    property_id: Mapped[int | None] = mapped_column(ForeignKey("property.id", ondelete="CASCADE"))
    subteam_id: Mapped[int | None] = mapped_column(ForeignKey("subteam.id", ondelete="CASCADE"))


class KeptAnswer(Base):
    """What a request was answered, so that the same request gets the same answer and does nothing again."""

    __tablename__ = "kept_answer"
    __table_args__ = (UniqueConstraint("key_id", "name"), Index("ix_kept_answer_made", "made_at"))
    id: Mapped[int] = mapped_column(primary_key=True)
    key_id: Mapped[int] = mapped_column(ForeignKey("api_key.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(255), comment="the Idempotency-Key that the program chose")
    fingerprint: Mapped[str] = mapped_column(String(64), comment="SHA-256 of method, path and body")
    status: Mapped[int]
    location: Mapped[str] = mapped_column(String(200), comment="empty: none")
    body: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]
