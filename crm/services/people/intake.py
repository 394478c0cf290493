"""The door to guest cards: whose lead it is, found or made; by which line they came, and which home they ask about."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.errors import Invalid, NotFound
from crm.domain.leads import LeadStatus, LeasingStage
from crm.edge import numbers
from crm.services.people.identity import who_is
from crm.store.models import Interest, Lead, LeadPhone, Line
from crm.store.queries import leads


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
    """The lead that `raw`, a lead's id or a telephone number, means, locked; a number that is nobody's makes one.

    Raises NotFound, Invalid.
    """
    lead, number = person(session, config, raw)
    if lead is not None:
        locked = leads.by_id(session, lead.id, for_update=True)
        assert locked is not None
        return locked
    assert number is not None
    if who_is(session, number).is_line:
        raise Invalid("That is one of our own lines: name somebody else.", code="number_is_ours")
    return by_number(session, number, now)


def by_number(session: Session, number: str, at: datetime, *, nameless: Lead | None = None) -> Lead:
    """Whose number (E.164) it is, locked; made when nobody's.

    Of two who make it at once one fails on the unique number, and finds it when the store tries again. `nameless` is
    the lead that a call made before its caller's number was known: it gets the number, or gives way to whose it is.
    """
    lead = leads.by_phone(session, number, for_update=True)
    if lead is None:
        lead = nameless or _make(session, at)
        lead.phones.append(LeadPhone(number=number))
    elif nameless:
        # What hangs on it moves with the call.
        session.delete(nameless)
    session.flush()
    return lead


def without_number(session: Session, at: datetime) -> Lead:
    """A lead for somebody who withholds the number: nothing tells whether they have been here before."""
    lead = _make(session, at)
    session.flush()
    return lead


def came_by(lead: Lead, line: Line | None) -> None:
    """The source of the first line that they call, or write to, is where they come from."""
    lead.source = lead.source or (line.source if line else "")


def interest_in(lead: Lead, property_id: int, at: datetime) -> Interest:
    """The lead's interest in a property, of which something was heard at `at`; made when it is the first."""
    interest = next((found for found in lead.interests if found.property_id == property_id), None)
    if interest is None:
        interest = Interest(property_id=property_id, stage=LeasingStage.CONTACTED, updated_at=at)
        lead.interests.append(interest)
    interest.updated_at = max(interest.updated_at, at)
    return interest


def _make(session: Session, at: datetime) -> Lead:
    lead = Lead(status=LeadStatus.NEW, source="", created_at=at, phones=[], interests=[], assigned_agent=None)
    session.add(lead)
    return lead
