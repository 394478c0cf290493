"""The forms of the public site: a question, a request for a tour, a message to the office."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields
from crm.domain.arrivals import ArrivalOutcome, suspicion
from crm.domain.errors import Invalid
from crm.domain.leads import Happened, LeadEvent
from crm.domain.tours import TourKind, TourState
from crm.edge import numbers
from crm.secrets import Secrets
from crm.services.arrivals import arrival, flagging
from crm.services.arrivals.arrival import Parser
from crm.services.audit import By
from crm.services.people import intake, standing, timeline
from crm.services.people.intake import Introduced
from crm.services.tours import booking, links
from crm.store.models import ArrivalRecord, Consent, Lead, Listing, Property, Tour
from crm.store.queries import office

PARSER = Parser("site", 1)
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
    """A form as the person filled it in."""

    kind: FormKind
    key: str
    """Chosen when the page was opened, so that a form sent twice counts once. At most 60 characters."""
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
    """The consent to texts that they ticked, word for word; empty: they did not."""
    wording_version: str = ""
    language: str = "en"
    came_from: str = ""
    """IP address, for looking into abuse."""
    is_trapped: bool = False
    """A field that people do not see is filled in."""


@dataclass(frozen=True)
class Accepted:
    lead_id: int | None
    """None: it is flagged."""
    is_new: bool
    """False if the same form had been sent before."""
    tour_at: datetime | None = None
    """When the tour that they booked begins; None: they booked none."""
    tour_path: str = ""
    """Where they move or cancel it, on the site; empty: no tour, or not any more."""


@dataclass
class FieldErrors(Exception):
    """What the person has to correct in a form: codes by field."""

    by_field: dict[str, str] = field(default_factory=dict)


def accept(session: Session, config: Config, secrets: Secrets, by: By, sent: SentForm) -> Accepted:
    """Stores a form as received, and does what it asks for, in one transaction.

    Raises FieldErrors for what the person can correct; for a tour, Conflict and Invalid like `booking.book`.
    """
    there = arrival.kept(session, f"form:{sent.key}")
    if there is not None and there.outcome == ArrivalOutcome.FLAGGED:
        return Accepted(None, False)
    if there is not None and there.lead_id is not None:
        booked = session.scalars(select(Tour).where(Tour.key == f"form:{sent.key}")).first()
        return _accepted(secrets, there.lead_id, False, booked)
    person, message = _read(config, sent)
    record = arrival.keep(
        session, f"form:{sent.key}", f"form:{sent.kind}", _raw(sent), PARSER, by.now, came_from=sent.came_from
    )
    if why := _suspicion(session, config, sent, message, by.now):
        flagging.flag(session, config, record, why, by.now)
        return Accepted(None, True)
    return _act(session, config, secrets, by, record, sent, person, message)


def release(session: Session, config: Config, secrets: Secrets, by: By, record: ArrivalRecord) -> int | None:
    """Does what a form asks for that is no longer flagged; returns the id of the lead it made or found."""
    sent = _sent(record)
    person, message = _read(config, sent, is_released=True)
    return _act(session, config, secrets, by, record, sent, person, message).lead_id


def _suspicion(session: Session, config: Config, sent: SentForm, message: str, now: datetime) -> str:
    most, same = config.site.unflagged_per_hour, 0
    if sent.kind is FormKind.TOUR:
        # People who book a tour are told at once when it takes place.
        return suspicion("", same_address=0, most=most, is_trapped=sent.is_trapped)
    if sent.came_from:
        recent = select(ArrivalRecord.id).where(
            ArrivalRecord.came_from == sent.came_from,
            ArrivalRecord.came_from != "",
            ArrivalRecord.received_at > now - timedelta(hours=1),
            ArrivalRecord.channel.in_((f"form:{FormKind.QUESTION}", f"form:{FormKind.CONTACT}")),
        )
        same = session.scalar(select(func.count()).select_from(recent.limit(most + 1).subquery())) or 0
    return suspicion(message, same_address=same, most=most, is_trapped=sent.is_trapped)


def _act(
    session: Session,
    config: Config,
    secrets: Secrets,
    by: By,
    record: ArrivalRecord,
    sent: SentForm,
    person: Introduced,
    message: str,
) -> Accepted:
    """Does what a form asks for."""
    lead = intake.introduced(session, config, person, by.now)
    record.lead_id = lead.id
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
                arrival_id=record.id,
                given_at=by.now,
            )
        )
    told = {
        FormKind.QUESTION: f"Asked about {about}: {message}",
        FormKind.CONTACT: f"Wrote to {about}: {message}",
        FormKind.TOUR: f"Asked for a tour of {about}. {message}".strip(),
    }[sent.kind]
    key, of = f"arrival:{record.id}", property.id if property else None
    timeline.enter(session, lead.id, Happened.FORM, told, record.received_at, key=key, about=of, is_new=True)
    standing.happened(lead, LeadEvent.WROTE, by.now)
    session.flush()
    is_tour = sent.kind is FormKind.TOUR and sent.at is not None
    tour = _book(session, config, secrets, by, sent, lead, property) if is_tour else None
    # After booking a tour, nothing is left to do unless they also wrote something.
    is_done = tour is not None and not message
    subject = _SUBJECTS[sent.kind] if is_tour or sent.kind is not FormKind.TOUR else _TOUR_WANTED
    subject = subject.format(property.name if property else "the office")
    arrival.pass_on(
        session,
        config,
        lead,
        property,
        record,
        subject,
        told,
        by.now,
        is_done=is_done,
        is_urgent=sent.kind is FormKind.TOUR,
    )
    return _accepted(secrets, lead.id, True, tour)


def _accepted(secrets: Secrets, lead_id: int, is_new: bool, tour: Tour | None) -> Accepted:
    if tour is None:
        return Accepted(lead_id, is_new)
    at = tour.slot.starts_at
    path = links.path(secrets, tour.id, tour.version, at) if tour.state == TourState.BOOKED else ""
    return Accepted(lead_id, is_new, at, path)


def _read(config: Config, sent: SentForm, *, is_released: bool = False) -> tuple[Introduced, str]:
    """Who sent it, and their message. Raises FieldErrors."""
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
    # A tour needs a number in any case.
    is_reached = address or number is not None or sent.kind is FormKind.TOUR
    if not is_reached and not {"email", "phone"} & set(wrong):
        wrong["email"] = "way_back_missing"
    message = "\n".join(line.rstrip() for line in sent.message.strip().splitlines()).replace("\x00", "")
    if len(message) > LONGEST_MESSAGE:
        wrong["message"] = "message_long"
    if sent.kind in (FormKind.QUESTION, FormKind.CONTACT) and not message:
        wrong["message"] = "message_missing"
    if sent.kind is FormKind.TOUR:
        if sent.at is None and not is_released:
            wrong["at"] = "time_missing"
        if number is None and "phone" not in wrong:
            wrong["phone"] = "phone_for_tour"
    if sent.agreed_to and number is None and "phone" not in wrong:
        wrong["phone"] = "phone_for_texts"
    if wrong:
        raise FieldErrors(wrong)
    return Introduced(name, address, number), message


def _about(session: Session, sent: SentForm) -> tuple[Property | None, int | None, str]:
    """The property, the unit's id, and their names as shown in the timeline."""
    if sent.listing_id is not None and (listing := session.get(Listing, sent.listing_id)):
        property = session.get_one(Property, listing.property_id)
        if property.retired_at is None:
            return property, listing.unit_id, f"{listing.unit.name} at {property.name}"
    if sent.property_id is not None and (named := session.get(Property, sent.property_id)) and not named.retired_at:
        return named, None, named.name
    organization = office.organization(session)
    return None, None, organization.name if organization else "the office"


def _book(
    session: Session, config: Config, secrets: Secrets, by: By, sent: SentForm, lead: Lead, property: Property | None
) -> Tour:
    if property is None or sent.at is None:
        raise Invalid("A tour needs a property and a time.", code="tour_time_unknown", property="")
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
_TOUR_WANTED = "A tour of {} is asked for"


def _sent(record: ArrivalRecord) -> SentForm:
    """A stored form. The time of a tour may be taken by now, so the office asks for another one."""
    raw = record.raw
    return SentForm(
        kind=FormKind(record.channel.partition(":")[2]),
        key=record.key.partition(":")[2],
        name=raw["name"],
        email=raw["email"],
        phone=raw["phone"],
        message=raw["message"],
        listing_id=raw["listing"],
        property_id=raw["property"],
        agreed_to=raw["agreed_to"],
        wording_version=raw["wording_version"],
        language=raw["language"],
        came_from=record.came_from,
    )


def _raw(sent: SentForm) -> dict[str, object]:
    """The form as received, in JSON types."""
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
    }
