"""The people who lease, their subteams, their phones and where these stand."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.store.models.base import Base
from crm.store.models.living import Retirable, unique_among_living


class Agent(Retirable, Base):
    """Somebody who leases."""

    __tablename__ = "agent"
    __table_args__ = (
        unique_among_living("agent", "slug"),
        unique_among_living("agent", "extension"),
        # For history, which finds those that are retired, too.
        Index("ix_agent_slug", "slug"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(200))
    extension: Mapped[str | None] = mapped_column(String(10), comment="dialled by colleagues")
    on_duty: Mapped[bool] = mapped_column(default=True)
    email: Mapped[str] = mapped_column(String(200), default="", server_default="", comment="for notices and messages")
    dialing: Mapped[str] = mapped_column(
        String(10), default="allowed", server_default="allowed", comment="allowed or none: may they dial outside?"
    )
    forwarding: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="their mobiles ring, too, when their calls come"
    )
    emergency_notice: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="is told of emergency calls; if nobody is, everybody is"
    )
    last_talk_ended_at: Mapped[datetime | None] = mapped_column(
        comment="round robin: longest idle first, null first of all"
    )
    devices: Mapped[list[Device]] = relationship(
        back_populates="agent", order_by="Device.slug", cascade="all, delete-orphan"
    )
    hours: Mapped[list[AgentHours]] = relationship(
        order_by="AgentHours.weekday, AgentHours.opens", cascade="all, delete-orphan"
    )


class AgentHours(Base):
    """When an agent answers, every week, in the office's time zone. Without any: whenever they are on duty and the
    office is open. With some, phones ring at these times even while the office is closed."""

    __tablename__ = "agent_hours"
    id: Mapped[int] = mapped_column(primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), index=True)
    weekday: Mapped[int] = mapped_column(comment="0 is Monday")
    opens: Mapped[str] = mapped_column(String(5), comment="HH:MM")
    closes: Mapped[str] = mapped_column(String(5), comment="HH:MM, up to 24:00")


class Device(Retirable, Base):
    """A phone of an agent. Its slug is its SIP user; its secret is in the secrets file. A mobile has a number."""

    __tablename__ = "device"
    __table_args__ = (unique_among_living("device", "slug"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20), comment="desk, softphone, browser or mobile")
    dnd: Mapped[bool] = mapped_column(default=False)
    dnd_until: Mapped[datetime | None] = mapped_column(comment="null with dnd set: until switched off")
    number: Mapped[str | None] = mapped_column(
        String(20), index=True, comment="E.164 of a mobile, dialled through a trunk"
    )
    rings_after_seconds: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="so long the agent's other phones ring before this one"
    )
    whisper: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="who answers hears who calls and presses 1; a mobile always"
    )
    encrypted: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="SRTP; its signalling comes over TLS"
    )
    forwards_since: Mapped[datetime | None] = mapped_column(
        comment="its own forwarding is on, which nobody obeys; null: it is not known to be"
    )
    location_id: Mapped[int | None] = mapped_column(ForeignKey("location.id", ondelete="SET NULL"))
    located_from: Mapped[str | None] = mapped_column(
        String(45), comment="network from which the person at a browser last said where it is; null: they have not"
    )
    location: Mapped[Location | None] = relationship()
    agent: Mapped[Agent] = relationship(back_populates="devices")


class Location(Retirable, Base):
    """A place where phones stand, as emergency services have to be told of it (47 CFR 9.16)."""

    __tablename__ = "location"
    __table_args__ = (unique_among_living("location", "slug"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40))
    address: Mapped[str] = mapped_column(String(300), comment="street, city, state, and floor or room")
    callback_number: Mapped[str] = mapped_column(
        String(20), comment="E.164, registered with the carrier for this address: caller ID of an emergency call"
    )


class Subteam(Retirable, Base, along=("SubteamMember", "SubteamSister")):
    """Agents who lease the same properties."""

    __tablename__ = "subteam"
    __table_args__ = (unique_among_living("subteam", "slug"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(200))
    strategy: Mapped[str] = mapped_column(String(20), default="ring_all", comment="ring_all or round_robin")
    answering_service: Mapped[str | None] = mapped_column(String(20), comment="E.164; null is the office's")
    members: Mapped[list[Agent]] = relationship(secondary="subteam_member", order_by="Agent.slug")
    sisters: Mapped[list[Subteam]] = relationship(
        secondary="subteam_sister",
        primaryjoin="Subteam.id == SubteamSister.subteam_id",
        secondaryjoin="Subteam.id == SubteamSister.sister_id",
        order_by="SubteamSister.position",
    )


class SubteamSister(Base):
    """Subteams that help out when nobody in a subteam is free, and in which order."""

    __tablename__ = "subteam_sister"
    subteam_id: Mapped[int] = mapped_column(ForeignKey("subteam.id", ondelete="CASCADE"), primary_key=True)
    sister_id: Mapped[int] = mapped_column(ForeignKey("subteam.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(default=0)


class SubteamMember(Base):
    __tablename__ = "subteam_member"
    __table_args__ = (Index("ix_subteam_member_agent", "agent_id"),)
    subteam_id: Mapped[int] = mapped_column(ForeignKey("subteam.id", ondelete="CASCADE"), primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True)
