"""Lists of leads that left the office as files, and who was in them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.store.models.base import Base


class LeadExport(Base):
    """Leads were written to a file."""

    __tablename__ = "lead_export"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(80))
    what: Mapped[str] = mapped_column(String(300), comment="as the timeline of each says it")
    leads: Mapped[int] = mapped_column(comment="how many")


class LeadExportPart(Base):
    """Which leads of one block were in it: a bit for each, so that a list of 100,000 takes 100 rows.

    `crm.domain.blocks` says which bit is whose.
    """

    __tablename__ = "lead_export_part"
    # The exports that a lead may be in.
    __table_args__ = (Index("ix_lead_export_part_block", "block", "export_id"),)
    export_id: Mapped[int] = mapped_column(ForeignKey("lead_export.id", ondelete="CASCADE"), primary_key=True)
    block: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    members: Mapped[bytes] = mapped_column(LargeBinary)
