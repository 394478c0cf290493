"""The tables. Times are aware UTC, phone numbers E.164, names in the field's own words.

Closed sets are StrEnums of `crm.domain`, stored as their text, so that a new value needs no migration.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    DateTime,
    ForeignKey,
    Index,
    MetaData,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time on every database; SQLite has no time zone and would hand back a naive one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without time zone was about to be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    # Named constraints, because SQLite migrations rebuild tables and have to find them again.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime: UtcDateTime, dict[str, Any]: JSON, list[str]: JSON}


# --- the office: who owns, who answers, on what ---


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


class Subteam(Base):
    """Agents who lease the same properties."""

    __tablename__ = "subteam"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
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
    """Who helps a subteam out when nobody of it is free, in which order."""

    __tablename__ = "subteam_sister"
    subteam_id: Mapped[int] = mapped_column(ForeignKey("subteam.id", ondelete="CASCADE"), primary_key=True)
    sister_id: Mapped[int] = mapped_column(ForeignKey("subteam.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(default=0)


class SubteamMember(Base):
    __tablename__ = "subteam_member"
    subteam_id: Mapped[int] = mapped_column(ForeignKey("subteam.id", ondelete="CASCADE"), primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True)


class Portfolio(Base):
    """Properties that are leased alike, such as those of one owner."""

    __tablename__ = "portfolio"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))


class Property(Base):
    """A building or community with homes to rent."""

    __tablename__ = "property"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
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
    messages_to: Mapped[str] = mapped_column(
        String(10),
        default="property",
        server_default="property",
        comment="whose box messages go to: property or subteam",
    )
    escalates: Mapped[bool] = mapped_column(
        default=True, server_default=true(), comment="groups are called about a message that nobody takes"
    )
    subteam: Mapped[Subteam | None] = relationship()


class Unit(Base):
    """A home of a property."""

    __tablename__ = "unit"
    __table_args__ = (UniqueConstraint("property_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    property_id: Mapped[int] = mapped_column(ForeignKey("property.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(40), comment="as it stands on the door, e.g. 204B")
    bedrooms: Mapped[int] = mapped_column(comment="0 is a studio")
    bathrooms: Mapped[Decimal] = mapped_column(Numeric(3, 1))
    square_feet: Mapped[int | None]
    property: Mapped[Property] = relationship()
    listings: Mapped[list[Listing]] = relationship(order_by="Listing.version", cascade="all, delete-orphan")


class Listing(Base):
    """What a unit was offered for, version by version: a price that somebody was told stays on record."""

    __tablename__ = "listing"
    __table_args__ = (UniqueConstraint("unit_id", "version"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id", ondelete="CASCADE"))
    version: Mapped[int] = mapped_column(comment="from 1; the highest is in force")
    rent: Mapped[Decimal] = mapped_column(Numeric(10, 2), comment="a month")
    deposit: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    fees: Mapped[str] = mapped_column(String(200), default="")
    pets: Mapped[str] = mapped_column(String(200), default="")
    available_on: Mapped[date | None] = mapped_column(comment="null: not to be had")
    created_at: Mapped[datetime]


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


class Line(Base):
    """A leasing number (DID)."""

    __tablename__ = "line"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(
        String(20), unique=True, comment="E.164, or an extension of the office's system"
    )
    label: Mapped[str] = mapped_column(String(200), default="")
    source: Mapped[str] = mapped_column(String(60), default="", comment="where callers saw it: sign, website, an ILS")
    greeting: Mapped[str] = mapped_column(Text, default="", comment="spoken first; empty is the standard greeting")
    language: Mapped[str] = mapped_column(String(10), default="en")
    property_id: Mapped[int | None] = mapped_column(ForeignKey("property.id"))
    portfolio_id: Mapped[int | None] = mapped_column(
        ForeignKey("portfolio.id"), comment="without a property: callers choose among these; null: among all"
    )
    property: Mapped[Property | None] = relationship()
    portfolio: Mapped[Portfolio | None] = relationship()


class Agent(Base):
    """Somebody who leases."""

    __tablename__ = "agent"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    extension: Mapped[str | None] = mapped_column(String(10), unique=True, comment="dialled by colleagues")
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


class Location(Base):
    """A place where phones stand, as the emergency service has to hear of it (47 CFR 9.16)."""

    __tablename__ = "location"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    address: Mapped[str] = mapped_column(String(300), comment="street, city, state, and floor or room")
    callback_number: Mapped[str] = mapped_column(
        String(20), comment="E.164, registered with the carrier for this address: caller ID of an emergency call"
    )


class Device(Base):
    """A phone of an agent. Its slug is its SIP user; its secret is in the secrets file. A mobile has a number."""

    __tablename__ = "device"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20), comment="desk, softphone, browser or mobile")
    dnd: Mapped[bool] = mapped_column(default=False)
    dnd_until: Mapped[datetime | None] = mapped_column(comment="null with dnd set: until switched off")
    number: Mapped[str | None] = mapped_column(String(20), comment="E.164 of a mobile, dialled through a trunk")
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
    location: Mapped[Location | None] = relationship()
    agent: Mapped[Agent] = relationship(back_populates="devices")


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


class AgentHours(Base):
    """When an agent answers, every week, in the office's time zone. Without any: whenever they are on duty and the
    office is open. With some, phones ring at these times even while the office is closed."""

    __tablename__ = "agent_hours"
    id: Mapped[int] = mapped_column(primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), index=True)
    weekday: Mapped[int] = mapped_column(comment="0 is Monday")
    opens: Mapped[str] = mapped_column(String(5), comment="HH:MM")
    closes: Mapped[str] = mapped_column(String(5), comment="HH:MM, up to 24:00")


class Contact(Base):
    """Somebody who is no prospect, known by their number."""

    __tablename__ = "contact"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True, comment="E.164")
    kind: Mapped[str] = mapped_column(String(10), comment="resident, owner or vendor")
    name: Mapped[str] = mapped_column(String(200), default="")
    property_id: Mapped[int | None] = mapped_column(ForeignKey("property.id", ondelete="SET NULL"))
    language: Mapped[str] = mapped_column(String(10), default="", comment="chosen in an earlier call")
    created_at: Mapped[datetime]
    property: Mapped[Property | None] = relationship()


class Desk(Base):
    """Where callers who are no prospects, or have a concern, are put through to."""

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


class Trunk(Base):
    """A way to the telephone network: a carrier, or the office's existing phone system."""

    __tablename__ = "trunk"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    host: Mapped[str] = mapped_column(String(200), comment="where calls and texts are sent")
    port: Mapped[int] = mapped_column(default=5060)
    transport: Mapped[str] = mapped_column(String(5), default="udp", comment="udp or tcp")
    auth: Mapped[str] = mapped_column(String(10), comment="address or digest: how the peer proves who it is")
    addresses: Mapped[list[str]] = mapped_column(default=list, comment="addresses or networks its calls come from")
    username: Mapped[str] = mapped_column(String(80), default="", comment="digest user, both ways")
    register: Mapped[bool] = mapped_column(default=False, comment="we register with the peer")
    enabled: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0, server_default="0", comment="calls go out by the lowest first")
    outbound: Mapped[bool] = mapped_column(default=True, server_default=true(), comment="calls of ours go out by it")
    numbers: Mapped[str] = mapped_column(
        String(10), default="plus", server_default="plus", comment="how it wants them: plus, digits or national"
    )
    emergency: Mapped[bool] = mapped_column(default=False, server_default=false(), comment="so do emergency calls")
    did_from: Mapped[str] = mapped_column(
        String(60), default="", server_default="", comment="where the number dialled stands, in order; empty: as usual"
    )


class BlockedCaller(Base):
    """Callers whom nobody has to answer."""

    __tablename__ = "blocked_caller"
    __table_args__ = (UniqueConstraint("kind", "value"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), comment="number, prefix or withheld")
    value: Mapped[str] = mapped_column(String(20), default="", comment="E.164 or its beginning; empty for withheld")
    refusal: Mapped[str] = mapped_column(String(10), default="spoken", comment="spoken, or silent: hung up at once")
    why: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime]


class SipBan(Base):
    """An address whose SIP is dropped. Kept for a day after its end, since the next one is longer then."""

    __tablename__ = "sip_ban"
    id: Mapped[int] = mapped_column(primary_key=True)
    network: Mapped[str] = mapped_column(String(20), unique=True, comment="IPv4 address or network")
    since: Mapped[datetime]
    until: Mapped[datetime | None] = mapped_column(index=True, comment="null: until somebody takes it off")
    times: Mapped[int] = mapped_column(default=1, comment="how many bans within a day of one another")
    why: Mapped[str] = mapped_column(String(300), default="")


# --- people who call ---


class Lead(Base):
    """One person's guest card."""

    __tablename__ = "lead"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(String(200), comment="null until somebody knows it")
    email: Mapped[str] = mapped_column(String(200), default="", server_default="")
    language: Mapped[str] = mapped_column(
        String(10), default="", server_default="", comment="chosen in an earlier call; empty: the line's"
    )
    status: Mapped[str] = mapped_column(String(20), default="new", comment="new, in_progress or closed")
    source: Mapped[str] = mapped_column(String(60), default="", comment="source of the first line they called")
    assigned_agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    assigned_agent: Mapped[Agent | None] = relationship()
    phones: Mapped[list[LeadPhone]] = relationship(cascade="all, delete-orphan", order_by="LeadPhone.id")
    interests: Mapped[list[Interest]] = relationship(cascade="all, delete-orphan", order_by="Interest.id")


class LeadPhone(Base):
    """A number that finds its lead; unique, so one person stays one lead however often they call at once."""

    __tablename__ = "lead_phone"
    id: Mapped[int] = mapped_column(primary_key=True)
    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"), index=True)
    number: Mapped[str] = mapped_column(String(20), unique=True, comment="E.164")


class Interest(Base):
    """A lead's interest in one property and how far it has come."""

    __tablename__ = "interest"
    __table_args__ = (UniqueConstraint("lead_id", "property_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"))
    property_id: Mapped[int] = mapped_column(ForeignKey("property.id", ondelete="CASCADE"))
    stage: Mapped[str] = mapped_column(String(30), default="contacted")
    stage_since: Mapped[datetime | None] = mapped_column(comment="null: since the interest was first known")
    updated_at: Mapped[datetime]
    property: Mapped[Property] = relationship()


class FollowUp(Base):
    """One step of a sequence: planned, or behind us."""

    __tablename__ = "follow_up"
    __table_args__ = (UniqueConstraint("interest_id", "stage", "stage_since", "step"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    interest_id: Mapped[int] = mapped_column(ForeignKey("interest.id", ondelete="CASCADE"))
    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"), index=True)
    stage: Mapped[str] = mapped_column(String(30))
    stage_since: Mapped[datetime]
    step: Mapped[int] = mapped_column(comment="from 0")
    state: Mapped[str] = mapped_column(
        String(10), index=True, comment="planned, paused until somebody answers the person, sent, or cancelled"
    )
    due_at: Mapped[datetime]
    text: Mapped[str] = mapped_column(Text)
    is_edited: Mapped[bool] = mapped_column(default=False, comment="somebody changed its time or text")
    why: Mapped[str] = mapped_column(String(300))
    ended_at: Mapped[datetime | None] = mapped_column(comment="when it was sent or cancelled")
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="SET NULL"))
    interest: Mapped[Interest] = relationship()


class TourSlot(Base):
    """A time at which somebody has booked a tour. Whoever wants it too changes `taken` in this row, one at a time."""

    __tablename__ = "tour_slot"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(160), unique=True, comment="property, time, kind and agent")
    property_id: Mapped[int] = mapped_column(ForeignKey("property.id", ondelete="CASCADE"), index=True)
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


# --- what happened ---


class Call(Base):
    """A call's whole story, in either direction; its id is that of its first channel in Asterisk.

    `caller` is always the number of the person outside, `did` always ours.
    """

    __tablename__ = "call"
    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    direction: Mapped[str] = mapped_column(
        String(10), default="in", server_default="in", comment="in, out, or internal between colleagues"
    )
    did: Mapped[str] = mapped_column(
        String(40), comment="our number: the one dialled, or shown; E.164 where it is a telephone number"
    )
    line_id: Mapped[int | None] = mapped_column(ForeignKey("line.id", ondelete="SET NULL"), comment="null: unknown DID")
    trunk: Mapped[str] = mapped_column(String(40), default="")
    caller: Mapped[str | None] = mapped_column(String(20), index=True, comment="E.164; null is withheld or malformed")
    attestation: Mapped[str] = mapped_column(
        String(30), default="", server_default="", comment="STIR/SHAKEN result as the trunk gave it"
    )
    withheld: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="the caller withholds their number"
    )
    kind: Mapped[str] = mapped_column(
        String(10), default="prospect", server_default="prospect", comment="prospect, resident, owner or vendor"
    )
    desk: Mapped[str] = mapped_column(
        String(20), default="", server_default="", comment="the desk it was for, beside leasing; empty: none"
    )
    property_id: Mapped[int | None] = mapped_column(
        ForeignKey("property.id", ondelete="SET NULL"), comment="what it was about: the line's, or chosen by key"
    )
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="SET NULL"))
    agent_id: Mapped[int | None] = mapped_column(
        ForeignKey("agent.id", ondelete="SET NULL"), comment="who placed a call of ours"
    )
    lead_id: Mapped[int | None] = mapped_column(ForeignKey("lead.id", ondelete="SET NULL"), index=True)
    started_at: Mapped[datetime] = mapped_column(index=True)
    talk_started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    step: Mapped[str] = mapped_column(String(20), default="", comment="the step the call is in or ended in")
    outcome: Mapped[str | None] = mapped_column(String(20), index=True, comment="null while the call is up")
    ended_by: Mapped[str] = mapped_column(String(10), default="", comment="caller, agent or system")
    without_app: Mapped[bool] = mapped_column(default=False, comment="the dialplan's last resort had a part in it")
    remark: Mapped[str] = mapped_column(Text, default="", server_default="", comment="what the agent wrote after it")
    agent: Mapped[Agent | None] = relationship()
    recordings: Mapped[list[Recording]] = relationship(order_by="Recording.started_at", cascade="all, delete-orphan")
    line: Mapped[Line | None] = relationship()
    contact: Mapped[Contact | None] = relationship()
    property: Mapped[Property | None] = relationship()
    lead: Mapped[Lead | None] = relationship()
    legs: Mapped[list[Leg]] = relationship(order_by="Leg.started_at", cascade="all, delete-orphan")
    events: Mapped[list[CallEvent]] = relationship(order_by="CallEvent.at", cascade="all, delete-orphan")
    voicemail: Mapped[Voicemail | None] = relationship(back_populates="call", cascade="all, delete-orphan")


class Leg(Base):
    """One phone that rang for a call."""

    __tablename__ = "leg"
    id: Mapped[str] = mapped_column(String(80), primary_key=True, comment="the channel's id, which we give it")
    call_id: Mapped[str] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), index=True)
    device: Mapped[str] = mapped_column(String(40), comment="slug, kept when the device is deleted")
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id", ondelete="SET NULL"))
    stage: Mapped[str] = mapped_column(String(20), comment="agent, subteam, everyone, last_resort, ...")
    started_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(String(20), default="", comment="DialStatus once it is known")
    number: Mapped[str | None] = mapped_column(String(20), comment="E.164 dialled through a trunk; null for a phone")
    announced_at: Mapped[datetime | None] = mapped_column(comment="heard that the call is recorded")
    agent: Mapped[Agent | None] = relationship()


class CallEvent(Base):
    """One fact about a call, as it was noted; its id makes noting it twice harmless."""

    __tablename__ = "call_event"
    id: Mapped[str] = mapped_column(String(120), primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(30))
    data: Mapped[dict[str, Any]]


class RoutingDecision(Base):
    """Why a call rang whom it rang."""

    __tablename__ = "routing_decision"
    id: Mapped[str] = mapped_column(String(120), primary_key=True, comment="id of the fact that told it")
    call_id: Mapped[str] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    rule: Mapped[str] = mapped_column(String(40))
    reasons: Mapped[list[str]]
    stages: Mapped[list[str]] = mapped_column(comment="names of the stages planned, in order")
    path: Mapped[str] = mapped_column(String(20), default="", server_default="", comment="routing.Path")
    inputs: Mapped[dict[str, Any]] = mapped_column(
        default=dict, server_default="{}", comment="everything that was known; it can be decided again"
    )
    plan: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}", comment="what was decided")


class CallReview(Base):
    """What somebody who looked at a call says of its routing."""

    __tablename__ = "call_review"
    call_id: Mapped[str] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), primary_key=True)
    routed_right: Mapped[bool]
    note: Mapped[str] = mapped_column(String(300), default="")
    who: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]


class Voicemail(Base):
    """A message a caller left."""

    __tablename__ = "voicemail"
    call_id: Mapped[str] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), primary_key=True)
    file: Mapped[str] = mapped_column(String(200), comment="name in the recordings folder")
    seconds: Mapped[int]
    left_at: Mapped[datetime]
    mailbox: Mapped[str] = mapped_column(
        String(60),
        default="",
        server_default="",
        index=True,
        comment="agent:SLUG, subteam:SLUG, property:SLUG, or office",
    )
    heard_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None] = mapped_column(comment="out of the mailbox; the audio goes with retention")
    purged_at: Mapped[datetime | None] = mapped_column(comment="when retention removed audio and transcript")
    taken_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id", ondelete="SET NULL"))
    taken_at: Mapped[datetime | None]
    escalation: Mapped[int] = mapped_column(default=0, server_default="0", comment="groups called about it so far")
    escalate_at: Mapped[datetime | None] = mapped_column(index=True, comment="the next group is called then")
    transcript: Mapped[str] = mapped_column(Text, default="", server_default="")
    transcript_state: Mapped[str] = mapped_column(
        String(10), default="", server_default="", comment="queued, done, failed, or none: there is no model"
    )
    taken_by: Mapped[Agent | None] = relationship()
    call: Mapped[Call] = relationship(back_populates="voicemail")


class Recording(Base):
    """Audio of a talk, across its transfers."""

    __tablename__ = "recording"
    id: Mapped[str] = mapped_column(String(120), primary_key=True, comment="the recording's name in Asterisk")
    call_id: Mapped[str] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), index=True)
    mode: Mapped[str] = mapped_column(String(10), comment="announced or demand")
    file: Mapped[str] = mapped_column(String(200), comment="name in the recordings folder")
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    seconds: Mapped[int] = mapped_column(default=0)
    deleted_at: Mapped[datetime | None] = mapped_column(comment="when retention removed the file")


class CallOrder(Base):
    """A call that the app is to place: it rings the agent, then dials the person."""

    __tablename__ = "call_order"
    id: Mapped[int] = mapped_column(primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"))
    to_number: Mapped[str] = mapped_column(String(20), comment="E.164")
    lead_id: Mapped[int | None] = mapped_column(ForeignKey("lead.id", ondelete="SET NULL"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="SET NULL"))
    why: Mapped[str] = mapped_column(String(300), default="")
    not_before: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime] = mapped_column(comment="later than that it would surprise everybody")
    state: Mapped[str] = mapped_column(
        String(10), default="waiting", index=True, comment="waiting, dialling, done, failed or cancelled"
    )
    tries_left: Mapped[int] = mapped_column(default=1, comment="how often the agent may still be rung for it")
    claimed_until: Mapped[datetime | None] = mapped_column(
        comment="dialling: whoever does it has until then to come to an end, or is dead"
    )
    call_id: Mapped[str | None] = mapped_column(String(80), comment="of the latest try")
    error: Mapped[str] = mapped_column(String(300), default="")
    since: Mapped[datetime | None] = mapped_column(
        comment="the person keeps the place of who has waited since then, and is called when somebody is free"
    )
    agents: Mapped[list[str]] = mapped_column(
        JSON, default=list, server_default="[]", comment="slugs of those who may be rung for a kept place"
    )
    created_at: Mapped[datetime]
    agent: Mapped[Agent] = relationship()
    task: Mapped[Task | None] = relationship()


class Dialled(Base):
    """Every number that the one check was asked about before it is dialled outside, and its answer."""

    __tablename__ = "dialled"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    number: Mapped[str] = mapped_column(String(40), comment="E.164, or as it was asked for when it is none")
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id", ondelete="SET NULL"))
    call_id: Mapped[str | None] = mapped_column(String(80))
    purpose: Mapped[str] = mapped_column(String(20), comment="forward, office, desk, order, transfer or escalation")
    allowed: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(300), default="", comment="why not")


class EmergencyCall(Base):
    """Somebody dialled the emergency number; Asterisk connected it alone."""

    __tablename__ = "emergency_call"
    id: Mapped[str] = mapped_column(String(80), primary_key=True, comment="of its channel")
    dialled: Mapped[str] = mapped_column(String(10), comment="911, 9911 or 933")
    device: Mapped[str] = mapped_column(String(40), comment="slug, kept when the device is deleted")
    agent: Mapped[str] = mapped_column(String(40), default="", comment="slug of whose phone it was; empty: unknown")
    address: Mapped[str] = mapped_column(
        String(300), comment="of the device's location at that time; empty: it had none"
    )
    callback_number: Mapped[str] = mapped_column(String(20), comment="shown as caller ID; empty: the office has none")
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(
        String(20), default="", comment="DialStatus of the last trunk tried; empty: its end was not noted"
    )


class Message(Base):
    """A text of a person's thread. One of ours also has its place in the outbox here: committed with what caused it,
    sent by a worker, once."""

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_outbox", "state", "next_attempt_at"),
        # A person's thread, and what the hourly limits count.
        Index("ix_message_person_sent", "to_number", "sent_at"),
        Index("ix_message_sent_at", "sent_at"),
        # How many there were lately, by which a spike is found.
        Index("ix_message_purpose_made", "purpose", "created_at"),
        # What came from somebody, or to a line, lately.
        Index("ix_message_from_made", "from_number", "created_at"),
        Index("ix_message_to_made", "to_number", "created_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(
        String(120), unique=True, comment="what it is for; the same cause never texts twice"
    )
    direction: Mapped[str] = mapped_column(String(3), default="out", server_default="out", comment="in or out")
    purpose: Mapped[str] = mapped_column(String(20), comment="why it was written, as in crm.domain.texts.Purpose")
    to_number: Mapped[str] = mapped_column(String(20), index=True)
    from_number: Mapped[str] = mapped_column(
        String(80), index=True, comment="E.164, or a sender of another kind as it came"
    )
    body: Mapped[str] = mapped_column(Text)
    media: Mapped[list[str]] = mapped_column(default=list, server_default="[]", comment="MMS: links, as they came")
    segments: Mapped[int] = mapped_column(default=0, server_default="0", comment="pieces it is sent and paid in")
    lead_id: Mapped[int | None] = mapped_column(ForeignKey("lead.id", ondelete="SET NULL"), index=True)
    call_id: Mapped[str | None] = mapped_column(ForeignKey("call.id", ondelete="SET NULL"), index=True)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id", ondelete="SET NULL"), comment="who wrote it")
    carrier: Mapped[str] = mapped_column(String(10), default="", server_default="", comment="sip, twilio or telnyx")
    carrier_id: Mapped[str | None] = mapped_column(String(120), index=True, comment="the carrier's own id of it")
    state: Mapped[str] = mapped_column(
        String(10), comment="queued, sending, sent, delivered, failed, blocked or unknown; received for one of theirs"
    )
    decision: Mapped[str] = mapped_column(
        String(10), default="", server_default="", comment="what the gate said last: send, wait or block"
    )
    decision_reasons: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    attempts: Mapped[int] = mapped_column(default=0)
    attempts_before: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="those of them before a person had it sent again"
    )
    next_attempt_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None] = mapped_column(comment="of no use any more after that, such as a reminder")
    error: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime]
    # When the carrier was given it; null again when it certainly did not take it.
    sent_at: Mapped[datetime | None]
    agent: Mapped[Agent | None] = relationship()


class TextPause(Base):
    """A time in which no automatic text leaves, because there were far more than usual."""

    __tablename__ = "text_pause"
    id: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(index=True, comment="by itself")
    texts: Mapped[int] = mapped_column(comment="automatic ones in the minutes before")
    resumed_at: Mapped[datetime | None]
    resumed_by: Mapped[str] = mapped_column(String(80), default="", server_default="")


class Mail(Base):
    """An email to somebody of the office; with its place in the outbox, as a text has."""

    __tablename__ = "mail"
    __table_args__ = (Index("ix_mail_outbox", "state", "next_attempt_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(160), unique=True, comment="what it is for; one cause mails once")
    to_address: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    voicemail_id: Mapped[str | None] = mapped_column(
        ForeignKey("voicemail.call_id", ondelete="SET NULL"), comment="its audio is attached"
    )
    calendar: Mapped[str] = mapped_column(
        Text, default="", server_default="", comment="an iCalendar file that is attached (RFC 5545)"
    )
    state: Mapped[str] = mapped_column(String(10), comment="queued, sending, sent, failed or unknown")
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class OptOut(Base):
    """The ledger of people who want no texts. Entries are ended, never deleted."""

    __tablename__ = "opt_out"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), index=True, comment="E.164")
    scope: Mapped[str] = mapped_column(String(10), comment="texts, or all: no texts and no calls of ours")
    source: Mapped[str] = mapped_column(String(20), comment="keyword, sentence, carrier or admin")
    evidence: Mapped[str] = mapped_column(String(300), comment="the words, the carrier's error, or the admin's why")
    message_id: Mapped[int | None] = mapped_column(
        ForeignKey("message.id", ondelete="SET NULL"), comment="the text that said so, or that was refused"
    )
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(comment="null: in force")
    ended_source: Mapped[str] = mapped_column(String(20), default="", comment="keyword or admin")
    ended_evidence: Mapped[str] = mapped_column(String(300), default="")


class Task(Base):
    """One owned next action."""

    __tablename__ = "task"
    __table_args__ = (
        # One open task a person and kind, whoever makes them at the same moment.
        Index(
            "uq_task_open",
            "person",
            "kind",
            unique=True,
            sqlite_where=text("done_at IS NULL AND person <> ''"),
            postgresql_where=text("done_at IS NULL AND person <> ''"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True, comment="its cause; one cause makes one task")
    kind: Mapped[str] = mapped_column(String(20), comment="as in crm.domain.tasks.TaskKind")
    person: Mapped[str] = mapped_column(
        String(60),
        default="",
        server_default="",
        comment="whom it is about, such as lead:12 or caller:+15125550199; empty: it stands for its cause alone",
    )
    times: Mapped[int] = mapped_column(default=1, server_default="1", comment="calls, or texts, that it stands for")
    owner_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    lead_id: Mapped[int | None] = mapped_column(ForeignKey("lead.id", ondelete="SET NULL"), index=True)
    call_id: Mapped[str | None] = mapped_column(ForeignKey("call.id", ondelete="SET NULL"), index=True)
    why: Mapped[str] = mapped_column(String(300))
    due_at: Mapped[datetime] = mapped_column(index=True)
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    result: Mapped[str] = mapped_column(String(300), default="")
    escalation: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="how often it went to somebody else because nobody did it in time"
    )
    escalate_at: Mapped[datetime | None] = mapped_column(
        index=True, comment="it goes to somebody else then, if it is not done; null: to nobody any more"
    )
    owner: Mapped[Agent] = relationship()
    lead: Mapped[Lead | None] = relationship()
    call: Mapped[Call | None] = relationship()


class TaskCall(Base):
    """Which task takes care of a call that left one; of several calls of one person it may be one and the same."""

    __tablename__ = "task_call"
    call_id: Mapped[str] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)


class Activity(Base):
    """An entry of a lead's timeline."""

    __tablename__ = "activity"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)
    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(30), comment="CallFromProspect, Text, ...: the industry's event names")
    text: Mapped[str] = mapped_column(String(500))
    call_id: Mapped[str | None] = mapped_column(ForeignKey("call.id", ondelete="SET NULL"))


class AuditEntry(Base):
    """Who changed what."""

    __tablename__ = "audit_entry"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(80))
    what: Mapped[str] = mapped_column(String(300))
