"""Properties: buildings and communities with homes to rent."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session, selectinload

from crm.config import AI_ANSWERS
from crm.domain import fields
from crm.domain.calls import RECORDING
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.mailboxes import BoxKind, VoicemailTo, box
from crm.services import audit
from crm.services.audit import By
from crm.services.office import retiring, subteams
from crm.store.models import CALLED, FormerName, Line, Listing, Property, Publication, Subteam, Voicemail
from crm.store.queries import names

LONGEST_AREA = 60


@dataclass(frozen=True)
class PropertyRecord:
    """A property with its subteam, and the numbers that are advertised for it."""

    property: Property
    lines: tuple[str, ...]


def find_all(session: Session) -> list[PropertyRecord]:
    found = session.scalars(_whole.order_by(Property.slug)).all()
    numbers: dict[int | None, list[str]] = {}
    for property_id, number in session.execute(select(Line.property_id, Line.number).order_by(Line.number)):
        numbers.setdefault(property_id, []).append(number)
    return [PropertyRecord(one, tuple(numbers.get(one.id, ()))) for one in found]


def add(
    session: Session,
    by: By,
    slug: str,
    *,
    name: str | None = None,
    subteam: str | None = None,
    listings_url: str = "",
    area: str = "",
) -> None:
    check_free(session, slug)
    session.add(
        Property(
            slug=slug,
            name=fields.text(slug if name is None else name, "name", 200, required=True),
            listings_url=fields.url(listings_url, "listings URL"),
            subteam_id=_subteam_id(session, subteam),
            area=fields.text(area, "area", LONGEST_AREA),
        )
    )
    audit.record(session, by, f"property {slug} added")


def change(
    session: Session,
    by: By,
    slug: str,
    *,
    name: str | None = None,
    subteam: str | None = None,
    listings_url: str | None = None,
    area: str | None = None,
    timezone: str | None = None,
    recording: str | None = None,
    voicemail_to: str | None = None,
    escalates: bool | None = None,
    ai_answers: str | None = None,
) -> None:
    """Changes what is given; None leaves a field as it is, an empty text removes it. Raises Conflict, Invalid,
    NotFound."""
    found = named(session, slug)
    if name is not None:
        new = fields.text(name, "name", 200, required=True)
        if new != found.name:
            session.add(FormerName(kind=CALLED, name=found.name, row_id=found.id, until=by.now))
        found.name = new
    if subteam is not None:
        found.subteam_id = _subteam_id(session, subteam)
    if listings_url is not None:
        found.listings_url = fields.url(listings_url, "listings URL")
    if area is not None:
        found.area = fields.text(area, "area", LONGEST_AREA)
    if timezone is not None:
        found.timezone = fields.timezone(timezone) if timezone else ""
    if recording is not None:
        if recording not in RECORDING:
            raise Invalid(
                f"Recording has to be one of {', '.join(RECORDING)}.", code="recording_unknown", known=list(RECORDING)
            )
        found.recording = recording
    if voicemail_to is not None:
        found.voicemail_to = VoicemailTo(voicemail_to)
        if voicemail_to == VoicemailTo.SUBTEAM and found.subteam_id is None:
            raise Invalid(f"Property {slug} has no subteam.", code="property_without_subteam", property=slug)
    if escalates is not None:
        found.escalates = escalates
    if ai_answers is not None:
        found.ai_answers = check_ai_answers(ai_answers)
    audit.record(session, by, f"property {slug} changed")


def remove(session: Session, by: By, slug: str) -> None:
    """Deletes a property of which nothing is on record, such as one added by mistake, with its homes and hours. Raises
    Conflict, NotFound."""
    found = named(session, slug)
    slug = found.slug
    check_without_lines(session, found)
    retiring.check_unused(session, found, f"property {slug}", besides=_PARTS)
    mailbox = box(BoxKind.PROPERTY, slug)
    voicemails = exists().where(Voicemail.mailbox == mailbox)
    public = exists().where(Publication.listing_id == Listing.id, Listing.property_id == found.id)
    if session.scalar(select(or_(voicemails, public))):
        raise retiring.in_use(f"property {slug}")
    session.delete(found)
    audit.record(session, by, f"property {slug} deleted")


_PARTS = (
    "answer",
    "content_version",
    "desk",
    "hours",
    "listing",
    "property_profile",
    "special_day",
    "tour_blackout",
    "tour_hours",
    "unit",
)
"""Tables of what a property is made of."""


def check_without_lines(session: Session, found: Property) -> None:
    """Raises Conflict while lines are for it."""
    lines = session.scalars(select(Line.number).where(Line.property_id == found.id).order_by(Line.number)).all()
    if lines:
        raise Conflict(
            f"{'Line' if len(lines) == 1 else 'Lines'} {', '.join(lines)} {'is' if len(lines) == 1 else 'are'} for "
            f"property {found.slug}.",
            code="property_has_lines",
            property=found.slug,
            lines=list(lines),
        )


def check_free(session: Session, slug: str) -> None:
    """Raises Conflict if a property in use has the name."""
    if session.scalar(select(Property.id).where(Property.slug == fields.slug(slug))):
        raise Conflict(f"Property {slug} already exists.", code="property_exists", property=slug)


def named(session: Session, slug: str) -> Property:
    """The property, with its portfolio, its subteam and the subteam's members. Raises Invalid, NotFound."""
    found = session.scalar(_whole.where(Property.slug == fields.slug(slug)))
    found = found or names.renamed(session, Property, slug)
    if found is None:
        raise NotFound(f"There is no property {slug}.", code="property_unknown", property=slug)
    return found


_whole = select(Property).options(
    selectinload(Property.subteam).selectinload(Subteam.members), selectinload(Property.portfolio)
)


def check_ai_answers(raw: str) -> str:
    """When the voice agent answers (`crm.config.AI_ANSWERS`), or empty for what is set for more. Raises Invalid."""
    if raw and raw not in AI_ANSWERS:
        raise Invalid(
            f"The voice agent answers {', '.join(AI_ANSWERS[:-1])} or {AI_ANSWERS[-1]}.",
            code="ai_answers_unknown",
            known=list(AI_ANSWERS),
        )
    return raw


def _subteam_id(session: Session, slug: str | None) -> int | None:
    return subteams.named(session, slug).id if slug else None
