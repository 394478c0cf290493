"""The state of a lead, and the one way in which events change it."""

from __future__ import annotations

from datetime import datetime

from crm.domain.leads import LeadEvent, LeadStanding, standing_after
from crm.store.models import Lead


def happened(lead: Lead, event: LeadEvent, at: datetime) -> None:
    """Applies `event` to the status, type and contact times. Idempotent."""
    before = LeadStanding(lead.status, lead.is_hot, lead.last_contact_at, lead.first_answer_at)
    after = standing_after(before, event, at)
    if after == before:
        return
    lead.status, lead.is_hot = after.status, after.is_hot
    lead.last_contact_at, lead.first_answer_at = after.last_contact_at, after.first_answer_at
    if before.status != after.status:
        lead.closed_because = ""
