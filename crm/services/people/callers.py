"""Callers whom somebody names by hand, after a call from a number that nobody knew."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields
from crm.domain.calls import CallDirection
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.leads import Happened
from crm.edge import names
from crm.services import audit
from crm.services.audit import By
from crm.services.office import properties
from crm.services.people import contact_details, intake, leads, timeline
from crm.store.models import Lead, Property, Unit
from crm.store.queries import calls, listings
from crm.store.queries import leads as queries


@dataclass(frozen=True)
class CallerDetails:
    """What somebody has found out about a caller, as it was written."""

    name: str = ""
    email: str = ""
    property: str = ""
    """Slug; empty: not known."""
    unit: str = ""
    """As it stands on the door; only with a property."""


def introduce(session: Session, config: Config, by: By, call_id: str, details: CallerDetails) -> Lead:
    """Gives the person of a call a name, an address, and what they are interested in.

    It goes to the lead that the call belongs to; to that of the caller's number; or to a new one. Raises NotFound,
    Invalid, and Conflict when the lead has another name already, or the address is somebody else's.
    """
    call = calls.by_id(session, call_id)
    if call is None:
        raise NotFound(f"There is no call {call_id[:80]}.", code="call_unknown", call=call_id[:80])
    if call.direction == CallDirection.INTERNAL:
        raise Invalid("That was a call between colleagues.", code="caller_is_colleague")
    if call.contact is not None:
        raise Conflict(f"They are known already, as a {call.contact.kind}.", code="caller_is_contact")
    name = fields.text(details.name, "name", 200)
    address = contact_details.read_address(session, config, details.email)
    property, unit = _home(session, details)
    if not (name or address or property):
        raise Invalid("Give a name, an email address or a property.", code="caller_nameless")
    lead = _lead(session, config, by, call.lead_id, call.caller)
    if name and lead.name and not names.are_same(lead.name, name):
        raise Conflict(
            f"They are known as {lead.name}: change the name on their card if it is wrong.",
            code="caller_named",
            lead=str(lead.id),
            name=lead.name,
        )
    if address and (other := queries.by_address(session, address.lower())) is not None and other.id != lead.id:
        raise Conflict(
            f"That is the address of lead {other.id}: merge the two if they are one person.",
            code="lead_is_two",
            lead=str(lead.id),
            other=str(other.id),
        )
    if name and not lead.name:
        leads.change(session, config, by, lead.id, name=name)
    if address and not lead.email:
        lead.email = address
    if address and address.lower() not in [one.address for one in lead.emails]:
        intake.add_address(lead, address)
    if property is not None:
        interest = intake.interest_in(lead, property.id, by.now)
        interest.unit_id = unit.id if unit else interest.unit_id
    if call.lead_id is None:
        call.lead_id = lead.id
        intake.came_by(lead, call.line)
    told = f"{name or 'Somebody'} called, as {by.who} wrote after the call."
    if property is not None:
        told += f" They are interested in {f'{unit.name} at ' if unit else ''}{property.name}."
    key = f"hand:{uuid.uuid4().hex}"
    about = property.id if property else None
    timeline.enter(session, lead.id, Happened.ENTERED, told, by.now, key=key, by=by.who, call_id=call.id, about=about)
    audit.record(session, by, f"caller of {call.id} named: lead {lead.id}")
    session.flush()
    return lead


def _lead(session: Session, config: Config, by: By, lead_id: int | None, number: str | None) -> Lead:
    """Locked."""
    if lead_id is not None and (lead := queries.by_id(session, lead_id, for_update=True)) is not None:
        return lead
    if number is None:
        return intake.without_number(session, by.now)
    return intake.by_number(session, contact_details.read_number(session, config, number), by.now)


def _home(session: Session, details: CallerDetails) -> tuple[Property | None, Unit | None]:
    wanted = fields.text(details.unit, "home", 40)
    if not details.property:
        if wanted:
            raise Invalid("Say which property the home is in.", code="unit_without_property")
        return None, None
    property = properties.named(session, details.property)
    if not wanted:
        return property, None
    unit = listings.unit_named(session, property.id, wanted)
    if unit is None:
        raise NotFound(f"{property.name} has no home {wanted}.", code="unit_unknown", unit=wanted)
    return property, unit
