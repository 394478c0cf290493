"""Lines and trunks, and what was dialed outside."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    ForeignKey,
    Index,
    String,
    Text,
    false,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.store.models.base import Base
from crm.store.models.living import Retirable, unique_among_living

if TYPE_CHECKING:
    from crm.store.models.office import Portfolio, Property


class Line(Retirable, Base):
    """A leasing number (DID)."""

    __tablename__ = "line"
    __table_args__ = (unique_among_living("line", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), comment="E.164, or an extension of the office's system")
    label: Mapped[str] = mapped_column(String(200), default="")
    source: Mapped[str] = mapped_column(String(60), default="", comment="where callers saw it: sign, website, an ILS")
    greeting: Mapped[str] = mapped_column(Text, default="", comment="spoken first; empty is the standard greeting")
    language: Mapped[str] = mapped_column(String(10), default="en")
    property_id: Mapped[int | None] = mapped_column(ForeignKey("property.id"))
    portfolio_id: Mapped[int | None] = mapped_column(
        ForeignKey("portfolio.id"), comment="without a property: callers choose among these; null: among all"
    )
    ai_answers: Mapped[str] = mapped_column(
        String(12), default="", server_default="", comment="when the voice agent answers; empty: as its property says"
    )
    property: Mapped[Property | None] = relationship()
    portfolio: Mapped[Portfolio | None] = relationship()


class Trunk(Retirable, Base):
    """A way to the telephone network: a carrier, or the office's existing phone system."""

    __tablename__ = "trunk"
    __table_args__ = (unique_among_living("trunk", "slug"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40))
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
    caller_format: Mapped[str] = mapped_column(
        String(60), default="", server_default="", comment="how it gives callers' numbers, in order; empty: as usual"
    )


class SipBan(Base):
    """An address whose SIP is dropped. Kept for a day after its end, since the next one is longer then."""

    __tablename__ = "sip_ban"
    id: Mapped[int] = mapped_column(primary_key=True)
    network: Mapped[str] = mapped_column(String(20), unique=True, comment="IPv4 address or network")
    since: Mapped[datetime]
    until: Mapped[datetime | None] = mapped_column(index=True, comment="null: until somebody takes it off")
    times: Mapped[int] = mapped_column(default=1, comment="how many bans within a day of one another")
    why: Mapped[str] = mapped_column(String(300), default="")


class Dialled(Base):
    """Every number that the one check was asked about before it is dialed outside, and its answer."""

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
    """Somebody dialed the emergency number; Asterisk connected the call by itself."""

    __tablename__ = "emergency_call"
    __table_args__ = (Index("ix_emergency_call_started_at", "started_at"),)
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
    acknowledged_at: Mapped[datetime | None] = mapped_column(
        comment="since then, nobody waits for the emergency service to call back; null: nobody said so"
    )
    node: Mapped[str] = mapped_column(
        String(16), default="", server_default="", comment="name of the node that has it; empty: the only one there was"
    )
