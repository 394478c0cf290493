"""Leads that may be one person."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from crm.domain.access import WHOLE_OFFICE, Reach
from crm.store.models import Lead, LeadProposal
from crm.store.queries import reach as reached


class ProposalEntry(msgspec.Struct):
    """Two leads, and why they may be one person."""

    id: int
    lead: int
    lead_name: str | None
    """Null until it is known."""
    other: int
    other_name: str | None
    reason: str
    """same_phone, same_email, both_named or same_home."""
    said: str
    """What came in."""
    created_at: datetime


def listed(
    session: Session,
    *,
    lead_id: int | None = None,
    after: int = 0,
    limit: int = 50,
    reach: Reach = WHOLE_OFFICE,
) -> list[ProposalEntry]:
    """Those nobody has decided, the oldest first; only those of a lead if one is given, and only with both leads within
    reach. `after`: the last one's id."""
    one, other = aliased(Lead), aliased(Lead)
    found = (
        select(
            LeadProposal.id,
            LeadProposal.lead_id.label("lead"),
            one.name.label("lead_name"),
            LeadProposal.other_id.label("other"),
            other.name.label("other_name"),
            LeadProposal.reason,
            LeadProposal.said,
            LeadProposal.created_at,
        )
        .join(one, one.id == LeadProposal.lead_id)
        .join(other, other.id == LeadProposal.other_id)
        .where(LeadProposal.state == "open", LeadProposal.id > after)
        .where(*reached.of_leads(reach, LeadProposal.lead_id), *reached.of_leads(reach, LeadProposal.other_id))
        .order_by(LeadProposal.id)
        .limit(limit)
    )
    if lead_id is not None:
        found = found.where(or_(LeadProposal.lead_id == lead_id, LeadProposal.other_id == lead_id))
    return [ProposalEntry(**row._mapping) for row in session.execute(found)]
