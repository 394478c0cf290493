"""The record of lists of leads that were exported."""

from __future__ import annotations

from sqlalchemy import insert
from sqlalchemy.orm import Session

from crm.domain.blocks import Members
from crm.domain.counting import counted
from crm.services import audit
from crm.services.audit import By
from crm.store.models import LeadExport, LeadExportPart

_AT_ONCE = 500
"""Blocks in one statement."""


def record(session: Session, by: By, format_: str, members: Members) -> None:
    """Puts on record that these leads were exported.

    An entry in each of 100,000 timelines would take as many rows. This takes 100, and the view of one timeline finds
    its row by an index.
    """
    leads = counted(members.count, "lead")
    what = f"Was in a list of {leads} that was exported as {format_}."
    made = LeadExport(at=by.now, by=by.who[:80], what=what, leads=members.count)
    session.add(made)
    session.flush()
    rows = [{"export_id": made.id, "block": block, "members": bits} for block, bits in members.blocks()]
    for begins in range(0, len(rows), _AT_ONCE):
        session.execute(insert(LeadExportPart), rows[begins : begins + _AT_ONCE])
    audit.record(session, by, f"{leads} exported as {format_}")


def record_one(session: Session, by: By, format_: str, lead_id: int) -> None:
    """The same of one lead."""
    members = Members()
    members.add(lead_id)
    record(session, by, format_, members)
