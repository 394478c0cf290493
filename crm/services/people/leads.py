"""Leads that people enter and correct by hand. Calls, texts, forms and bookings create theirs through `intake`."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.leads import LOGGED, Happened, LeadKind, LeadStatus
from crm.domain.metrics import CardPart
from crm.domain.text_templates import LANGUAGES
from crm.edge import numbers
from crm.services import audit
from crm.services.audit import By
from crm.services.office import numbering, properties
from crm.services.people import contact_details, intake, standing, timeline, wishes
from crm.services.people.intake import Introduced
from crm.store.models import Lead
from crm.store.queries import leads, office

LONGEST_NOTE = 10_000
"""Characters."""


def add(
    session: Session,
    config: Config,
    by: By,
    *,
    name: str = "",
    phones: Sequence[str] = (),
    email: str = "",
    kind: str = LeadKind.TENANT,
    source: str = "",
    property_slug: str | None = None,
    cold: bool = False,
) -> tuple[Lead, bool]:
    """Adds a lead, or completes an existing one. Returns the lead, and whether it is new.

    Somebody with a known number, but another name and address, or the other way around, may be another person: they
    become a lead, and a person decides whether the two are one.

    Raises Invalid, NotFound, and Conflict when number and address belong to two leads, or to somebody in the office.
    """
    stored = [contact_details.read_number(session, config, raw) for raw in phones]
    address = contact_details.read_address(session, config, email)
    named = fields.text(name, "name", 200)
    if not (stored or address or named):
        raise Invalid("Say who it is: give a name, a phone number or an email address.", code="lead_nameless")
    wanted = read_kind(kind)
    allow(session, wanted)
    property = properties.named(session, property_slug) if property_slug else None
    found = {lead.id: lead for number in stored if (lead := leads.by_phone(session, number, for_update=True))}
    if address and (lead := leads.by_address(session, address.lower(), for_update=True)):
        found[lead.id] = lead
    if len(found) > 1:
        one, other = sorted(found)[:2]
        raise Conflict(
            f"They belong to two leads, {one} and {other}.", code="lead_is_two", lead=str(one), other=str(other)
        )
    if known := next(iter(found.values()), None):
        theirs = [phone.number for phone in known.phones]
        number = next((one for one in stored if one in theirs), stored[0] if stored else None)
        lead = intake.introduced(session, config, Introduced(named, address, number), by.now)
        is_new = lead.id != known.id
    else:
        lead, is_new, theirs = intake.without_number(session, by.now), True, []
    if is_new:
        lead.kind, lead.is_hot = wanted, not cold
    theirs += [phone.number for phone in lead.phones]
    for number in dict.fromkeys(stored):
        if number not in theirs:
            intake.add_number(lead, number)
    if address and not lead.email:
        intake.write_address(session, lead, address)
    lead.name = lead.name or named or None
    lead.source = lead.source or fields.text(source, "source", 60)
    if property:
        intake.interest_in(lead, property.id, by.now)
    session.flush()
    told = "Entered by hand." if is_new else "Entered by hand again."
    timeline.enter(session, lead.id, Happened.ENTERED, told, by.now, key=f"hand:{uuid.uuid4().hex}", by=by.who)
    audit.record(session, by, f"lead {lead.id} {'added' if is_new else 'entered again'}")
    return lead, is_new


def change(
    session: Session,
    config: Config,
    by: By,
    raw: str | int,
    *,
    name: str | None = None,
    email: str | None = None,
    add_phone: str | None = None,
    remove_phone: str | None = None,
    kind: str | None = None,
    hot: bool | None = None,
    status: str | None = None,
    reason: str | None = None,
    source: str | None = None,
    language: str | None = None,
    bedrooms: str | None = None,
    move_in: str | None = None,
    budget: str | None = None,
    pets: str | None = None,
) -> Lead:
    """Changes the given fields of the lead that `intake.person` finds; an empty text clears a field.

    Raises Invalid, NotFound, Conflict.
    """
    lead = named(session, config, raw, lock=True)
    changed = []
    if name is not None and (named_now := fields.text(name, "name", 200) or None) != lead.name:
        lead.name = named_now
        changed.append("name")
    if email is not None:
        intake.write_address(session, lead, contact_details.read_address(session, config, email))
        changed.append("email")
    if add_phone is not None:
        _add_phone(session, config, lead, add_phone)
        changed.append("phone")
    if remove_phone is not None:
        _remove_phone(session, config, lead, remove_phone)
        changed.append("phone")
    if source is not None and (from_now_on := fields.text(source, "source", 60)) != lead.source:
        lead.source = from_now_on
        changed.append("source")
    if language is not None:
        lead.language = read_language(config, language)
        changed.append("language")
    today = by.now.astimezone(config.tz).date()
    wanted = wishes.read(today, bedrooms=bedrooms, move_in=move_in, budget=budget, pets=pets)
    changed += wishes.write(lead, wanted)
    lead.typed = _typed(lead.typed, changed)
    if kind is not None and (is_now := read_kind(kind)) != lead.kind:
        allow(session, is_now)
        lead.kind = is_now
        changed.append("kind")
        _tell(session, lead, by, f"Is now {_a(lead.kind)}.")
    if status is not None or reason is not None:
        _stand(session, lead, by, status, reason)
        changed.append("status")
    if hot is not None:
        if hot and lead.status == LeadStatus.CLOSED:
            raise Conflict(f"Lead {lead.id} is closed, and so is cold.", code="lead_closed", lead=str(lead.id))
        if hot != lead.is_hot:
            lead.is_hot = hot
            changed.append("type")
            _tell(session, lead, by, f"Is now {'hot' if hot else 'cold'}.")
    audit.record(session, by, f"lead {lead.id} changed: {', '.join(dict.fromkeys(changed))}")
    session.flush()
    return lead


_PARTS = {
    "name": CardPart.NAME,
    "phone": CardPart.NUMBER,
    "source": CardPart.SOURCE,
    "bedrooms": CardPart.WISH,
    "move_in_on": CardPart.WISH,
}


def _typed(before: str, changed: Iterable[str]) -> str:
    """The parts of a card that were typed, once these are."""
    return ",".join(sorted({*before.split(","), *(_PARTS[one] for one in changed if one in _PARTS)} - {""}))


def write_note(session: Session, config: Config, by: By, raw: str | int, text: str) -> Lead:
    """Adds a note to the timeline of a lead. Raises Invalid, NotFound."""
    lead = named(session, config, raw, lock=True)
    _enter(session, lead, Happened.NOTE, _prose(text, "note"), by, by.now)
    return lead


def log(session: Session, config: Config, by: By, raw: str | int, what: str, text: str, at: datetime) -> Lead:
    """Records something that bypassed the system: one of `LOGGED`, at a time that is not in the future.

    Raises Invalid, NotFound.
    """
    if what not in LOGGED:
        raise Invalid(f"Only {', '.join(LOGGED)} can be logged.", code="log_kind_invalid")
    if at > by.now:
        raise Invalid("That is in the future: log what has happened, or make a task of it.", code="log_in_future")
    kind, event = LOGGED[what]
    lead = named(session, config, raw, lock=True)
    _enter(session, lead, kind, _prose(text, "entry"), by, at)
    standing.happened(lead, event, at)
    return lead


def named(session: Session, config: Config, raw: str | int, *, lock: bool = False) -> Lead:
    """The lead with this id, phone number or email address. Raises Invalid, NotFound."""
    lead, _ = intake.person(session, config, raw)
    if lead is None:
        raise NotFound("There is no lead with this id or number.", code="lead_unknown")
    if lock:
        locked = leads.by_id(session, lead.id, for_update=True)
        assert locked is not None
        return locked
    return lead


def read_kind(raw: str) -> LeadKind:
    """Parses a kind. Raises Invalid."""
    try:
        return LeadKind(raw)
    except ValueError:
        raise Invalid("A lead is a tenant or an owner.", code="lead_kind_invalid") from None


def allow(session: Session, kind: LeadKind) -> None:
    """Raises Conflict if somebody would become an owner in an office that does not manage homes for owners."""
    organization = office.organization(session)
    if kind is LeadKind.OWNER and not (organization and organization.manages_for_owners):
        raise Conflict(
            "This office does not manage homes for owners, so owners cannot be leads.", code="owners_not_managed_for"
        )


def read_language(config: Config, raw: str) -> str:
    """Parses a language of the office; empty: the line's. Raises Invalid."""
    spoken = tuple(dict.fromkeys((*LANGUAGES, *config.menu.languages)))
    if raw and raw not in spoken:
        raise Invalid(f"{raw[:20]!a} is not a language of texts: use {' or '.join(spoken)}.", code="language_unknown")
    return raw


def _stand(session: Session, lead: Lead, by: By, status: str | None, reason: str | None) -> None:
    wanted = LeadStatus(status) if status is not None else LeadStatus(lead.status)
    why = fields.text(reason or "", "reason", 300)
    if wanted is not LeadStatus.CLOSED:
        if why:
            raise Invalid("Only a closed lead has a reason: close it as well.", code="reason_without_close")
        if lead.status == LeadStatus.CLOSED:
            lead.is_hot = True
        told = f"Is {'open again' if lead.status == LeadStatus.CLOSED else wanted.replace('_', ' ')}."
    else:
        if not why:
            raise Invalid("Say why the lead is closed.", code="close_without_reason")
        told = f"Closed: {why}"
    if (wanted, why) == (lead.status, lead.closed_because):
        return
    if wanted is LeadStatus.CLOSED:
        lead.is_hot = False
    lead.status, lead.closed_because = wanted, why
    _tell(session, lead, by, told)


def _add_phone(session: Session, config: Config, lead: Lead, raw: str) -> None:
    number = contact_details.read_number(session, config, raw)
    other = leads.by_phone(session, number)
    if other is not None and other.id != lead.id:
        raise Conflict(
            f"That is the number of lead {other.id}.", code="lead_is_two", lead=str(lead.id), other=str(other.id)
        )
    if other is None:
        intake.add_number(lead, number)


def _remove_phone(session: Session, config: Config, lead: Lead, raw: str) -> None:
    number = numbers.typed(raw, config.region, config.area_code)
    found = next((phone for phone in lead.phones if phone.number == number), None)
    if found is None:
        numbering.check_area_code(raw, config.region, config.area_code)
        raise NotFound(f"That is not a number of lead {lead.id}.", code="lead_phone_unknown", lead=str(lead.id))
    lead.phones.remove(found)


def _prose(raw: str, what: str) -> str:
    """Cleans up text of several lines. Raises Invalid."""
    value = "\n".join(line.rstrip() for line in raw.strip().splitlines())
    if not value:
        raise Invalid(f"The {what} is empty: write one.", code="text_empty", what=what)
    if len(value) > LONGEST_NOTE:
        raise Invalid(
            f"The {what} has {len(value)} characters: at most {LONGEST_NOTE} are kept, so shorten it.",
            code="text_too_long",
            what=what,
            length=len(value),
            longest=LONGEST_NOTE,
        )
    return value


def _a(kind: str) -> str:
    return f"an {kind}" if kind == LeadKind.OWNER else f"a {kind}"


def _tell(session: Session, lead: Lead, by: By, text: str) -> None:
    _enter(session, lead, Happened.STATUS_CHANGED, text, by, by.now)


def _enter(session: Session, lead: Lead, kind: Happened, text: str, by: By, at: datetime) -> None:
    key = f"hand:{uuid.uuid4().hex}"
    timeline.enter(session, lead.id, kind, text, at, key=key, by=by.who, is_new=True)
