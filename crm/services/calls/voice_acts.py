"""What the voice agent does for a caller while they are on the line: each act once, in one transaction, checked again.

An act whose key is known was done before, however often it is repeated.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import texts
from crm.domain.conversation import ActResult, BookTour, LinkKind, SendLink, StopTexts, UpdateLead
from crm.domain.delivery import DeliveryState
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.gate import Verdict
from crm.domain.heard import CardField
from crm.domain.leads import Happened
from crm.domain.texts import TextPurpose
from crm.domain.tours import TourKind
from crm.edge import numbers
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.outbox import gatekeeper, outgoing, wording
from crm.services.people import intake, opt_outs, short_links, timeline, wishes
from crm.services.people.identity import who_is
from crm.services.people.intake import Introduced
from crm.services.phones.lines import line_for
from crm.services.tours import booking
from crm.store.models import Activity, Call, Lead, Line, Listing, Message, Organization, Property
from crm.store.queries import leads, listings, messages, office, properties
from crm.store.queries import opt_outs as ledger
from crm.words.site import prefix

BY = "voice agent"
_WISHES = {
    CardField.BEDROOMS: "bedrooms",
    CardField.MOVE_IN: "move_in",
    CardField.BUDGET: "budget",
    CardField.PETS: "pets",
}


@dataclass(frozen=True)
class Caller:
    """Who the voice agent acts for."""

    call_id: str
    number: str | None
    """E.164; None: withheld, or none."""
    did: str
    """The line that was called."""
    language: str


@dataclass(frozen=True)
class TourAct:
    result: ActResult
    tour_id: int | None = None


def may_be_texted(session: Session, number: str | None, *, is_named: bool = False) -> bool:
    """Whether a text to this number (E.164) can arrive, as far as anybody knows: it is no landline and none of our own
    lines, and the carrier has not refused every text to it so far. `is_named`: the caller has just said that it is a
    mobile."""
    if number is None or numbers.is_landline(number) or who_is(session, number).is_line:
        return False
    if is_named:
        return True
    states = set(session.scalars(select(Message.state).where(Message.to_number == number).distinct()))
    return DeliveryState.FAILED not in states or bool(states & {DeliveryState.SENT, DeliveryState.DELIVERED})


def send_link(session: Session, config: Config, by: By, caller: Caller, act: SendLink) -> ActResult:
    """Queues a text with a link, which the outbox sends at once. The gate is asked now, so that the caller can be
    told."""
    to = act.number or caller.number
    if to is None or not may_be_texted(session, to, is_named=act.number is not None):
        return ActResult.NEEDS_MOBILE
    key = f"{link_key(caller.call_id)}{act.kind}:{act.listing or act.property}:{to}"
    known = messages.by_key(session, key)
    if known is not None:
        return ActResult.REFUSED if known.state == DeliveryState.BLOCKED else ActResult.ALREADY
    property = _property(session, act.property)
    if act.listing is not None and (listing := session.get(Listing, act.listing)):
        property = property or session.get(Property, listing.property_id)
    lead = _lead(session, config, caller, act.number, by)
    url = _url(session, config, lead, property, act, caller.language, key, by)
    if not url:
        return ActResult.REFUSED
    name = property.name if property else session.scalar(select(Organization.name).limit(1)) or ""
    new = outgoing.NewText(
        key,
        TextPurpose.LISTINGS_LINK,
        to_number=to,
        from_number=_sender(session, config, caller, lead, property),
        body=texts.link(wording.words(session, caller.language), act.kind, name, url),
        language=caller.language,
        lead_id=lead.id,
        call_id=_on_record(session, caller),
        about=property.id if property else None,
    )
    message = outgoing.queue(session, config, new, by.now)
    if gatekeeper.decide(session, config, message, by.now).verdict is Verdict.SEND:
        return ActResult.DONE
    # What could only leave later is of no use to somebody who waits for it.
    session.delete(message)
    session.flush()
    return ActResult.REFUSED


def link_key(call_id: str) -> str:
    """How the keys of links begin that were texted in a call."""
    return f"voice-link:{call_id}:"


def update_lead(session: Session, config: Config, by: By, caller: Caller, act: UpdateLead) -> ActResult:
    """Writes down what the caller said of themselves and confirmed. What cannot be right is refused, with all else that
    comes with it."""
    given = {str(field): value.strip() for field, value in act.values.items() if value.strip()}
    raw = given.pop(CardField.NUMBER, "")
    named = numbers.parse(raw, config.region) if raw else None
    if raw and (named is None or who_is(session, named).is_line):
        return ActResult.REFUSED
    interests = [*act.interests, *([(given.pop(CardField.PROPERTY), None)] if CardField.PROPERTY in given else [])]
    try:
        words = {_WISHES[CardField(name)]: value for name, value in given.items() if name in _FIELDS}
        wanted = wishes.read(by.now.astimezone(config.tz).date(), **words)
        lead = _lead(
            session, config, caller, named, by, name=given.get(CardField.NAME, ""), email=given.get("email", "")
        )
    except Invalid:
        return ActResult.REFUSED
    wishes.write(lead, wanted)
    for slug, listing_id in interests:
        if (property := _property(session, slug)) is None:
            continue
        interest = intake.interest_in(lead, property.id, by.now)
        listing = session.get(Listing, listing_id) if listing_id is not None else None
        if listing and listing.property_id == property.id:
            interest.unit_id = listing.unit_id
    if given:
        said = ", ".join(f"{name.replace('_', '-')} {value}" for name, value in sorted(given.items()))
        key = f"voice-card:{caller.call_id}:{'-'.join(sorted(given))}"
        told = f"Confirmed to the voice agent: {said}."
        timeline.enter(session, lead.id, Happened.ENTERED, told, by.now, key=key, by=by.who)
    session.flush()
    return ActResult.DONE


_FIELDS = frozenset(_WISHES)


def book_tour(session: Session, config: Config, secrets: Secrets, by: By, caller: Caller, act: BookTour) -> TourAct:
    """Books a tour, which is confirmed by text."""
    if caller.number is None and act.number is None:
        return TourAct(ActResult.NEEDS_MOBILE)
    lead = _lead(session, config, caller, act.number, by)
    try:
        booked = booking.book(
            session,
            config,
            secrets,
            by,
            person=lead.id,
            property_slug=act.property,
            at=act.at,
            kind=TourKind(act.kind) if act.kind else None,
            key=f"voice-tour:{caller.call_id}:{act.property}:{act.at.timestamp():.0f}",
            booked_by=BY,
            call_id=caller.call_id,
            language=caller.language,
        )
    except (Conflict, Invalid, NotFound, ValueError) as error:
        return TourAct(ActResult.TAKEN if getattr(error, "code", "") in _TAKEN else ActResult.REFUSED)
    return TourAct(ActResult.DONE if booked.is_new else ActResult.ALREADY, booked.tour.id)


_TAKEN = ("tour_time_taken", "tour_time_unknown")


def stop_texts(session: Session, config: Config, by: By, caller: Caller, act: StopTexts) -> ActResult:
    """Enters the numbers by which the caller can be texted in the ledger of opt-outs, with their words."""
    theirs = {caller.number} if caller.number else set()
    call = session.get(Call, caller.call_id)
    if call and call.lead_id and (lead := leads.by_id(session, call.lead_id)):
        theirs |= {phone.number for phone in lead.phones}
    found = [number for number in sorted(filter(None, theirs)) if not ledger.in_force(session, number)]
    for number in found:
        evidence = f"{by.who}: said in call {caller.call_id}: {act.words}"
        opt_outs.enter(session, number, source="admin", evidence=evidence, now=by.now)
    if not theirs:
        return ActResult.NEEDS_MOBILE
    return ActResult.DONE if found else ActResult.ALREADY


def _lead(
    session: Session, config: Config, caller: Caller, named: str | None, by: By, *, name: str = "", email: str = ""
) -> Lead:
    """The caller's lead, locked, by the number that they call from, else by what they gave; made if there is none.
    Raises Invalid for an address that is none."""
    number = caller.number if caller.number and not who_is(session, caller.number).is_line else None
    call = session.get(Call, caller.call_id, with_for_update=True)
    known = leads.by_id(session, call.lead_id, for_update=True) if call and call.lead_id else None
    if number or named or email or known is None:
        lead = intake.introduced(session, config, Introduced(name, email, number or named), by.now)
        if number and named and named != number and leads.by_phone(session, named) is None:
            intake.add_number(lead, named)
    else:
        lead = known
        lead.name = lead.name or name or None
    if call is not None and known is not lead:
        call.lead_id = lead.id
        if known is not None and not (known.phones or known.emails or known.name):
            # Made for this call before anything was known of them.
            session.flush()
            session.execute(update(Activity).where(Activity.lead_id == known.id).values(lead_id=lead.id))
            session.delete(known)
    session.flush()
    return lead


def _property(session: Session, slug: str) -> Property | None:
    return properties.by_slug(session, slug) if slug else None


def _on_record(session: Session, caller: Caller) -> str | None:
    return caller.call_id if session.get(Call, caller.call_id) else None


def _sender(session: Session, config: Config, caller: Caller, lead: Lead, property: Property | None) -> str:
    if session.scalar(select(Line.id).where(Line.number == caller.did)) and caller.did.startswith("+"):
        return caller.did
    return line_for(session, config, lead, None, property.id if property else None)


def _url(
    session: Session,
    config: Config,
    lead: Lead,
    property: Property | None,
    act: SendLink,
    language: str,
    key: str,
    by: By,
) -> str:
    """The address of what the link is to; of the homes, where the site has no page of that kind; "" for none."""
    of_home = act.listing is not None and session.scalar(listings.public_homes(by.now).where(Listing.id == act.listing))
    of_property = property is not None and listings.public_property_id(session, property.slug) is not None
    if of_home:
        page = f"/homes/{act.listing}"
    elif of_property and property is not None:
        page = f"/properties/{property.slug}"
    else:
        page = ""
    ends = {LinkKind.TOURS: "/tour", LinkKind.APPLICATION: "/apply", LinkKind.HOME: ""}
    if page and act.kind in ends and config.site.public_url:
        path = f"{prefix(language)}{page}{ends[act.kind]}"
        return short_links.to_page(session, config, lead.id, path, key, by.now)
    if act.kind is LinkKind.LISTINGS or not config.site.public_url:
        return short_links.to_listings(session, config, property, lead.id, key, by.now)
    return office.listings_url(session, property)
