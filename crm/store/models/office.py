"""The office: its properties, its hours, and where calls for others go."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import (
    ForeignKey,
    Index,
    Numeric,
    String,
    UniqueConstraint,
    false,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.store.models.base import Base
from crm.store.models.living import Retirable, unique_among_living

if TYPE_CHECKING:
    from crm.store.models.agents import Subteam


class Organization(Base):
    """The one company this system serves."""

    __tablename__ = "organization"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    listings_url: Mapped[str] = mapped_column(String(500), default="", comment="texted where a property has none")
    admin_agent_id: Mapped[int | None] = mapped_column(
        ForeignKey("agent.id"), comment="owns every task that has no better owner"
    )
    forward_to: Mapped[str | None] = mapped_column(
        String(20), comment="E.164: every leasing call goes there instead of to the team; null: none does"
    )
    forward_confirm: Mapped[bool] = mapped_column(
        default=True, server_default=true(), comment="who answers there presses 1 to connect"
    )
    holidays: Mapped[str] = mapped_column(
        String(10), default="", server_default="", comment="whose holidays close the office, e.g. US-TX; empty: none"
    )
    answering_service: Mapped[str | None] = mapped_column(
        String(20), comment="E.164 of who answers when nobody here does; null: nobody"
    )
    manages_for_owners: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="leads may be owners who want their property managed"
    )


class Portfolio(Retirable, Base):
    """Properties that are leased the same way, such as those of one owner."""

    __tablename__ = "portfolio"
    __table_args__ = (unique_among_living("portfolio", "slug"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(200))


class Property(Retirable, Base):
    """A building or community with homes to rent."""

    __tablename__ = "property"
    __table_args__ = (unique_among_living("property", "slug"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(200))
    listings_url: Mapped[str] = mapped_column(String(500), default="")
    subteam_id: Mapped[int | None] = mapped_column(ForeignKey("subteam.id"))
    portfolio_id: Mapped[int | None] = mapped_column(ForeignKey("portfolio.id"))
    portfolio: Mapped[Portfolio | None] = relationship()
    timezone: Mapped[str] = mapped_column(
        String(40), default="", server_default="", comment="IANA; empty is the office's"
    )
    area: Mapped[str] = mapped_column(
        String(60), default="", server_default="", comment="as callers know it; long lists begin with areas"
    )
    holidays: Mapped[str] = mapped_column(
        String(10), default="", server_default="", comment="e.g. US-TX; empty: the office's; none: it has none"
    )
    recording: Mapped[str] = mapped_column(
        String(10), default="off", server_default="off", comment="off, announced, or demand: when an agent asks"
    )
    voicemail_to: Mapped[str] = mapped_column(
        String(10),
        default="property",
        server_default="property",
        comment="whose box voicemail goes to: property or subteam",
    )
    escalates: Mapped[bool] = mapped_column(
        default=True, server_default=true(), comment="groups are called about a voicemail that nobody takes"
    )
    ai_answers: Mapped[str] = mapped_column(
        String(12), default="", server_default="", comment="when the voice agent answers; empty: as the office says"
    )
    subteam: Mapped[Subteam | None] = relationship()


class Unit(Retirable, Base):
    """A home of a property."""

    __tablename__ = "unit"
    __table_args__ = (unique_among_living("unit", "property_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    property_id: Mapped[int] = mapped_column(ForeignKey("property.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(40), comment="as it stands on the door, e.g. 204B")
    bedrooms: Mapped[int] = mapped_column(comment="0 is a studio")
    bathrooms: Mapped[Decimal] = mapped_column(Numeric(3, 1))
    square_feet: Mapped[int | None]
    property: Mapped[Property] = relationship()


class Hours(Base):
    """One opening in the week: of a property in its own time zone, else of the office."""

    __tablename__ = "hours"
    id: Mapped[int] = mapped_column(primary_key=True)
    property_id: Mapped[int | None] = mapped_column(
        ForeignKey("property.id", ondelete="CASCADE"), index=True, comment="null: the office, else its own"
    )
    weekday: Mapped[int] = mapped_column(comment="0 is Monday")
    opens: Mapped[str] = mapped_column(String(5), comment="HH:MM")
    closes: Mapped[str] = mapped_column(String(5), comment="HH:MM, up to 24:00")


class SpecialDay(Base):
    """A date that differs from the week or from the public holidays: closed, open at other times, or as usual."""

    __tablename__ = "special_day"
    __table_args__ = (UniqueConstraint("day", "property_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(index=True)
    property_id: Mapped[int | None] = mapped_column(
        ForeignKey("property.id", ondelete="CASCADE"), comment="null: everywhere"
    )
    opens: Mapped[str] = mapped_column(String(5), default="", comment="HH:MM; empty: closed all day")
    closes: Mapped[str] = mapped_column(String(5), default="", comment="HH:MM, up to 24:00")
    as_usual: Mapped[bool] = mapped_column(default=False, comment="open as in the week, though it is a holiday")
    name: Mapped[str] = mapped_column(String(100), default="")
    property: Mapped[Property | None] = relationship()


class Desk(Base):
    """Where callers who are not prospects, or have a concern, are put through to."""

    __tablename__ = "desk"
    __table_args__ = (UniqueConstraint("kind", "property_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), comment="resident, owner, vendor, maintenance or concern")
    property_id: Mapped[int | None] = mapped_column(
        ForeignKey("property.id", ondelete="CASCADE"), comment="null: for properties without one of their own"
    )
    target: Mapped[str] = mapped_column(String(60), comment="agent:SLUG, subteam:SLUG, or E.164")
    confirm: Mapped[bool] = mapped_column(default=True, comment="who answers a number outside presses 1")
    hours: Mapped[list[str]] = mapped_column(default=list, comment="as 'mon-fri 09:00-17:00'; none: at any time")
    property: Mapped[Property | None] = relationship()


CALLED = "property.name"
"""Kind of the names by which properties were called before; these are not short, and only people still say them."""


class FormerName(Base):
    """A short name that something had before it was renamed. It goes on meaning the same until another has it."""

    __tablename__ = "former_name"
    __table_args__ = (
        Index("ix_former_name_kind_name", "kind", "name", "until"),
        Index("ix_former_name_row", "kind", "row_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), comment="table of what had the name")
    name: Mapped[str] = mapped_column(String(200))
    row_id: Mapped[int] = mapped_column(comment="id of what had it, in that table")
    until: Mapped[datetime] = mapped_column(comment="when it got another name")


class OfficeMark(Base):
    """One row, which triggers change with whatever the routing decision knows of the office (crm/store/marks.py)."""

    __tablename__ = "office_mark"
    id: Mapped[int] = mapped_column(primary_key=True)
    mark: Mapped[str] = mapped_column(String(36), comment="random; another one after each change")


class SiteMark(Base):
    """One row, which triggers change with whatever the public site shows (crm/store/marks.py)."""

    __tablename__ = "site_mark"
    id: Mapped[int] = mapped_column(primary_key=True)
    mark: Mapped[str] = mapped_column(String(36), comment="random; another one after each change")
