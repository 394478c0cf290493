"""What the phone in a browser offers: colleagues to whom a call can be passed on, and places it can be at."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from crm.domain.ringing import DeviceKind
from crm.store.models import Agent, Call, Device, Leg, Location


class ColleagueEntry(msgspec.Struct):
    """An agent to whom calls can be passed on."""

    agent: str
    """Slug."""
    name: str
    extension: str
    state: str
    """free; busy: on a call; dnd: none of their phones may ring; off: not on duty; away: none of their phones is there,
    as far as that is known."""


class PlaceEntry(msgspec.Struct):
    """A location that a browser can be at."""

    slug: str
    address: str


def colleagues(
    session: Session, agent_id: int | None, wanted: str, now: datetime, *, limit: int
) -> list[ColleagueEntry]:
    """Others with an extension, by name; those whose name has `wanted` in it, or whose extension begins so."""
    is_open = (Leg.answered_at.is_not(None), Leg.ended_at.is_(None), Call.id == Leg.call_id, Call.outcome.is_(None))
    made = (Call.agent_id == Agent.id, Call.outcome.is_(None))
    busy = exists().where(Leg.agent_id == Agent.id, *is_open) | exists().where(*made)
    free = Device.agent_id == Agent.id, Device.kind != DeviceKind.MOBILE, Device.retired_at.is_(None)
    rings = exists().where(*free, or_(Device.dnd.is_(False), Device.dnd_until <= now))
    found = select(Agent.slug, Agent.name, Agent.extension, Agent.on_duty, busy.label("busy"), rings.label("rings"))
    found = found.where(Agent.extension.is_not(None))
    if agent_id is not None:
        found = found.where(Agent.id != agent_id)
    if wanted:
        name = func.lower(Agent.name).contains(wanted.lower(), autoescape=True)
        found = found.where(or_(name, Agent.extension.startswith(wanted, autoescape=True)))
    return [
        ColleagueEntry(
            row.slug,
            row.name,
            row.extension,
            "busy" if row.busy else "dnd" if not row.rings else "free" if row.on_duty else "off",
        )
        for row in session.execute(found.order_by(Agent.name).limit(limit))
    ]


def places(session: Session) -> list[PlaceEntry]:
    found = select(Location.slug, Location.address).order_by(Location.address)
    return [PlaceEntry(*row) for row in session.execute(found)]
