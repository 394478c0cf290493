"""What the phone in a browser offers: colleagues to whom a call can be passed on, and places it can be at."""

from __future__ import annotations

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.store.models import Agent, Location


class ColleagueEntry(msgspec.Struct):
    """An agent to whom calls can be passed on."""

    name: str
    extension: str
    on_duty: bool


class PlaceEntry(msgspec.Struct):
    """A location that a browser can be at."""

    slug: str
    address: str


def colleagues(session: Session, agent_id: int | None) -> list[ColleagueEntry]:
    """All others with an extension, by name."""
    found = select(Agent.name, Agent.extension, Agent.on_duty).where(Agent.extension.is_not(None))
    if agent_id is not None:
        found = found.where(Agent.id != agent_id)
    return [ColleagueEntry(row[0], row[1] or "", row[2]) for row in session.execute(found.order_by(Agent.name))]


def places(session: Session) -> list[PlaceEntry]:
    found = select(Location.slug, Location.address).order_by(Location.address)
    return [PlaceEntry(*row) for row in session.execute(found)]
