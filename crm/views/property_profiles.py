"""What is said about a property, as the office sees it."""

from __future__ import annotations

import msgspec
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from crm.domain import fair_housing, listings
from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.errors import NotFound
from crm.domain.listings import ListingState
from crm.store.models import (
    ContentVersion,
    PropertyProfile,
)
from crm.store.queries import listings as queries
from crm.views import answers
from crm.views.answers import AnswerEntry
from crm.views.listing_parts import (
    AddressEntry,
    PictureEntry,
    PictureSheet,
    TermsEntry,
    address_of,
    picture_sheets,
    pictures_in,
    terms_of,
)
from crm.views.listing_rows import PROFILE_IN_FORCE, property_named


class PropertyDetail(msgspec.Struct, kw_only=True):
    """A property's details, in their current version: the published one, else the latest."""

    property: str
    name: str
    state: str
    """draft, published or changed."""
    version: int
    latest: int
    address: AddressEntry
    terms: TermsEntry
    text: str
    policies: str
    pictures: list[PictureEntry]
    findings: list[str]
    answers: list[AnswerEntry]


class PropertySheet(msgspec.Struct, kw_only=True):
    """What is said about a property, as somebody edits it: its latest version."""

    property: str
    property_id: int
    name: str
    state: str
    """draft, published or changed."""
    latest: int
    """The version shown; 0: there is none yet."""
    published: int | None
    cells: dict[str, str]
    """By column of `listings.PROPERTY_COLUMNS`, as people write it."""
    pictures: list[PictureSheet]
    findings: list[str]
    """Words in it that may express a preference."""
    answers: list[AnswerEntry]
    """Its own and the office's, in each language."""


def sheet(session: Session, slug: str, reach: Reach = WHOLE_OFFICE) -> PropertySheet:
    """Raises NotFound, also for one out of reach."""
    property = property_named(session, slug)
    if not reach.holds(property.id):
        raise NotFound(f"There is no property {slug}.", code="property_unknown", property=slug)
    profile = session.get(PropertyProfile, property.id)
    latest = profile.latest if profile else 0
    content = session.scalar(
        select(ContentVersion.content).where(
            ContentVersion.property_id == property.id, ContentVersion.version == latest
        )
    )
    said = queries.property_content(content)
    return PropertySheet(
        property=property.slug,
        property_id=property.id,
        name=property.name,
        state=_state(profile),
        latest=latest,
        published=profile.published if profile else None,
        cells=listings.property_cells(said),
        pictures=picture_sheets(session, said),
        findings=[str(found) for found in fair_housing.check(said)],
        answers=answers.that_apply(session, property.id),
    )


def property_detail(session: Session, slug: str, language: str = listings.LANGUAGES[0]) -> PropertyDetail:
    """A property's details; a property without any has version 0. Raises NotFound."""
    property = property_named(session, slug)
    row = session.execute(
        select(PropertyProfile, ContentVersion.version, ContentVersion.content)
        .join(
            ContentVersion,
            and_(ContentVersion.property_id == PropertyProfile.property_id, ContentVersion.version == PROFILE_IN_FORCE),
        )
        .where(PropertyProfile.property_id == property.id)
    ).one_or_none()
    said = queries.property_content(row.content if row else None)
    words = listings.in_language(said.words, language)
    profile = row.PropertyProfile if row else None
    return PropertyDetail(
        property=property.slug,
        name=property.name,
        state=_state(profile),
        version=row.version if row else 0,
        latest=profile.latest if profile else 0,
        address=address_of(said),
        terms=terms_of(said),
        text=words.text,
        policies=words.policies,
        pictures=pictures_in(session, said, language)[0],
        findings=[str(found) for found in fair_housing.check(said)],
        answers=answers.that_apply(session, property.id, language),
    )


def _state(profile: PropertyProfile | None) -> ListingState:
    if profile is None or profile.published is None:
        return ListingState.DRAFT
    return ListingState.PUBLISHED if profile.published == profile.latest else ListingState.CHANGED


def pictures_of_property(session: Session, slug: str, language: str = listings.LANGUAGES[0]) -> list[PictureEntry]:
    """The pictures of its latest version. Raises NotFound."""
    content = session.scalar(
        select(ContentVersion.content)
        .join(
            PropertyProfile,
            and_(
                PropertyProfile.property_id == ContentVersion.property_id,
                PropertyProfile.latest == ContentVersion.version,
            ),
        )
        .where(ContentVersion.property_id == property_named(session, slug).id)
    )
    return pictures_in(session, queries.property_content(content), language)[0]
