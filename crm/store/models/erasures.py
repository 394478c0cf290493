"""People who asked to be forgotten: that it was done, and nothing else about them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.store.models.base import Base


class Erasure(Base):
    """A lead was erased with everything about them."""

    __tablename__ = "erasure"
    id: Mapped[int] = mapped_column(primary_key=True)
    lead_id: Mapped[int] = mapped_column(index=True, comment="the id they had, which nobody gets again")
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(80))
    why: Mapped[str] = mapped_column(String(300))


class ErasedIdentity(Base):
    """By which somebody erased is recognized, should a list bring them back."""

    __tablename__ = "erased_identity"
    id: Mapped[int] = mapped_column(primary_key=True)
    erasure_id: Mapped[int] = mapped_column(ForeignKey("erasure.id", ondelete="CASCADE"), index=True)
    hash: Mapped[str] = mapped_column(
        String(64), index=True, comment="HMAC-SHA256 of a number (E.164) or an address in lower case"
    )


class ErasureWork(Base):
    """Something outside of the database that is still to be removed; the row goes when it is."""

    __tablename__ = "erasure_work"
    id: Mapped[int] = mapped_column(primary_key=True)
    erasure_id: Mapped[int] = mapped_column(ForeignKey("erasure.id", ondelete="CASCADE"), index=True)
    node: Mapped[str] = mapped_column(String(40), index=True, comment="on whose disk it is; empty: the only one's")
    kind: Mapped[str] = mapped_column(String(10), comment="as in crm.services.people.erasing.WorkKind")
    what: Mapped[str] = mapped_column(
        String(300), comment="name of a file, id of a call, or words to make illegible in logs"
    )
