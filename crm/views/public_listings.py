"""What the public sees: the list of homes, the page of a home, the page of a property."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from datetime import date, datetime
from decimal import Decimal

import msgspec
from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import Session

from crm.domain import listings
from crm.domain.listings import ListingFilter
from crm.store import prepared
from crm.store.models import (
    ContentVersion,
    Listing,
    Property,
    PropertyProfile,
)
from crm.store.queries import listings as queries
from crm.views import answers
from crm.views.answers import AnswerEntry
from crm.views.listing_parts import (
    AddressEntry,
    PictureEntry,
    TermsEntry,
    address_of,
    known_pictures,
    picture_entries,
    pictures_in,
    terms_of,
)
from crm.views.listing_rows import PUBLIC, both_texts, filtered, page_of


class Card(msgspec.Struct, kw_only=True, frozen=True):
    """A home in the public's list."""

    id: int
    property: str
    property_name: str
    unit: str
    city: str
    state: str
    bedrooms: int
    bathrooms: Decimal
    square_feet: int | None
    rent: Decimal
    available_on: date | None
    cats: bool | None
    dogs: bool | None
    """Null: not stated."""
    headline: str
    concession: str
    picture: PictureEntry | None


class Page(msgspec.Struct, kw_only=True):
    """A home's public page."""

    id: int
    version: int
    """The version to name as the source of what is quoted from it."""
    property: str
    property_name: str
    property_version: int
    unit: str
    address: AddressEntry
    bedrooms: int
    bathrooms: Decimal
    square_feet: int | None
    rent: Decimal
    deposit: Decimal
    available_on: date | None
    terms: TermsEntry
    headline: str
    text: str
    concession: str
    about: str
    """The property's own text."""
    policies: str
    pictures: list[PictureEntry]
    """Its own, then the property's."""
    answers: list[AnswerEntry]


class PropertyPage(msgspec.Struct, kw_only=True):
    """A property's public page."""

    property: str
    """Slug."""
    name: str
    version: int
    """The version to name as the source of what is quoted from it."""
    address: AddressEntry
    terms: TermsEntry
    text: str
    policies: str
    pictures: list[PictureEntry]
    answers: list[AnswerEntry]


def cards(
    session: Session,
    now: datetime,
    wanted: ListingFilter = ListingFilter(),  # noqa: B008 - it cannot change
    *,
    after: tuple[Decimal, int] | None = None,
    limit: int = 24,
    language: str = listings.LANGUAGES[0],
    known: MutableMapping[int, Card] | None = None,
) -> list[Card]:
    """Public listings by rent, in three statements, or in one where all are `known`: by id, in this language, as the
    session would read them; the others are added. `after` is the rent and id of the last one on the page before."""
    known = {} if known is None else known
    found = page_of(filtered(queries.public_homes(now), now, wanted), after, limit)
    ids = [id for (id,) in prepared.rows(session, found, {})]
    if missing := [id for id in ids if id not in known]:
        known.update((card.id, card) for card in _cards(session, missing, language))
    # One that has just gone is in neither.
    return [known[id] for id in ids if id in known]


_OF_IDS = PUBLIC.where(Listing.id.in_(bindparam("ids", expanding=True)))
_OF_ID = PUBLIC.where(Listing.id == bindparam("id"), queries.is_public(bindparam("now")))


def _cards(session: Session, ids: Sequence[int], language: str) -> Iterator[Card]:
    rows = prepared.rows(session, _OF_IDS, {"ids": ids}).all()
    homes = [(row, queries.home(row.own), queries.property_content(row.shared)) for row in rows]
    first = [(home.pictures or content.pictures)[:1] for _, home, content in homes]
    files = known_pictures(session, [one.hash for pictures in first for one in pictures])
    for (row, home, content), pictures in zip(homes, first, strict=True):
        words = listings.in_language(home.words, language)
        yield Card(
            id=row.id,
            property=row.slug,
            property_name=row.property_name,
            unit=row.unit,
            city=content.city,
            state=content.state,
            bedrooms=home.bedrooms,
            bathrooms=home.bathrooms,
            square_feet=home.square_feet,
            rent=home.rent,
            available_on=home.available_on,
            cats=row.property_cats if row.cats is None else row.cats,
            dogs=row.property_dogs if row.dogs is None else row.dogs,
            headline=words.headline,
            concession=words.concession,
            picture=next(iter(picture_entries(pictures, files, language)), None),
        )


def page(
    session: Session,
    listing_id: int,
    now: datetime,
    language: str = listings.LANGUAGES[0],
    *,
    known: MutableMapping[int, list[AnswerEntry]] | None = None,
) -> Page | None:
    """A home's public page, in three statements, or in two where the property's answers are `known`: by its id, in this
    language, as the session would read them; others are added. None: it is not public, or does not exist."""
    row = prepared.rows(session, _OF_ID, {"id": listing_id, "now": now}).one_or_none()
    if row is None:
        return None
    known = {} if known is None else known
    if row.property_id not in known:
        known[row.property_id] = answers.that_apply(session, row.property_id, language)
    home, content = queries.home(row.own), queries.property_content(row.shared)
    words, about = both_texts(home, content, language)
    own, shared = pictures_in(session, home, language, content)
    return Page(
        id=row.id,
        version=row.version,
        property=row.slug,
        property_name=row.property_name,
        property_version=row.property_version,
        unit=row.unit,
        address=address_of(content),
        bedrooms=home.bedrooms,
        bathrooms=home.bathrooms,
        square_feet=home.square_feet,
        rent=home.rent,
        deposit=home.deposit,
        available_on=home.available_on,
        terms=terms_of(listings.with_terms_of(home, content)),
        headline=words.headline,
        text=words.text,
        concession=words.concession,
        about=about.text,
        policies=about.policies,
        pictures=[*own, *(one for one in shared if one.hash not in {other.hash for other in own})],
        answers=known[row.property_id],
    )


def property_page(session: Session, slug: str, language: str = listings.LANGUAGES[0]) -> PropertyPage | None:
    """A property's public page, without its homes, in three statements; None: it is not public, or does not exist."""
    found = (
        select(Property, ContentVersion.version, ContentVersion.content)
        .join(PropertyProfile, PropertyProfile.property_id == Property.id)
        .join(
            ContentVersion,
            and_(ContentVersion.property_id == Property.id, ContentVersion.version == PropertyProfile.published),
        )
        .where(Property.slug == slug)
    )
    row = session.execute(found).one_or_none()
    if row is None:
        return None
    said = queries.property_content(row.content)
    words = listings.in_language(said.words, language)
    return PropertyPage(
        property=row.Property.slug,
        name=row.Property.name,
        version=row.version,
        address=address_of(said),
        terms=terms_of(said),
        text=words.text,
        policies=words.policies,
        pictures=pictures_in(session, said, language)[0],
        answers=answers.that_apply(session, row.Property.id, language),
    )
