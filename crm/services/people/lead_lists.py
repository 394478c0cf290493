"""Lists of leads from elsewhere: read line by line and imported in slices, so that a long one neither fills memory nor
blocks others.

A line is imported completely or not at all. A rejected line is reported with the reason, and may be corrected and
imported again: existing leads only get what was missing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TextIO

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session, selectinload

from crm.config import Config
from crm.domain import fields, lead_rows
from crm.domain.errors import CrmError, Invalid, NotFound
from crm.domain.leads import Happened, LeadKind, LeadStatus, LeadType, LeasingStage
from crm.edge import numbers
from crm.services.audit import By
from crm.services.people import contact_details, erasing, intake, opt_outs, timeline, wishes
from crm.services.people.leads import LONGEST_NOTE, read_kind, read_language
from crm.store.models import Agent, Lead, LeadEmail, LeadPhone, Property, Unit
from crm.store.queries import opt_outs as opt_out_queries

FIRST_SLICE, LARGEST_SLICE = 25, 200
"""Lines of one transaction."""


@dataclass(frozen=True, slots=True)
class ListLine:
    """A line of the list."""

    number: int
    """From 1, the first line being the names of the columns."""
    cells: list[str]
    values: Mapping[str, str]
    """By column, without empty values."""


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
    reader, heads, columns = lead_rows.open_table(file)
    return heads, _lines(reader, columns)


def _lines(reader: Iterator[list[str]], columns: Sequence[str]) -> Iterator[ListLine | Rejected]:
    number = 1
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Rejected(ListLine(number, [], {}), f"It cannot be read ({error}).")
            continue
        if not any(cell.strip() for cell in cells):
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


@dataclass(slots=True)
class _Person:
    """A line that was checked."""

    line: ListLine
    phones: list[str]
    emails: list[str]
    interests: list[tuple[Property, int | None, LeasingStage]]
    agent: Agent | None
    created: datetime
    contact: datetime | None
    answer: datetime | None


def take(session: Session, config: Config, by: By, some: Sequence[ListLine], source: str) -> SliceResult:
    """Imports a slice of a list in one transaction; `source` is for leads without one of their own."""
    taken = SliceResult()
    known = _Named(session, config, some)
    people: list[_Person] = []
    for line in some:
        try:
            people.append(known.check(line, by))
        except CrmError as error:
            taken.rejected.append(Rejected(line, str(error)))
    found = _Leads(session, people)
    identities = [what for person in people for what in (*person.phones, *map(str.lower, person.emails))]
    gone = erasing.erased(session, config, identities)
    filled: list[tuple[Lead, _Person, bool]] = []
    for person in people:
        forgotten = [gone[what] for what in (*person.phones, *map(str.lower, person.emails)) if what in gone]
        if forgotten and not found.of(person):
            when = f"{forgotten[-1].astimezone(config.tz):%Y-%m-%d}"
            why = f"This person was erased on {when}: if they are back, enter them by hand."
            taken.rejected.append(Rejected(person.line, why))
            continue
        owners = found.of(person)
        if len(owners) > 1:
            # So that new leads from lines above have ids.
            session.flush()
            which = " and ".join(str(lead.id) for lead in owners)
            taken.rejected.append(Rejected(person.line, f"Its numbers and addresses belong to leads {which}."))
            continue
        is_new = not owners
        lead = owners[0] if owners else _new(session, person)
        _fill(session, config, by, lead, person, source)
        filled.append((lead, person, is_new))
        found.remember(lead, person)
        taken.added += is_new
        taken.joined += not is_new
    # All at once, since a statement for each takes three times as long.
    session.flush()
    for lead, person, is_new in filled:
        _tell(session, by, lead, person, source, is_new)
    session.flush()
    return taken


def rehearse(session: Session, config: Config, by: By, some: Sequence[ListLine], source: str) -> SliceResult:
    """Does the same as `take`, and keeps nothing of it."""
    before = session.begin_nested()
    try:
        return take(session, config, by, some, source)
    finally:
        before.rollback()


class _Named:
    """What the lines of a slice name, looked up for all of them at once."""

    def __init__(self, session: Session, config: Config, some: Iterable[ListLine]) -> None:
        self._session, self._config = session, config
        names = {name.lower() for line in some for name, _, _ in lead_rows.interests(line.values)}
        named = select(Property).where(or_(Property.slug.in_(names), func.lower(Property.name).in_(names)))
        properties = session.scalars(named).all() if names else ()
        self._properties = {one.name.lower(): one for one in properties} | {one.slug: one for one in properties}
        agents = {line.values["agent"] for line in some if "agent" in line.values}
        rows = session.scalars(select(Agent).where(Agent.slug.in_(agents))).all() if agents else ()
        self._agents = {agent.slug: agent for agent in rows}
        self._units: dict[tuple[int, str], int] = {}
        if any(unit for line in some for _, unit, _ in lead_rows.interests(line.values)):
            ids = {one.id for one in properties}
            for id, property_id, name in session.execute(
                select(Unit.id, Unit.property_id, Unit.name).where(Unit.property_id.in_(ids))
            ):
                self._units[property_id, name.lower()] = id
        self._read: dict[str, str] = {}
        for line in some:
            for raw in lead_rows.several(line.values.get("phones", "")):
                self._read[raw] = numbers.typed(raw, config.region, config.area_code) or ""
        read = [number for number in self._read.values() if number]
        self._our_numbers = contact_details.our_numbers(session, read)
        emails = {email for line in some for email in lead_rows.several(line.values.get("emails", ""))}
        self._our_addresses = contact_details.ours(session, config, emails)

    def check(self, line: ListLine, by: By) -> _Person:
        """Checks a line. Raises CrmError with the reason it is rejected."""
        values = line.values
        phones = []
        for raw in lead_rows.several(values.get("phones", "")):
            number = self._read[raw]
            if not number:
                raise Invalid(f"{raw[:40]!a} is not a phone number.", code="number_invalid")
            if number in self._our_numbers:
                raise Invalid(f"{number} is a number of the office.", code="number_is_ours")
            phones.append(number)
        emails = [fields.email(raw) for raw in lead_rows.several(values.get("emails", ""))]
        addresses = [email.lower() for email in emails]
        if ours := self._our_addresses.intersection(addresses):
            raise Invalid(f"{min(ours)} is an email address of the office.", code="address_is_ours")
        for raw in lead_rows.several(values.get("opted_out", "")):
            if (
                numbers.typed(raw, self._config.region, self._config.area_code) not in phones
                and raw.lower() not in addresses
            ):
                raise Invalid(
                    f"{raw[:40]!a} is marked as opted out, but is not a number or address in this row.",
                    code="opt_out_not_theirs",
                )
        fields.text(values.get("name", ""), "name", 200)
        # Our own exports contain people who withheld their number and left no other details.
        is_nobody_of_ours = "id" in values and "created" in values
        if not (phones or emails or values.get("name") or is_nobody_of_ours):
            raise Invalid(
                "It names nobody: a name, a phone number or an email address is needed.", code="lead_nameless"
            )
        if "kind" in values:
            read_kind(self._session, values["kind"].lower())
        _choice(LeadType, values, "type")
        _choice(LeadStatus, values, "status")
        read_language(self._config, values.get("language", ""))
        wishes.read(**_wishes(values))
        fields.text(values.get("source", ""), "source", 60)
        fields.text(values.get("closed_because", ""), "reason", 300)
        if len(values.get("note", "")) > LONGEST_NOTE:
            raise Invalid(f"The note has more than {LONGEST_NOTE} characters.", code="text_too_long")
        agent = self._agents.get(values.get("agent", ""))
        if "agent" in values and agent is None:
            slug = values["agent"][:40]
            raise NotFound(f"There is no agent {slug!a}.", code="agent_unknown", agent=slug)
        created = self._time(values, "created", by) or by.now
        return _Person(
            line,
            list(dict.fromkeys(phones)),
            list(dict.fromkeys(emails)),
            [self._interest(*one) for one in lead_rows.interests(values)],
            agent,
            created,
            self._time(values, "last_contact", by),
            self._time(values, "first_answer", by),
        )

    def _interest(self, property: str, unit: str, stage: str) -> tuple[Property, int | None, LeasingStage]:
        found = self._properties.get(property.lower())
        if found is None:
            raise NotFound(f"There is no property {property[:40]!a}.", code="property_unknown")
        unit_id = self._units.get((found.id, unit.lower())) if unit else None
        if unit and unit_id is None:
            raise NotFound(f"{found.name} has no unit {unit[:40]!a}.", code="unit_unknown")
        try:
            return found, unit_id, LeasingStage(stage or LeasingStage.CONTACTED)
        except ValueError:
            raise Invalid(f"{stage[:40]!a} is not a stage.", code="stage_unknown") from None

    def _time(self, values: Mapping[str, str], column: str, by: By) -> datetime | None:
        if column not in values:
            return None
        at = fields.moment(values[column].upper().replace("Z", "+00:00"), self._config.tz, by.now)
        if at > by.now:
            raise Invalid(f"{column.replace('_', ' ')} is in the future.", code="time_in_future")
        return at


class _Leads:
    """The leads that these numbers and addresses belong to; it grows with the slice, because a person may be in it
    twice."""

    def __init__(self, session: Session, people: Sequence[_Person]) -> None:
        phones = [number for person in people for number in person.phones]
        emails = [address.lower() for person in people for address in person.emails]
        owners: dict[str, int] = {}
        by_number = select(LeadPhone.number, LeadPhone.lead_id).where(LeadPhone.number.in_(phones))
        by_address = select(LeadEmail.address, LeadEmail.lead_id).where(LeadEmail.address.in_(emails))
        for found_by in (by_number, by_address):
            owners.update(dict(session.execute(found_by).all()))
        cards = {}
        if owners:
            whole = (selectinload(Lead.phones), selectinload(Lead.emails), selectinload(Lead.interests))
            found = select(Lead).where(Lead.id.in_(set(owners.values()))).options(*whole).order_by(Lead.id)
            cards = {lead.id: lead for lead in session.scalars(found.with_for_update(of=Lead, key_share=True))}
        self._owners = {what: cards[lead_id] for what, lead_id in owners.items()}
        ids = {int(id) for person in people if (id := person.line.values.get("id", "")).isdecimal() and len(id) < 10}
        nobody = select(Lead).where(Lead.id.in_(ids), ~exists().where(LeadPhone.lead_id == Lead.id), Lead.email == "")
        for lead in session.scalars(nobody) if ids else ():
            self._owners[f"{lead.id} of {lead.created_at.isoformat()}"] = lead

    def of(self, person: _Person) -> list[Lead]:
        what = [*person.phones, *(one.lower() for one in person.emails)]
        what = what or [f"{person.line.values.get('id')} of {person.created.isoformat()}"]
        found = [self._owners.get(one) for one in what]
        return list({id(lead): lead for lead in found if lead is not None}.values())

    def remember(self, lead: Lead, person: _Person) -> None:
        for what in (*person.phones, *(one.lower() for one in person.emails)):
            self._owners[what] = lead


def _new(session: Session, person: _Person) -> Lead:
    values = person.line.values
    status = LeadStatus(values.get("status", LeadStatus.NEW))
    lead = intake.from_list(session, person.created)
    lead.kind = values.get("kind", LeadKind.TENANT).lower()
    lead.status = status
    lead.is_hot = status != LeadStatus.CLOSED and values.get("type", LeadType.HOT) == LeadType.HOT
    lead.closed_because = values.get("closed_because", "") if status == LeadStatus.CLOSED else ""
    lead.last_contact_at, lead.first_answer_at = person.contact, person.answer
    return lead


def _fill(session: Session, config: Config, by: By, lead: Lead, person: _Person, source: str) -> None:
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
    lead.source = lead.source or values.get("source", "") or source[:60]
    lead.language = lead.language or values.get("language", "")
    wishes.complete(lead, wishes.read(**_wishes(values)))
    if person.agent is not None and lead.assigned_agent_id is None:
        lead.assigned_agent_id = person.agent.id
    at = person.contact or person.created
    known = {interest.property_id for interest in lead.interests}
    for order, (property, unit_id, stage) in enumerate(person.interests):
        if property.id not in known:
            known.add(property.id)
            moment = at.replace(microsecond=min(order, 999_999)) if order else at
            interest = intake.interest_in(lead, property.id, moment)
            interest.unit_id, interest.stage, interest.stage_since = unit_id, stage, at
    evidence = f"{by.who}: imported from {source}"
    for raw in lead_rows.several(values.get("opted_out", "")):
        if "@" in raw:
            opt_outs.no_news(session, raw, source="admin", evidence=evidence, now=by.now)
            continue
        refused = numbers.typed(raw, config.region, config.area_code)
        if refused and not opt_out_queries.in_force(session, refused):
            opt_outs.enter(session, refused, source="admin", evidence=evidence, now=by.now)


def _tell(session: Session, by: By, lead: Lead, person: _Person, source: str, is_new: bool) -> None:
    """Enters the import, and the line's note, into the timeline."""
    if is_new:
        key = f"import:{lead.id}:{by.now.isoformat()}:{person.line.number}"
        timeline.enter(
            session, lead.id, Happened.ENTERED, f"Imported from {source}.", by.now, key=key, by=by.who, is_new=True
        )
    if note := person.line.values.get("note"):
        key = f"import-note:{lead.id}:{by.now.isoformat()}:{person.line.number}"
        timeline.enter(session, lead.id, Happened.NOTE, note, person.created, key=key, by=by.who, is_new=True)


def _wishes(values: Mapping[str, str]) -> dict[str, str]:
    return {name: values[name] for name in ("bedrooms", "move_in", "budget", "pets") if name in values}


def _choice(of: type[LeadType] | type[LeadStatus], values: Mapping[str, str], column: str) -> None:
    if column in values and values[column] not in [one.value for one in of]:
        known = ", ".join(one.value for one in of)
        raise Invalid(f"{values[column][:40]!a} is not a {column}: use {known}.", code="choice_unknown")
