"""The agents' phones."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crm.domain import fields
from crm.domain.errors import NotFound
from crm.domain.ringing import DeviceKind, has_dnd
from crm.store.models import Agent, Device, Location
from crm.store.models.living import ALL
from crm.store.queries.names import id_of, ids_of


class DeviceEntry(msgspec.Struct):
    """A phone of an agent."""

    slug: str
    agent: str
    kind: str
    """desk, softphone, browser or mobile."""
    location: str | None
    """Slug of its location, which emergency calls report."""
    dnd: bool
    """Whether do not disturb is on now."""
    dnd_until: datetime | None
    """When it ends by itself; null with dnd: when somebody turns it off."""
    number: str | None
    """E.164 of a mobile; null for a phone that registers."""
    rings_after_seconds: int
    """How long the agent's other phones ring before this mobile does."""
    whisper: bool
    """Whether the person who answers hears who is calling and presses 1; always so on a mobile."""
    encrypted: bool
    """Whether TLS and SRTP are required, not optional. A browser always encrypts."""
    retired_at: datetime | None
    """Since then it is on record only; null: it is in use."""


class DeviceDetail(DeviceEntry):
    """A phone and its SIP account. A mobile has no account: server, transport and user are empty, and the port is 0."""

    server: str
    """Address to enter on the phone as SIP server or registrar."""
    port: int
    transport: str
    """What to enter on the phone: udp (tcp and tls work as well), tls if it must encrypt, ws for a browser."""
    user: str
    secret: str | None
    """The password, with --secret; null without it."""


class DndEntry(msgspec.Struct):
    """A device that is not to be disturbed."""

    device: str
    agent: str
    until: datetime | None
    """When it ends by itself; null: when somebody turns it off."""


_DEVICE = (
    select(
        Device.slug,
        Agent.slug.label("agent"),
        Device.kind,
        Location.slug.label("location"),
        Device.dnd,
        Device.dnd_until,
        Device.number,
        Device.rings_after_seconds,
        Device.whisper,
        Device.encrypted,
        Device.retired_at,
    )
    .join(Agent, Agent.id == Device.agent_id)
    .outerjoin(Location, Location.id == Device.location_id)
)


def listed(session: Session, now: datetime, *, agent: str | None = None, retired: bool = False) -> list[DeviceEntry]:
    """By slug; all in use or all that are retired, or those of them that are the agent's with this slug."""
    found = _DEVICE.order_by(Device.slug, Device.retired_at)
    if retired:
        found = found.where(Device.retired_at.is_not(None)).execution_options(**ALL)
    if agent is not None:
        found = found.where(Agent.id.in_(ids_of(Agent.slug, agent)))
    return [_entry(DeviceEntry(**row._mapping), now) for row in session.execute(found)]


def one(session: Session, slug: str, now: datetime) -> DeviceEntry:
    """Raises NotFound, Invalid."""
    row = session.execute(_DEVICE.where(Device.id == id_of(Device.slug, fields.slug(slug)))).first()
    if row is None:
        raise NotFound(f"There is no device {slug}.", code="device_unknown", device=slug)
    return _entry(DeviceEntry(**row._mapping), now)


def undisturbed(session: Session, now: datetime) -> list[DndEntry]:
    """Those that are not to be disturbed, by slug."""
    found = select(Device.slug, Agent.slug, Device.dnd_until).join(Agent, Agent.id == Device.agent_id)
    found = found.where(Device.dnd, or_(Device.dnd_until.is_(None), Device.dnd_until > now))
    return [DndEntry(*row) for row in session.execute(found.order_by(Device.slug))]


def _entry(device: DeviceEntry, now: datetime) -> DeviceEntry:
    """Shows what applies now instead of what was set."""
    device.dnd = has_dnd(device.dnd, device.dnd_until, now)
    device.dnd_until = device.dnd_until if device.dnd else None
    device.whisper = device.whisper or device.kind == DeviceKind.MOBILE
    return device
