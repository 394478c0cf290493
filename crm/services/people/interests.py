"""A lead's interests in homes, as people enter them by hand. What a stage begins and ends is in `follow_ups`."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields
from crm.domain.errors import Conflict, NotFound
from crm.domain.leads import Happened
from crm.services import audit
from crm.services.audit import By
from crm.services.office import properties
from crm.services.people import intake, leads, timeline
from crm.store.models import Interest
from crm.store.queries import listings


def add(session: Session, config: Config, by: By, raw: str | int, property_slug: str, unit: str = "") -> Interest:
    """Adds an interest in a property to the lead that `intake.person` finds, or in another home of one that they are
    interested in already. `unit` is the home's number or name; empty: none in particular.

    Raises Invalid, NotFound, and Conflict where that is known already.
    """
    lead = leads.named(session, config, raw, lock=True)
    property = properties.named(session, property_slug)
    home = None
    if wanted := fields.text(unit, "unit", 40):
        home = listings.unit_named(session, property.id, wanted)
        if home is None:
            raise NotFound(f"{property.name} has no unit {wanted}.", code="unit_unknown", unit=wanted)
    known = next((one for one in lead.interests if one.property_id == property.id), None)
    if known is not None and (home is None or known.unit_id == home.id):
        raise Conflict(
            f"Lead {lead.id} is interested in {property.name} already: set its stage.",
            code="interest_exists",
            lead=str(lead.id),
            property=property.slug,
        )
    interest = intake.interest_in(lead, property.id, by.now)
    if home is not None:
        interest.unit_id = home.id
    session.flush()
    where = f"{property.name}, {home.name}" if home is not None else property.name
    timeline.enter(
        session,
        lead.id,
        Happened.ENTERED,
        f"Is interested in {where}.",
        by.now,
        key=f"hand:{uuid.uuid4().hex}",
        about=property.id,
        by=by.who,
        is_new=True,
    )
    audit.record(session, by, f"interest of lead {lead.id} in {property.slug} added")
    return interest
