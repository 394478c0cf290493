"""Properties: buildings and communities with homes to rent."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session, selectinload

from crm.config import AI_ANSWERS
from crm.domain import fields
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.mailboxes import VoicemailTo
from crm.services import audit
from crm.services.audit import By
from crm.services.office import subteams
from crm.store.models import Interest, Line, Listing, Property, Publication, Subteam
from crm.store.models.living import ALL

LONGEST_AREA = 60
RECORDING = ("off", "announced", "demand")
"""Whether calls about a property are recorded; on "demand", when an agent keys the code for it."""


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
    if session.scalar(select(Property).where(Property.slug == fields.slug(slug))):
        raise Conflict(f"Property {slug} already exists.", code="property_exists", property=slug)
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
        found.name = fields.text(name, "name", 200, required=True)
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
    found = named(session, slug)
    if lines := list(session.scalars(select(Line.number).where(Line.property_id == found.id))):
        raise Conflict(
            f"Property {slug} has {'line' if len(lines) == 1 else 'lines'} {', '.join(lines)}.",
            code="property_has_lines",
            property=slug,
            lines=list(lines),
        )
    retired = select(Line.number).where(Line.property_id == found.id).limit(1).execution_options(**ALL)
    if number := session.scalar(retired):
        raise Conflict(
            f"Line {number}, retired, was for property {slug}: it stays on record with it.",
            code="property_has_retired_lines",
            property=slug,
            number=number,
        )
    wanting = select(func.count()).select_from(Interest).where(Interest.property_id == found.id)
    if leads := session.scalar(wanting):
        raise Conflict(
            f"{leads} leads are interested in property {slug}: it stays on record with them.",
            code="property_has_leads",
            property=slug,
            leads=leads,
        )
    if session.scalar(select(_was_public(found.id))):
        raise Conflict(
            f"Property {slug} or one of its listings has been public, so it has to stay on record.",
            code="property_was_public",
            property=slug,
        )
    session.delete(found)
    audit.record(session, by, f"property {slug} removed")


def named(session: Session, slug: str) -> Property:
    """The property, with its portfolio, its subteam and the subteam's members. Raises Invalid, NotFound."""
    found = session.scalar(_whole.where(Property.slug == fields.slug(slug)))
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


def _was_public(property_id: int) -> ColumnElement[bool]:
    of_a_listing = select(Publication.id).join(Listing, Listing.id == Publication.listing_id)
    return or_(
        exists().where(Publication.property_id == property_id),
        of_a_listing.where(Listing.property_id == property_id).exists(),
    )


def _subteam_id(session: Session, slug: str | None) -> int | None:
    return subteams.named(session, slug).id if slug else None
