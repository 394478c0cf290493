"""Lists of leads from elsewhere: read line by line and imported in slices, so that a long one neither fills memory nor
blocks others.

A line is imported completely or not at all. A rejected line is reported with the reason, and may be corrected and
imported again: existing leads only get what was missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from crm.config import Config
from crm.domain import lead_rows
from crm.domain.errors import Conflict, CrmError, Invalid
from crm.domain.leads import Happened, LeadKind, LeadStatus, LeadType
from crm.domain.tables import TableRecord
from crm.services.audit import By
from crm.services.people import contact_details, intake, opt_outs, timeline, wishes
from crm.services.people.list_checks import Check, CheckedLine
from crm.services.people.list_lookups import ListLine, LookedUp, ToLookUp
from crm.services.people.timeline import NewEntry
from crm.store.models import Lead

FIRST_SLICE, LARGEST_SLICE = 10, 100
"""Lines of one transaction."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that was not taken."""

    line: ListLine
    why: str


@dataclass(slots=True)
class SliceResult:
    """The outcome of a slice."""

    added: int = 0
    joined: int = 0
    """Lines of people who are leads already."""
    rejected: list[Rejected] = field(default_factory=list)


def lines(file: TextIO) -> tuple[list[str], Iterator[ListLine | Rejected]]:
    """Returns a list's column names as written, and its lines; unreadable ones come back rejected.

    Raises Invalid.
    """
    records, heads, columns = lead_rows.open_table(file)
    return heads, _lines(records, columns)


def _lines(records: Iterator[TableRecord], columns: Sequence[str]) -> Iterator[ListLine | Rejected]:
    for record in records:
        number, cells = record.line, record.cells
        if record.problem:
            yield Rejected(ListLine(number, cells, {}), record.problem[:1].upper() + record.problem[1:])
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if any(cell.strip() for cell in cells[len(columns) :]):
            why = f"It has {len(cells)} columns and the first line {len(columns)}: are quotes missing around a cell?"
            yield Rejected(ListLine(number, cells, {}), why)
            continue
        try:
            yield ListLine(number, cells, lead_rows.values(columns, cells))
        except Invalid as error:
            yield Rejected(ListLine(number, cells, {}), str(error))


@dataclass(slots=True)
class ListTotal:
    """The outcome of a whole list."""

    added: int = 0
    joined: int = 0
    rejected: int = 0
    first_rejects: list[str] = field(default_factory=list)
    """Some of them, with their reasons."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of a slice, and what in the database that rests on."""

    asked: ToLookUp
    known: LookedUp
    new: list[tuple[Lead, list[CheckedLine]]] = field(default_factory=list)
    """Leads as they will be, each with the lines about them."""
    joined: list[tuple[int, CheckedLine]] = field(default_factory=list)
    """Ids of leads that exist, with lines that say more of them."""
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def result(self) -> SliceResult:
        again = sum(len(people) - 1 for _, people in self.new)
        return SliceResult(len(self.new), len(self.joined) + again, list(self.rejected))


def plan(session: Session, config: Config, by: By, some: Sequence[ListLine], source: str) -> Plan:
    """Decides what becomes of a slice, writing nothing: that takes longer than to write it, so it is done before others
    have to wait. `source` is for leads without one of their own."""
    asked = ToLookUp.by(config, some)
    return _planned(session, config, by, some, source, asked, LookedUp.read(session, asked))


def take(session: Session, config: Config, by: By, some: Sequence[ListLine], planned: Plan, source: str) -> SliceResult:
    """Writes a slice as planned, in one transaction.

    What the plan rests on is compared first, in one statement, and a slice with which something has happened since is
    planned again.
    """
    asked = planned.asked.with_first_erasure(config)
    while True:
        cards = _locked(session, planned)
        known = LookedUp.read(session, asked)
        if known == planned.known:
            break
        planned = _planned(session, config, by, some, source, asked, known)
    intake.write_new(session, [lead for lead, _ in planned.new])
    told: list[NewEntry] = []
    for lead, people in planned.new:
        told += _told(by, lead.id, people, f"Imported from {source}.")
        for person in people:
            _refuse(session, by, person, source, known)
    for lead_id, person in planned.joined:
        _fill(config, cards[lead_id], person, source)
        told += _told(by, lead_id, [person])
        _refuse(session, by, person, source, known)
    session.flush()
    timeline.enter_new(session, told)
    return planned.result


def _planned(
    session: Session, config: Config, by: By, some: Sequence[ListLine], source: str, asked: ToLookUp, known: LookedUp
) -> Plan:
    check = Check(session, config, by, asked, known)
    planned = Plan(asked, known)
    owners: dict[str, int | tuple[Lead, list[CheckedLine]]] = dict(known.owners)
    for line in some:
        try:
            person = check.line(line)
            owner = _owner_of(person, owners, known, config)
            if owner is None:
                check.new(person)
        except CrmError as error:
            planned.rejected.append(Rejected(line, str(error)))
            continue
        if isinstance(owner, int):
            planned.joined.append((owner, person))
        elif owner is None:
            owner = _new(person), []
            planned.new.append(owner)
        if not isinstance(owner, int):
            lead, people = owner
            people.append(person)
            _fill(config, lead, person, source)
        owners |= dict.fromkeys(person.identities, owner)
    return planned


def _owner_of(
    person: CheckedLine, owners: Mapping[str, int | tuple[Lead, list[CheckedLine]]], known: LookedUp, config: Config
) -> int | tuple[Lead, list[CheckedLine]] | None:
    """Whose details a line gives: a lead's that exists, or one's that an earlier line is about. Raises Conflict."""
    given = person.identities or [person.as_nobody]
    found = {
        str(owner) if isinstance(owner, int) else id(owner[0]): owner for one in given if (owner := owners.get(one))
    }
    gone = [known.erased[one] for one in person.identities if one in known.erased]
    if gone and not found:
        when = f"{gone[-1].astimezone(config.tz):%Y-%m-%d}"
        raise Conflict(
            f"This person was erased on {when}: if they are back, enter them by hand.", code="list_line_erased"
        )
    if len(found) > 1:
        named = [
            f"lead {one}" if isinstance(one, int) else f"the person of line {one[1][0].line.number}"
            for one in found.values()
        ]
        raise Conflict(f"Its numbers and addresses belong to {' and '.join(named)}.", code="list_line_of_several")
    return next(iter(found.values()), None)


def _locked(session: Session, planned: Plan) -> dict[int, Lead]:
    """The leads that exist already, with what a list may add to."""
    ids = {lead_id for lead_id, _ in planned.joined}
    if not ids:
        return {}
    whole = (selectinload(Lead.phones), selectinload(Lead.emails), selectinload(Lead.interests))
    found = select(Lead).where(Lead.id.in_(ids)).options(*whole).order_by(Lead.id)
    found = found.with_for_update(of=Lead, key_share=True).execution_options(populate_existing=True)
    return {lead.id: lead for lead in session.scalars(found)}


def _new(person: CheckedLine) -> Lead:
    values = person.line.values
    status = LeadStatus(values.get("status", LeadStatus.NEW))
    lead = intake.from_list(person.created)
    lead.kind = values.get("kind", LeadKind.TENANT).lower()
    lead.status = status
    lead.is_hot = status != LeadStatus.CLOSED and values.get("type", LeadType.HOT) == LeadType.HOT
    lead.closed_because = values.get("closed_because", "") if status == LeadStatus.CLOSED else ""
    lead.last_contact_at, lead.first_answer_at = person.contact, person.answer
    return lead


def _fill(config: Config, lead: Lead, person: CheckedLine, source: str) -> None:
    values = person.line.values
    lead.name = lead.name or values.get("name") or None
    numbers_known = {phone.number for phone in lead.phones}
    for number in person.phones:
        if number not in numbers_known:
            intake.add_number(lead, number)
    addresses_known = {email.address for email in lead.emails}
    for address in person.emails:
        is_relay = contact_details.is_relay(config, address)
        if not is_relay:
            lead.email = lead.email or address
        if address.lower() not in addresses_known:
            intake.add_address(lead, address, is_relay=is_relay)
    lead.source = lead.source or values.get("source", "") or ("" if person.line.is_of_ours else source[:60])
    lead.language = lead.language or values.get("language", "")
    wishes.complete(lead, person.wishes)
    if person.agent_id is not None and lead.assigned_agent_id is None:
        lead.assigned_agent_id = person.agent_id
    at = person.contact or person.created
    theirs = {interest.property_id for interest in lead.interests}
    for order, (property_id, unit_id, stage) in enumerate(person.interests):
        if property_id not in theirs:
            theirs.add(property_id)
            moment = at.replace(microsecond=min(order, 999_999)) if order else at
            interest = intake.interest_in(lead, property_id, moment)
            interest.unit_id, interest.stage, interest.stage_since = unit_id, stage, at


def _refuse(session: Session, by: By, person: CheckedLine, source: str, known: LookedUp) -> None:
    """Enters who wants no texts, or no news, into the ledger."""
    evidence = f"{by.who}: imported from {source}"
    for refused in person.opted_out:
        if refused in known.refused:
            continue
        if "@" in refused:
            opt_outs.no_news(session, refused, source="admin", evidence=evidence, now=by.now)
        else:
            opt_outs.enter(session, refused, source="admin", evidence=evidence, now=by.now)


def _told(by: By, lead_id: int, people: Sequence[CheckedLine], came: str = "") -> Iterator[NewEntry]:
    """How a new lead came, and the notes of the lines about them, for their timeline."""
    if came:
        key = f"import:{lead_id}:{by.now.isoformat()}:{people[0].line.number}"
        yield NewEntry(lead_id, Happened.ENTERED, came, by.now, key, by.who)
    for person in people:
        if note := person.line.values.get("note"):
            key = f"import-note:{lead_id}:{by.now.isoformat()}:{person.line.number}"
            yield NewEntry(lead_id, Happened.NOTE, note, person.created, key, by.who)
