"""Who is on the line: what a phone in a browser shows while it rings and during the talk."""

from __future__ import annotations

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from crm.domain.access import Reach
from crm.domain.calls import CallDirection
from crm.domain.errors import NotFound
from crm.services.people.identity import who_calls
from crm.store.models import Agent, Call, Lead, Leg, Line, Property
from crm.store.queries import reach as reached


class PhoneCard(msgspec.Struct):
    """Who is on the line, and what about."""

    call: str
    direction: str
    """in, out, or internal between colleagues."""
    name: str
    """Empty: not known."""
    number: str | None
    """E.164; null: withheld, or none."""
    kind: str
    """prospect, resident, owner, vendor or colleague."""
    is_known: bool
    """Whether they are on record."""
    lead: int | None
    property: str
    """Its name; empty: not known."""
    source: str
    """Where the caller saw the number: sign, website, an ILS; empty: not known."""
    recording: str
    """Whether talks of the property are recorded: announced, demand, or empty for never."""


def card(session: Session, call_id: str, agent_id: int | None, reach: Reach) -> PhoneCard:
    """The call, if a phone of this agent's rang for it or made it, or it is within reach. Raises NotFound."""
    of_call, of_line = aliased(Property), aliased(Property)
    found = (
        select(Call, Line.source, of_call, of_line)
        .outerjoin(Line, Line.id == Call.line_id)
        .outerjoin(of_call, of_call.id == Call.property_id)
        .outerjoin(of_line, of_line.id == Line.property_id)
        .where(Call.id == call_id)
    )
    row = session.execute(found).first()
    if row is None or not _may_see(session, row[0], agent_id, reach):
        raise NotFound("There is no such call.", code="call_unknown")
    call, source, own, lines = row
    about = own or lines
    if call.direction == CallDirection.INTERNAL:
        return _internal(session, call, agent_id)
    who = who_calls(session, call.caller, call.trunk, call.caller_digits)
    lead = session.get(Lead, call.lead_id) if call.lead_id else None
    if lead is None and who.lead:
        lead = session.get(Lead, who.lead.id)
    contact = who.contact
    name = contact.name if contact else lead.name if lead else ""
    return PhoneCard(
        call=call.id,
        direction=call.direction,
        name=name or (who.colleague or ""),
        number=call.caller,
        kind="colleague" if who.colleague and not contact else contact.kind if contact else call.kind,
        is_known=bool(contact or lead or who.colleague),
        lead=lead.id if lead else None,
        property=about.name if about else "",
        source=source or "",
        recording=about.recording if about and about.recording != "off" else "",
    )


def latest_of(session: Session, device: str, agent_id: int | None) -> str:
    """Id of the call that a device is in, or that its agent has just made. Raises NotFound."""
    rung = select(Leg.call_id, Leg.started_at).where(Leg.device == device, Leg.ended_at.is_(None))
    made = select(Call.id, Call.started_at).where(Call.agent_id == agent_id, Call.outcome.is_(None))
    rows = [
        row
        for found, at in ((rung, Leg.started_at), (made, Call.started_at))
        if (row := session.execute(found.order_by(at.desc()).limit(1)).first())
    ]
    if not rows:
        raise NotFound("There is no such call.", code="call_unknown")
    return str(max(rows, key=lambda row: row[1])[0])


def _may_see(session: Session, call: Call, agent_id: int | None, reach: Reach) -> bool:
    if agent_id is not None:
        own = select(Leg.id).where(Leg.call_id == call.id, Leg.agent_id == agent_id).limit(1)
        if call.agent_id == agent_id or session.scalar(own) is not None:
            return True
    seen = select(Call.id).outerjoin(Line, Line.id == Call.line_id).where(Call.id == call.id, *reached.of_calls(reach))
    return session.scalar(seen) is not None


def _internal(session: Session, call: Call, agent_id: int | None) -> PhoneCard:
    """A call between colleagues: the other one's name."""
    ids = [call.agent_id, *session.scalars(select(Leg.agent_id).where(Leg.call_id == call.id).order_by(Leg.started_at))]
    other = next((one for one in ids if one is not None and one != agent_id), None)
    agent = session.get(Agent, other) if other is not None else None
    return PhoneCard(
        call=call.id,
        direction=call.direction,
        name=agent.name if agent else "",
        number=agent.extension if agent else None,
        kind="colleague",
        is_known=agent is not None,
        lead=None,
        property="",
        source="",
        recording="",
    )
