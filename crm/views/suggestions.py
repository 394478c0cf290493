"""What was understood from what leads said, and waits for a person."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.store.models import Suggestion


class SuggestionEntry(msgspec.Struct):
    """Something understood, with the words that it comes from."""

    id: int
    lead: int
    field: str
    """name, number, property, bedrooms, move_in, budget or pets."""
    value: str
    words: str
    call: str | None
    """In whose voicemail they were said; null when the call is gone."""
    second: int
    """Of the recording, in which the words begin."""
    created_at: datetime


def listed(session: Session, lead_id: int | None = None, *, limit: int = 50) -> list[SuggestionEntry]:
    """Those that are open, of one lead or of all, oldest first."""
    found = select(Suggestion).where(Suggestion.state == "open").order_by(Suggestion.id).limit(limit)
    if lead_id is not None:
        found = found.where(Suggestion.lead_id == lead_id)
    return [
        SuggestionEntry(one.id, one.lead_id, one.field, one.value, one.words, one.call_id, one.second, one.created_at)
        for one in session.scalars(found)
    ]
