"""Leads that may be the same person: proposed when something comes in, and decided by a person.

Leads are never merged because they look alike, and nothing is lost because they do not: details that contradict the
known ones make a new lead.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crm.domain.errors import Conflict, NotFound
from crm.domain.leads import Happened
from crm.domain.merging import ProposalReason, pair_of
from crm.edge import names
from crm.services import audit
from crm.services.audit import By
from crm.services.people import timeline
from crm.store.models import Interest, Lead, LeadProposal, Property

OPEN, MERGED, DISMISSED = "open", "merged", "dismissed"
LOOKED_AT = 100
"""How many leads' names are compared with a new one's."""


def propose(
    session: Session, one: Lead, other: Lead, reason: ProposalReason, said: str, now: datetime
) -> LeadProposal | None:
    """Proposes that two leads are one person, because of what came in (`said`: a sentence for people).

    None if such a proposal is already open, or if somebody has decided that they are two people.
    """
    pair = pair_of(one.id, other.id)
    known = select(LeadProposal.id).where(LeadProposal.pair == pair, LeadProposal.state.in_((OPEN, DISMISSED)))
    if session.scalar(known.limit(1)) is not None:
        return None
    first, second = sorted((one.id, other.id))
    made = LeadProposal(
        lead_id=first, other_id=second, pair=pair, reason=reason, said=said, state=OPEN, created_at=now, decided_by=""
    )
    session.add(made)
    session.flush()
    for key, lead, may_be in zip(entries_of(made), (one, other), (other, one), strict=False):
        told = f"May be the same person as lead {may_be.id} ({may_be.name or 'name unknown'}): {said}"
        timeline.enter(session, lead.id, Happened.IDENTITY, told, now, key=key, is_new=True)
    return made


def entries_of(proposal: LeadProposal) -> tuple[str, str, str, str]:
    """Keys of the entries in the two timelines: of the proposal, and of the decision, which may not exist yet."""
    key = f"proposal:{proposal.id}"
    return f"{key}:one", f"{key}:other", f"{key}:one:dismissed", f"{key}:other:dismissed"


def look_for_alike(session: Session, lead: Lead, property: Property | None, now: datetime) -> None:
    """Proposes the latest lead with a similar name that asked about the same home, if there is one."""
    unit_id = next((one.unit_id for one in lead.interests if property and one.property_id == property.id), None)
    if not lead.name or unit_id is None or property is None:
        return
    found = (
        select(Lead)
        .join(Interest, Interest.lead_id == Lead.id)
        .where(Interest.unit_id == unit_id, Lead.id != lead.id)
        .order_by(Interest.lead_id.desc())
        .limit(LOOKED_AT)
    )
    for other in session.scalars(found):
        if other.name and names.are_alike(lead.name, other.name):
            said = f"Both ask about the same home at {property.name}, and their names are alike."
            propose(session, lead, other, ProposalReason.SAME_HOME, said, now)
            return


def in_words(session: Session, lead: Lead) -> list[str]:
    """Sentences on who else a lead may be, for the notice to its owner."""
    of_lead = or_(LeadProposal.lead_id == lead.id, LeadProposal.other_id == lead.id)
    found = session.scalars(select(LeadProposal).where(of_lead, LeadProposal.state == OPEN).order_by(LeadProposal.id))
    return [f"May be lead {one.other_id if one.lead_id == lead.id else one.lead_id}." for one in found]


def dismiss(session: Session, by: By, proposal_id: int) -> LeadProposal:
    """Decides that they are two people; they are not proposed again. Raises NotFound, Conflict."""
    proposal = session.get(LeadProposal, proposal_id, with_for_update=True)
    if proposal is None:
        raise NotFound(f"There is no proposal {proposal_id}.", code="proposal_unknown")
    if proposal.state != OPEN:
        raise Conflict(f"Proposal {proposal_id} was already {proposal.state}.", code="proposal_decided")
    proposal.state, proposal.decided_at, proposal.decided_by = DISMISSED, by.now, by.who[:80]
    both = (proposal.lead_id, proposal.other_id), (proposal.other_id, proposal.lead_id)
    for key, (lead_id, other_id) in zip(entries_of(proposal)[2:], both, strict=True):
        told = f"Is not the same person as lead {other_id}."
        timeline.enter(session, lead_id, Happened.IDENTITY, told, by.now, key=key, by=by.who, is_new=True)
    audit.record(session, by, f"leads {proposal.lead_id} and {proposal.other_id} are not one person")
    return proposal
