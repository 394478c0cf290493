"""The one door to guest cards: finds or creates a person's lead, and records how they came and what interests them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields
from crm.domain.errors import Invalid, NotFound
from crm.domain.leads import Happened, LeadStatus, LeasingStage
from crm.domain.merging import ProposalReason
from crm.edge import names, numbers
from crm.services.office import numbering
from crm.services.people import contact_details, proposals, timeline
from crm.store.models import Interest, Lead, LeadEmail, LeadPhone, Line, table_of
from crm.store.models.base import Base
from crm.store.queries import leads
from crm.store.snapshot import KnownLine


def person(session: Session, config: Config, raw: str | int) -> tuple[Lead | None, str | None]:
    """Finds the lead named by an id, a phone number or an email address; an int is always an id.

    The id of a lead that was merged into another finds that one. Returns the lead, and the number if one was written.
    Raises NotFound, Invalid.
    """
    if isinstance(raw, int) or (raw.isascii() and raw.isdigit() and len(raw) < 7):
        lead = leads.by_id(session, int(raw)) or leads.merged_from(session, int(raw))
        if lead is None and (at := leads.erased_at(session, int(raw))):
            raise NotFound(f"Lead {raw} was erased on {at:%Y-%m-%d}.", code="lead_erased", lead=str(raw))
        if lead is None:
            raise NotFound(f"There is no lead {raw}.", code="lead_unknown", lead=str(raw))
        return lead, None
    if "@" in raw:
        lead = leads.by_address(session, _address(raw))
        if lead is None:
            raise NotFound("There is no lead with this email address.", code="lead_unknown")
        return lead, None
    number = numbers.typed(raw, config.region, config.area_code)
    if number is None:
        numbering.check_area_code(raw, config.region, config.area_code)
        raise Invalid(
            "That is neither a lead nor a phone number: write a lead's number such as 12, or (512) 555-0100.",
            code="lead_or_number_invalid",
        )
    return leads.by_phone(session, number), number


def lead_of(session: Session, config: Config, raw: str | int, now: datetime) -> Lead:
    """The lead with this id, phone number or email address, locked; created if a number or address is new.

    Raises NotFound, Invalid; Conflict for a colleague's number.
    """
    if isinstance(raw, str) and "@" in raw:
        if leads.by_address(session, _address(raw)) is None:
            contact_details.read_address(session, config, raw)
        return by_address(session, raw, now)
    lead, number = person(session, config, raw)
    if lead is not None:
        locked = leads.by_id(session, lead.id, for_update=True)
        assert locked is not None
        return locked
    assert number is not None
    return by_number(session, contact_details.read_number(session, config, number), now)


def by_number(session: Session, number: str, at: datetime, *, nameless: Lead | None = None) -> Lead:
    """The lead with this number (E.164), locked; created if there is none.

    If two create it at once, one fails on the unique number and finds it when the store tries again. `nameless` is the
    lead that a call created before its caller's number was known: it gets the number, or is replaced by the lead that
    has it.
    """
    lead = leads.by_phone(session, number, for_update=True)
    if lead is None:
        lead = nameless or _make(session, at)
        lead.phones.append(LeadPhone(number=number))
    elif nameless:
        # Everything attached to it moves with the call.
        session.delete(nameless)
    session.flush()
    return lead


def make(session: Session, number: str, at: datetime) -> Lead:
    """A lead for a number (E.164) known to be nobody's, which gets its id when the session is flushed.

    If two create it at once, one fails as with `by_number`.
    """
    lead = _make(session, at)
    lead.phones.append(LeadPhone(number=number))
    return lead


def add_number(lead: Lead, number: str) -> None:
    """Adds a number (E.164) that belongs to no lead yet."""
    lead.phones.append(LeadPhone(number=number))


def add_address(lead: Lead, address: str, *, is_relay: bool = False) -> None:
    """Adds an email address that belongs to no lead yet."""
    lead.emails.append(LeadEmail(address=address.lower(), is_relay=is_relay))


def from_list(at: datetime) -> Lead:
    """A new lead, for numbers and addresses that are known to be new. It is in no session: `write_new` writes it."""
    return Lead(status=LeadStatus.NEW, source="", created_at=at, phones=[], emails=[], interests=[])


def write_new(session: Session, found: Sequence[Lead]) -> None:
    """Writes leads that are in no session, with their numbers, addresses and interests, and gives them their ids. To
    flush them would hold the lock for several times as long."""
    if not found:
        return
    connection = session.connection()
    table = table_of(Lead.__tablename__)
    made = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    ids = connection.execute(made, [_row(lead) for lead in found]).scalars().all()
    for lead, id in zip(found, ids, strict=True):
        lead.id = id
    for of in ("phones", "emails", "interests"):
        parts = [(one, lead.id) for lead in found for one in getattr(lead, of)]
        if parts:
            rows = [_row(one) | {"lead_id": lead_id} for one, lead_id in parts]
            connection.execute(insert(table_of(parts[0][0].__tablename__)), rows)


def _row(of: Base) -> dict[str, Any]:
    """Its columns, with their defaults, but without an id."""
    given = vars(of)
    return {
        name: default if (value := given.get(name)) is None else value
        for name, default in _columns(of.__tablename__).items()
    }


@functools.cache
def _columns(table: str) -> dict[str, Any]:
    """A table's columns with their defaults, without its id."""
    columns = [column for column in table_of(table).columns if not column.primary_key]
    return {one.key: getattr(one.default, "arg", None) for one in columns}


def by_address(session: Session, raw: str, at: datetime) -> Lead:
    """The lead with this email address, locked; created if there is none, like `by_number`. Raises Invalid if it is not
    an address."""
    address = _address(raw)
    lead = leads.by_address(session, address, for_update=True)
    if lead is None:
        lead = _make(session, at)
        lead.email = address
        lead.emails.append(LeadEmail(address=address))
    session.flush()
    return lead


def by_known_address(session: Session, raw: str) -> int | None:
    """The id of the lead that an email address finds. Raises Invalid if it is not an address."""
    lead = leads.by_address(session, _address(raw))
    return lead.id if lead else None


def write_address(session: Session, lead: Lead, raw: str) -> None:
    """Sets the address that a lead's mail goes to, and that finds them; empty for none. Raises Invalid.

    An address shared by two people finds the one who had it first, for as long as they keep it.
    """
    lead.email = fields.email(raw)
    address = lead.email.lower()
    gone = [one for one in lead.emails if one.address != address]
    lead.emails = [one for one in lead.emails if one.address == address]
    session.flush()
    for one in gone:
        if heir := leads.first_with(session, one.address):
            heir.emails.append(LeadEmail(address=one.address))
    if address and leads.by_address(session, address) is None:
        lead.emails.append(LeadEmail(address=address))


def without_number(session: Session, at: datetime) -> Lead:
    """A lead for a caller who withholds their number: nothing tells whether they have called before."""
    lead = _make(session, at)
    session.flush()
    return lead


@dataclass(frozen=True)
class Introduced:
    """How somebody introduced themselves in writing."""

    name: str = ""
    address: str = ""
    """Email address; empty: none given."""
    number: str | None = None
    """E.164; None: none given."""
    relay: str = ""
    """A portal's address that forwards mail to them: it can be answered, but is nobody's own; empty: none."""


def own(session: Session, config: Config, who: Introduced) -> Introduced:
    """Drops numbers and addresses that are the office's, whatever a form says, and treats a portal's address as a
    relay."""
    number, address, relay = contact_details.own_number(session, who.number), who.address, who.relay
    if contact_details.is_relay(config, address):
        address, relay = "", address
    if contact_details.is_ours(session, config, address):
        address = ""
    return replace(who, address=address, number=number, relay=relay)


def introduced(session: Session, config: Config, who: Introduced, now: datetime) -> Lead:
    """The lead of somebody who wrote, locked: found by their address, else by number, else by the relay, else created.

    Missing details are added; known ones are never overwritten. A known number with another name and address, or a
    known address with another name and number, may be somebody else: they get a lead of their own, and a person decides
    whether the two are one. The same is proposed when address and number are those of two leads. Raises Invalid for an
    invalid address.
    """
    who = own(session, config, who)
    number = who.number
    by_its_address = leads.by_address(session, who.address.lower(), for_update=True) if who.address else None
    by_its_number = leads.by_phone(session, number, for_update=True) if number else None
    relay = who.relay.lower()
    through = leads.by_address(session, relay, for_update=True) if relay else None
    lead = by_its_address or by_its_number or through
    if lead is not None and (reason := _contradicts(lead, who, number, by_its_address, by_its_number)):
        return _somebody_else(session, lead, who, number, reason, now)
    if lead is None:
        lead = _new(session, who, number, now)
    if number and by_its_number is None and number not in [phone.number for phone in lead.phones]:
        add_number(lead, number)
    if who.address and leads.by_address(session, who.address.lower()) is None:
        if not lead.email:
            write_address(session, lead, who.address)
        else:
            add_address(lead, who.address)
    if relay and through is None and leads.by_address(session, relay) is None:
        add_address(lead, relay, is_relay=True)
    lead.name = lead.name or who.name or None
    session.flush()
    if who.name and not names.are_same(lead.name or "", who.name):
        key = f"named:{lead.id}:{sha256(who.name.casefold().encode()).hexdigest()[:16]}"
        timeline.enter(session, lead.id, Happened.IDENTITY, f"Gave the name {who.name}.", now, key=key)
    if by_its_address and by_its_number and by_its_address is not by_its_number:
        said = f"{who.name or 'Somebody'} gave {who.address} and {number}, which are theirs."
        proposals.propose(session, by_its_address, by_its_number, ProposalReason.BOTH_NAMED, said, now)
    return lead


def _new(session: Session, who: Introduced, number: str | None, now: datetime) -> Lead:
    if number:
        return by_number(session, number, now)
    return by_address(session, who.address, now) if who.address else without_number(session, now)


def _contradicts(
    lead: Lead, who: Introduced, number: str | None, by_its_address: Lead | None, by_its_number: Lead | None
) -> ProposalReason | None:
    """Why the writer may be somebody other than the lead that was found; None if nothing suggests it."""
    if not (who.name and lead.name and number and who.address) or names.are_same(lead.name, who.name):
        return None
    if by_its_address is None and any(not one.is_relay for one in lead.emails):
        return ProposalReason.SAME_PHONE
    if by_its_address is not None and by_its_number is None and lead.phones:
        return ProposalReason.SAME_EMAIL
    return None


def _somebody_else(
    session: Session, known: Lead, who: Introduced, number: str | None, reason: ProposalReason, now: datetime
) -> Lead:
    """Creates a lead of their own, with the details that are not the known lead's."""
    if reason is ProposalReason.SAME_PHONE:
        lead = by_address(session, who.address, now)
        said = f"{who.name} ({who.address}) gave {number}, the number of {known.name}."
    else:
        assert number is not None
        lead = by_number(session, number, now)
        # Mail to them goes there; mail from there finds the lead who had the address first.
        lead.email = fields.email(who.address)
        said = f"{who.name} ({number}) gave {who.address}, the address of {known.name}."
    lead.name = who.name
    session.flush()
    proposals.propose(session, known, lead, reason, said, now)
    return lead


def came_by(lead: Lead, line: Line | KnownLine | None) -> None:
    """Sets where they came from: the source of the first line they call or text."""
    lead.source = lead.source or (line.source if line else "")


def interest_in(lead: Lead, property_id: int, at: datetime) -> Interest:
    """The lead's interest in a property, created if it is new; `at` is when something was last heard of it."""
    interest = next((found for found in lead.interests if found.property_id == property_id), None)
    if interest is None:
        interest = Interest(property_id=property_id, stage=LeasingStage.CONTACTED, updated_at=at)
        lead.interests.append(interest)
    interest.updated_at = max(interest.updated_at, at)
    return interest


def _make(session: Session, at: datetime) -> Lead:
    # `assigned_agent` is not set here: it would overwrite the id that names the agent.
    lead = Lead(status=LeadStatus.NEW, source="", created_at=at, phones=[], emails=[], interests=[])
    session.add(lead)
    return lead


def _address(raw: str) -> str:
    """Normalizes an email address to find its lead, whatever its case. Raises Invalid."""
    address = fields.email(raw).lower()
    if not address:
        raise Invalid("That is not an email address: write one like pat@example.com.", code="email_invalid")
    return address
