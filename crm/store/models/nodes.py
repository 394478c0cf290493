"""The systems that share one database."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from crm.store.models.base import Base


class Node(Base):
    """A home with its Asterisk and its app. What is on record of a call says whose it is by this name."""

    __tablename__ = "node"
    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    home: Mapped[str] = mapped_column(String(300), comment="machine and folder of the home")
    seen_at: Mapped[datetime] = mapped_column(comment="the app's latest sign of life here")
