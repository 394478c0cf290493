"""Emergency calls."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain import emergency as rules
from crm.domain import fields
from crm.domain.errors import NotFound
from crm.store.models import EmergencyCall
from crm.store.queries import agents


class EmergencyEntry(msgspec.Struct):
    """An emergency call."""

    id: str
    dialled: str
    """911 or 9911; 933 is a test."""
    is_test: bool
    device: str
    agent: str
    """Slug of the agent whose phone it was then; empty when unknown."""
    address: str
    """Address of the device's location at the time; empty: it had none."""
    callback_number: str
    """E.164, shown as caller ID; empty when the office has none."""
    started_at: datetime
    ended_at: datetime | None
    """Null while in progress."""
    status: str
    """How it ended, in Asterisk's terms: ANSWER, CANCEL, ...; empty while in progress, or if its end was not
    recorded."""
    acknowledged_at: datetime | None
    """When somebody said that emergency services will not call back; null: nobody has."""


_CALL = select(
    EmergencyCall.id,
    EmergencyCall.dialled,
    (EmergencyCall.dialled == rules.TEST).label("is_test"),
    EmergencyCall.device,
    EmergencyCall.agent,
    EmergencyCall.address,
    EmergencyCall.callback_number,
    EmergencyCall.started_at,
    EmergencyCall.ended_at,
    EmergencyCall.status,
    EmergencyCall.acknowledged_at,
)


class ToldEntry(msgspec.Struct):
    """Somebody who is notified of emergency calls."""

    agent: str
    named: bool
    """False: they are notified because nobody is named."""
    email: str
    mobiles: list[str]
    """E.164."""


def told(session: Session) -> list[ToldEntry]:
    """The people who are notified of emergency calls."""
    return [
        ToldEntry(
            agent.slug,
            agent.emergency_notice,
            agent.email,
            [device.number for device in agent.devices if device.number],
        )
        for agent in agents.told_of_emergencies(session)
    ]


def listed(session: Session, *, since: datetime | None = None, limit: int = 50) -> list[EmergencyEntry]:
    """The latest first."""
    found = _CALL.order_by(EmergencyCall.started_at.desc(), EmergencyCall.id.desc()).limit(limit)
    if since is not None:
        found = found.where(EmergencyCall.started_at >= since)
    return [EmergencyEntry(**row._mapping) for row in session.execute(found)]


def one(session: Session, call_id: str) -> EmergencyEntry:
    """Raises NotFound, Invalid."""
    wanted = fields.text(call_id, "call's id", 80, required=True)
    row = session.execute(_CALL.where(EmergencyCall.id == wanted)).first()
    if row is None:
        raise NotFound("There is no such emergency call.", code="emergency_unknown")
    return EmergencyEntry(**row._mapping)
