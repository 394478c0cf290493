"""Whose lead it is: found by what somebody writes, or by a number; made when there is none."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.errors import Invalid, NotFound
from crm.edge import numbers
from crm.store.models import Lead, LeadPhone, Line
from crm.store.queries import leads, lines


def person(session: Session, config: Config, raw: str) -> tuple[Lead | None, str | None]:
    """Whom a person at the terminal means: the lead, and the number when one was written. Raises NotFound, Invalid."""
    if raw.isascii() and raw.isdigit() and len(raw) < 7:
        lead = leads.by_id(session, int(raw))
        if lead is None:
            raise NotFound(f"There is no lead {raw}.", code="lead_unknown", lead=raw)
        return lead, None
    number = numbers.parse(raw, config.region)
    if number is None:
        raise Invalid(
            "That is no lead and no telephone number: write a lead's number such as 12, or (512) 555-0100.",
            code="lead_or_number_invalid",
        )
    return leads.by_phone(session, number), number


def lead_of(session: Session, config: Config, raw: str, now: datetime) -> Lead:
    """The lead that `raw`, a lead's id or a telephone number, means; a number that is nobody's makes one.

    Raises NotFound, Invalid.
    """
    lead, number = person(session, config, raw)
    if lead is None:
        assert number is not None
        if lines.by_number(session, number):
            raise Invalid("That is one of our own lines: name somebody else.", code="number_is_ours")
        lead = by_number(session, number, None, now)
    return lead


def by_number(session: Session, number: str, line: Line | None, at: datetime) -> Lead:
    """Whose number it is, locked; made when nobody's."""
    lead = leads.by_phone(session, number, for_update=True)
    if lead is None:
        lead = Lead(
            status="new",
            created_at=at,
            phones=[LeadPhone(number=number)],
            interests=[],
            assigned_agent=None,
            source=line.source if line else "",
        )
        session.add(lead)
        session.flush()
    return lead
