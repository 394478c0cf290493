"""Tours, and when they can be booked."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.store.models.base import Base

if TYPE_CHECKING:
    from crm.store.models.agents import Agent
    from crm.store.models.office import Property
    from crm.store.models.people import Lead


class TourHours(Base):
    """When tours of one kind may begin at a property, every week, on the property's clock."""

    __tablename__ = "tour_hours"
    id: Mapped[int] = mapped_column(primary_key=True)
    property_id: Mapped[int] = mapped_column(ForeignKey("property.id", ondelete="CASCADE"), index=True)
    agent_id: Mapped[int | None] = mapped_column(
        ForeignKey("agent.id", ondelete="CASCADE"), comment="who shows; null: nobody in particular"
    )
    weekday: Mapped[int] = mapped_column(comment="0 is Monday")
    opens: Mapped[str] = mapped_column(String(5), comment="HH:MM")
    closes: Mapped[str] = mapped_column(String(5), comment="HH:MM, up to 24:00; the last tour has ended by then")
    kind: Mapped[str] = mapped_column(String(20), comment="accompanied, self_guided or remote")
    minutes: Mapped[int] = mapped_column(comment="length of a tour")
    buffer_minutes: Mapped[int] = mapped_column(default=0, comment="between one tour and the next")
    capacity: Mapped[int] = mapped_column(default=1, comment="people who may have the same time")
    agent: Mapped[Agent | None] = relationship()


class TourBlackout(Base):
    """A time without tours: of a property, of an agent, or of everybody."""

    __tablename__ = "tour_blackout"
    id: Mapped[int] = mapped_column(primary_key=True)
    property_id: Mapped[int | None] = mapped_column(ForeignKey("property.id", ondelete="CASCADE"))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    why: Mapped[str] = mapped_column(String(200), default="")
    property: Mapped[Property | None] = relationship()
    agent: Mapped[Agent | None] = relationship()


class TourSlot(Base):
    """A time at which somebody has booked a tour. Others who want it too change `taken` in this row, one at a time."""

    __tablename__ = "tour_slot"
    __table_args__ = (
        # A week of a property, or of an agent.
        Index("ix_tour_slot_property_starts", "property_id", "starts_at"),
        Index("ix_tour_slot_agent_starts", "agent_id", "starts_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(160), unique=True, comment="property, time, kind and agent")
    property_id: Mapped[int] = mapped_column(ForeignKey("property.id", ondelete="CASCADE"))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    starts_at: Mapped[datetime] = mapped_column(index=True)
    ends_at: Mapped[datetime]
    capacity: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0, comment="tours booked in it; never more than its capacity")


class Tour(Base):
    """A person's showing of a property."""

    __tablename__ = "tour"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True, comment="what asked for it; asking twice books once")
    slot_id: Mapped[int] = mapped_column(ForeignKey("tour_slot.id"), index=True)
    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"), index=True)
    call_id: Mapped[str | None] = mapped_column(
        ForeignKey("call.id", ondelete="SET NULL"), index=True, comment="booked in it"
    )
    state: Mapped[str] = mapped_column(String(20), comment="booked, done, missed or cancelled")
    version: Mapped[int] = mapped_column(default=1, comment="grows when it is moved: links for an older one are void")
    booked_by: Mapped[str] = mapped_column(String(80), comment="keypad, web, or who did it at the command line")
    booked_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(String(300), default="")
    slot: Mapped[TourSlot] = relationship()
    lead: Mapped[Lead] = relationship()


class CalendarFeed(Base):
    """A calendar of a property's or an agent's tours that calendar programs read at a secret address."""

    __tablename__ = "calendar_feed"
    __table_args__ = (CheckConstraint("(property_id IS NULL) <> (agent_id IS NULL)", name="ck_calendar_feed_one"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(43), unique=True, comment="in its address; random")
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True, comment="who reads it, with what they may see"
    )
    property_id: Mapped[int | None] = mapped_column(
        ForeignKey("property.id", ondelete="CASCADE"), comment="null: of an agent"
    )
    agent_id: Mapped[int | None] = mapped_column(
        ForeignKey("agent.id", ondelete="CASCADE"), comment="null: of a property"
    )
    made_at: Mapped[datetime]
