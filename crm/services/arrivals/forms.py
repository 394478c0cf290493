"""The forms of the public site: a question, a request for a tour, a message to the office."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields
from crm.domain.errors import Invalid
from crm.domain.leads import Happened, LeadEvent
from crm.domain.tasks import TaskKind, person_of
from crm.domain.tours import TourKind
from crm.edge import numbers
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.office import owners
from crm.services.outbox import notices
from crm.services.people import intake, standing, timeline
from crm.services.people.identity import who_is
from crm.services.tours import booking
from crm.store.models import ArrivalRecord, Consent, Lead, Listing, Property, Task, Tour, TourSlot
from crm.store.queries import leads, office, tasks

PARSER, PARSER_VERSION = "site", 1
LONGEST_MESSAGE = 4000
"""Characters."""
SOURCE = "website"


class FormKind(StrEnum):
    QUESTION = "question"
    """About a home or a property."""
    CONTACT = "contact"
    TOUR = "tour"


@dataclass(frozen=True, kw_only=True)
class SentForm:
    """What somebody sent, as they wrote it."""

    kind: FormKind
    key: str
    """Of this page as it was opened: sent twice, it counts once. At most 60 characters."""
    name: str
    email: str = ""
    phone: str = ""
    message: str = ""
    listing_id: int | None = None
    property_id: int | None = None
    at: datetime | None = None
    """The tour's time."""
    tour_kind: TourKind | None = None
    agreed_to: str = ""
    """The words that they ticked, about texts to their number; empty: they did not."""
    wording_version: str = ""
    language: str = "en"
    came_from: str = ""
    """Network address, for whoever has to look into abuse."""


@dataclass(frozen=True)
class Accepted:
    lead_id: int
    is_new: bool
    """False when the same form had come before."""
    tour_at: datetime | None = None
    """When the tour begins that they have booked."""


@dataclass(frozen=True)
class _Sender:
    name: str
    address: str
    number: str | None
    message: str


@dataclass
class FieldErrors(Exception):
    """What has to be mended in a form: codes by field."""

    by_field: dict[str, str] = field(default_factory=dict)


def accept(session: Session, config: Config, secrets: Secrets, by: By, sent: SentForm) -> Accepted:
    """Keeps a form as it came, and does what it asks for, in one transaction.

    Raises FieldErrors for what the person can mend, and for a tour Conflict and Invalid as `booking.book` does.
    """
    there = session.scalars(select(ArrivalRecord).where(ArrivalRecord.key == f"form:{sent.key}")).first()
    if there is not None and there.lead_id is not None:
        begins = select(TourSlot.starts_at).join(Tour, Tour.slot_id == TourSlot.id)
        return Accepted(there.lead_id, False, session.scalar(begins.where(Tour.key == f"form:{sent.key}")))
    person = _read(config, sent)
    lead = _lead(session, person, by.now)
    arrival = ArrivalRecord(
        key=f"form:{sent.key}",
        channel=f"form:{sent.kind}",
        raw=_raw(sent),
        parser=PARSER,
        parser_version=PARSER_VERSION,
        received_at=by.now,
        lead_id=lead.id,
        problem="",
    )
    session.add(arrival)
    session.flush()
    property, unit_id, about = _about(session, sent)
    if property is not None:
        intake.interest_in(lead, property.id, by.now)
        if unit_id is not None:
            interest = next(one for one in lead.interests if one.property_id == property.id)
            interest.unit_id = unit_id
    lead.source = lead.source or SOURCE
    lead.language = lead.language or sent.language[:10]
    if sent.agreed_to and person.number:
        session.add(
            Consent(
                lead_id=lead.id,
                number=person.number,
                wording=sent.agreed_to,
                version=sent.wording_version,
                language=sent.language,
                arrival_id=arrival.id,
                given_at=by.now,
            )
        )
    told = {
        FormKind.QUESTION: f"Asked about {about}: {person.message}",
        FormKind.CONTACT: f"Wrote to {about}: {person.message}",
        FormKind.TOUR: f"Asked for a tour of {about}. {person.message}".strip(),
    }[sent.kind]
    timeline.enter(session, lead.id, Happened.FORM, told, by.now, key=f"arrival:{arrival.id}", is_new=True)
    standing.happened(lead, LeadEvent.WROTE, by.now)
    session.flush()
    tour = _book(session, config, secrets, by, sent, lead, property) if sent.kind is FormKind.TOUR else None
    # A tour leaves nothing else to do, unless they wrote something with it.
    is_done = tour is not None and not person.message
    _pass_on(session, config, lead, property, arrival, sent.kind, told, by.now, is_done=is_done)
    return Accepted(lead.id, True, tour.slot.starts_at if tour else None)


def _read(config: Config, sent: SentForm) -> _Sender:
    wrong: dict[str, str] = {}
    name = address = message = ""
    number = None
    try:
        name = fields.text(" ".join(sent.name.split()), "name", 200, required=True)
    except Invalid:
        wrong["name"] = "name_missing"
    try:
        address = fields.email(sent.email)
    except Invalid:
        wrong["email"] = "email_wrong"
    if sent.phone.strip():
        number = numbers.parse(sent.phone, config.region)
        if number is None:
            wrong["phone"] = "phone_wrong"
    if not address and number is None and not {"email", "phone"} & set(wrong):
        wrong["email"] = "way_back_missing"
    message = "\n".join(line.rstrip() for line in sent.message.strip().splitlines()).replace("\x00", "")
    if len(message) > LONGEST_MESSAGE:
        wrong["message"] = "message_long"
    if sent.kind in (FormKind.QUESTION, FormKind.CONTACT) and not message:
        wrong["message"] = "message_missing"
    if sent.kind is FormKind.TOUR:
        if sent.at is None:
            wrong["at"] = "time_missing"
        if number is None and "phone" not in wrong:
            wrong["phone"] = "phone_for_tour"
    if sent.agreed_to and number is None and "phone" not in wrong:
        wrong["phone"] = "phone_for_texts"
    if wrong:
        raise FieldErrors(wrong)
    return _Sender(name, address, number, message)


def _lead(session: Session, person: _Sender, now: datetime) -> Lead:
    """Who it is: by address, else by number; what was not known is added, and nothing that is known is overwritten."""
    known = who_is(session, person.number)
    # Our own lines and colleagues are nobody's number, whatever a form says.
    number = None if known.is_line or known.colleague else person.number
    lead = leads.by_address(session, person.address.lower(), for_update=True) if person.address else None
    if lead is None and number:
        lead = intake.by_number(session, number, now)
    if lead is None:
        lead = (
            intake.by_address(session, person.address, now) if person.address else intake.without_number(session, now)
        )
    if number and leads.by_phone(session, number) is None:
        intake.add_number(lead, number)
    if person.address and leads.by_address(session, person.address.lower()) is None:
        if not lead.email:
            intake.write_address(session, lead, person.address)
        else:
            intake.add_address(lead, person.address)
    lead.name = lead.name or person.name
    session.flush()
    return lead


def _about(session: Session, sent: SentForm) -> tuple[Property | None, int | None, str]:
    """Property, unit and their name as the timeline tells it."""
    if sent.listing_id is not None and (listing := session.get(Listing, sent.listing_id)):
        property = session.get_one(Property, listing.property_id)
        return property, listing.unit_id, f"{listing.unit.name} at {property.name}"
    if sent.property_id is not None and (named := session.get(Property, sent.property_id)):
        return named, None, named.name
    organization = office.organization(session)
    return None, None, organization.name if organization else "the office"


def _book(
    session: Session, config: Config, secrets: Secrets, by: By, sent: SentForm, lead: Lead, property: Property | None
) -> Tour:
    if property is None or sent.at is None:
        raise Invalid("A tour is of a property, at a time.", code="tour_time_unknown", property="")
    booked = booking.book(
        session,
        config,
        secrets,
        by,
        person=str(lead.id),
        property_slug=property.slug,
        at=sent.at,
        key=f"form:{sent.key}",
        kind=sent.tour_kind,
        booked_by=SOURCE,
        language=sent.language,
    )
    return booked.tour


_SUBJECTS = {
    FormKind.QUESTION: "A question about {}",
    FormKind.CONTACT: "A message for {}",
    FormKind.TOUR: "A tour of {} was booked on the website",
}


def _pass_on(
    session: Session,
    config: Config,
    lead: Lead,
    property: Property | None,
    arrival: ArrivalRecord,
    kind: FormKind,
    told: str,
    now: datetime,
    *,
    is_done: bool,
) -> None:
    """One open task a person, unless nothing is left to do; and word to whoever it belongs to."""
    due_at = office.schedule(session, config.tz, property).due_time(now, config.tasks.due_minutes)
    owner = owners.owner(session, lead, property, due_at.astimezone(config.tz))
    if not is_done:
        person = person_of(TaskKind.INQUIRY, lead_id=lead.id, caller=None, did="", desk="")
        task = tasks.open_one(session, person, TaskKind.INQUIRY)
        if task is None:
            session.add(
                Task(
                    key=f"arrival:{arrival.id}",
                    kind=TaskKind.INQUIRY,
                    person=person,
                    owner=owner,
                    lead_id=lead.id,
                    why=told[:300],
                    due_at=due_at,
                    created_at=now,
                    result="",
                )
            )
        else:
            task.times += 1
            owner = task.owner
    where = property.name if property else "the office"
    who = f"{lead.name or 'Somebody'} (lead {lead.id})"
    notices.tell(
        session, config, [owner], f"arrival:{arrival.id}", _SUBJECTS[kind].format(where), f"{who}: {told}", now
    )


def _raw(sent: SentForm) -> dict[str, object]:
    """As it came, in types of JSON."""
    return {
        "name": sent.name[:1000],
        "email": sent.email[:1000],
        "phone": sent.phone[:1000],
        "message": sent.message[: LONGEST_MESSAGE * 2],
        "listing": sent.listing_id,
        "property": sent.property_id,
        "at": sent.at.isoformat() if sent.at else None,
        "kind": sent.tour_kind,
        "agreed_to": sent.agreed_to,
        "wording_version": sent.wording_version,
        "language": sent.language,
        "came_from": sent.came_from,
    }
