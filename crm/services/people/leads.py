"""Guest cards as people correct them; calls, texts and bookings make them (`crm.services.calls.ledger` and others)."""

from __future__ import annotations

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields
from crm.domain.errors import NotFound
from crm.services.audit import By, note
from crm.services.people import intake
from crm.store.models import Lead


def change(
    session: Session, config: Config, by: By, raw: str, *, name: str | None = None, email: str | None = None
) -> Lead:
    """Changes what is given of the lead that `intake.person` finds; an empty text takes it away."""
    lead, _ = intake.person(session, config, raw)
    if lead is None:
        raise NotFound("There is no lead with this id or number.", code="lead_unknown")
    if name is not None:
        lead.name = fields.text(name, "name", 200) or None
    if email is not None:
        intake.write_address(session, lead, email)
    changed = [what for what, value in (("name", name), ("email", email)) if value is not None]
    note(session, by, f"lead {lead.id} changed: {', '.join(changed)}")
    return lead
