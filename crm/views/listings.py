"""Listings: as the office sees them, as the public sees them, and as they were at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, Select, and_, case, false, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from crm.domain import fair_housing, listings
from crm.domain.access import WHOLE_OFFICE, Reach
from crm.domain.errors import NotFound
from crm.domain.listings import Home, ListingFilter, ListingState, PropertyContent, Terms, Words
from crm.store.models import (
    Answer,
    ContentVersion,
    Listing,
    PictureFile,
    Property,
    PropertyProfile,
    Publication,
    Unit,
)
from crm.store.queries import listings as queries
from crm.store.queries import reach as reached


class PetEntry(msgspec.Struct):
    """A kind of pet that is allowed."""

    kind: str
    most: int | None
    """How many; null: no limit."""
    pounds: int | None
    """How heavy each may be; null: no limit."""
    deposit: Decimal | None
    """For each."""
    monthly: Decimal | None
    """For each."""


class PetsEntry(msgspec.Struct):
    """Which pets are allowed. Assistance animals are not pets."""

    allowed: list[PetEntry]
    """Empty without a note: none."""
    note: str


class FeeEntry(msgspec.Struct):
    name: str
    amount: Decimal
    per: str
    """once, monthly or per applicant."""
    purpose: str
    """What it is for; empty: the name says it."""


class PictureEntry(msgspec.Struct):
    """A picture; its files are `<hash>-<width>.webp`."""

    hash: str
    alt: str
    """Alternative text: what can be seen in it."""
    width: int
    height: int
    """Of its largest file."""
    widths: list[int]
    """Its sizes, smallest first."""


class TermsEntry(msgspec.Struct, kw_only=True):
    """What applies to a home: its own terms, else its property's. Null: not stated."""

    pets: PetsEntry | None
    fees: list[FeeEntry] | None
    application_fee: str
    """Of those, what applying costs, such as `50 per applicant`; empty: nothing is said about it."""
    utilities: list[str] | None
    """Those in the rent."""
    parking: list[str] | None
    laundry: list[str] | None
    lease_months: list[int] | None
    accessibility: list[str] | None


class AddressEntry(msgspec.Struct):
    street: str
    city: str
    state: str
    postal_code: str
    latitude: Decimal | None
    longitude: Decimal | None


class AnswerEntry(msgspec.Struct):
    """The answer of a property, or of the office, about a topic."""

    topic: str
    language: str
    text: str
    property: str | None
    """Slug; null: it is the office's answer."""
    version: int
    made_at: datetime
    made_by: str


class ListingEntry(msgspec.Struct, kw_only=True):
    """A listing, in its current version: the published one, else the latest."""

    id: int
    property: str
    """Slug."""
    unit: str
    """Number or name, as on the door."""
    state: str
    """draft, published, changed (a later version waits to be published) or expired."""
    version: int
    """The current one."""
    latest: int
    expires_at: datetime | None
    bedrooms: int
    """0 is a studio."""
    bathrooms: Decimal
    square_feet: int | None
    rent: Decimal
    """A month."""
    deposit: Decimal
    available_on: date | None
    """Null: not known yet."""
    headline: str


class ListingDetail(ListingEntry, kw_only=True):
    """One listing, at one time."""

    terms: TermsEntry
    text: str
    concession: str
    pictures: list[PictureEntry]
    property_name: str
    property_version: int | None
    """The version of the property that it is shown with; null: the property has no details."""
    address: AddressEntry
    policies: str
    made_at: datetime
    """When this version was written."""
    made_by: str
    public: bool
    """Whether the public saw this version at that time."""
    findings: list[str]
    """Words in it that may express a preference; if it was public, somebody has accepted them."""


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


class VersionEntry(msgspec.Struct):
    """A version of a listing or a property, and a time during which it was public."""

    version: int
    made_at: datetime
    made_by: str
    public_from: datetime | None
    """Null: it was never public."""
    public_until: datetime | None
    """Null: it is public now, or never was."""
    decided_by: str
    """Who published it."""
    findings: list[str]
    """Words that were accepted then."""
    despite: str
    """Why."""


class Card(msgspec.Struct, kw_only=True):
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


_Own = aliased(ContentVersion)
_Shared = aliased(ContentVersion)
_IN_FORCE = func.coalesce(Listing.published, Listing.latest)
_PROFILE_IN_FORCE = func.coalesce(PropertyProfile.published, PropertyProfile.latest)

_ROW = (
    select(
        Listing,
        Unit.name.label("unit"),
        Property.slug,
        Property.name.label("property_name"),
        _Own.version.label("version"),
        _Own.content.label("own"),
        _Own.made_at,
        _Own.made_by,
        _Shared.version.label("property_version"),
        _Shared.content.label("shared"),
        PropertyProfile.cats.label("property_cats"),
        PropertyProfile.dogs.label("property_dogs"),
    )
    .join(Unit, Unit.id == Listing.unit_id)
    .join(Property, Property.id == Listing.property_id)
    .outerjoin(PropertyProfile, PropertyProfile.property_id == Listing.property_id)
)
_NOW = _ROW.join(_Own, and_(_Own.listing_id == Listing.id, _Own.version == _IN_FORCE)).outerjoin(
    _Shared, and_(_Shared.property_id == Listing.property_id, _Shared.version == _PROFILE_IN_FORCE)
)
_PUBLIC = _ROW.join(_Own, and_(_Own.listing_id == Listing.id, _Own.version == Listing.published)).join(
    # A property that is not public has no such version, and so there is no row.
    _Shared,
    and_(_Shared.property_id == Listing.property_id, _Shared.version == PropertyProfile.published),
)


# --- for the office ---


def listed(
    session: Session,
    now: datetime,
    wanted: ListingFilter = ListingFilter(),  # noqa: B008 - it cannot change
    *,
    after: tuple[Decimal, int] | None = None,
    limit: int = 50,
    language: str = listings.LANGUAGES[0],
    reach: Reach = WHOLE_OFFICE,
) -> list[ListingEntry]:
    """By rent, the lowest first. `after` is the rent and id of the last listing on the page before."""
    found = filtered(_NOW, now, wanted).where(*reached.of_listings(reach))
    rows = session.execute(_page_of(found, after, limit)).all()
    return [ListingEntry(**_entry(row, queries.home(row.own), now, language)) for row in rows]


def count(session: Session, now: datetime, wanted: ListingFilter) -> int:
    found = select(func.count(Listing.id)).outerjoin(
        PropertyProfile, PropertyProfile.property_id == Listing.property_id
    )
    return int(session.execute(filtered(found, now, wanted)).scalar_one())


def filtered(found: Select[*tuple[Any, ...]], now: datetime, wanted: ListingFilter) -> Select[*tuple[Any, ...]]:
    """Narrows a query of listings and profiles to those that match the filter."""
    if wanted.property is not None:
        found = found.where(
            Listing.property_id == select(Property.id).where(Property.slug == wanted.property).scalar_subquery()
        )
    if wanted.state is not None:
        found = found.where(_has_state(ListingState(wanted.state), now))
    if wanted.bedrooms is not None:
        found = found.where(Listing.bedrooms == wanted.bedrooms)
    if wanted.rent_from is not None:
        found = found.where(Listing.rent >= wanted.rent_from)
    if wanted.rent_to is not None:
        found = found.where(Listing.rent <= wanted.rent_to)
    if wanted.available_by is not None:
        found = found.where(Listing.available_on <= wanted.available_by)
    if wanted.pets is not None:
        own, shared = getattr(Listing, wanted.pets), getattr(PropertyProfile, wanted.pets)
        found = found.where(func.coalesce(own, shared, false()))
    return found


def one(
    session: Session,
    listing_id: int,
    now: datetime,
    *,
    version: int | None = None,
    at: datetime | None = None,
    language: str = listings.LANGUAGES[0],
) -> ListingDetail:
    """A listing as it is now, in one of its versions, or at a time: the version that was public then, else the latest
    that had been written. Raises NotFound."""
    as_of = at or now
    public = None
    if version is None and at is not None:
        public = _published_at(session, Publication.listing_id == listing_id, as_of)
        if public is None:
            written = select(func.max(ContentVersion.version)).where(
                ContentVersion.listing_id == listing_id, ContentVersion.made_at <= at
            )
            version = session.scalar(written)
            if version is None:
                raise _unknown(listing_id, at)
        else:
            version = public
    if version is None:
        row = session.execute(_NOW.where(Listing.id == listing_id)).one_or_none()
    else:
        row = session.execute(_at_version(session, listing_id, version, at)).one_or_none()
    if row is None:
        raise _unknown(listing_id, version)
    home, content = queries.home(row.own), queries.property_content(row.shared)
    words, about = _both(home, content, language)
    # A listing is public only together with its property.
    has_public_property = _published_at(session, Publication.property_id == row.Listing.property_id, as_of) is not None
    was_public = public == row.version if at is not None else _is_public(row.Listing, row.version, now)
    return ListingDetail(
        **_entry(row, home, now, language),
        terms=_terms(listings.with_terms_of(home, content)),
        text=words.text,
        concession=words.concession,
        pictures=_pictures(session, home, language)[0],
        property_name=row.property_name,
        property_version=row.property_version,
        address=_address(content),
        policies=about.policies,
        made_at=row.made_at,
        made_by=row.made_by,
        public=was_public and has_public_property,
        findings=[str(found) for found in fair_housing.check(home)],
    )


def _at_version(session: Session, listing_id: int, version: int, at: datetime | None) -> Select[*tuple[Any, ...]]:
    """A version of a listing, with its property as it was `at` that time, or as it is now."""
    found = _ROW.join(_Own, and_(_Own.listing_id == Listing.id, _Own.version == version))
    shared: ColumnElement[Any] = _PROFILE_IN_FORCE
    if at is not None:
        property_id = select(Listing.property_id).where(Listing.id == listing_id).scalar_subquery()
        known = _published_at(session, Publication.property_id == property_id, at)
        if known is None:
            written = select(func.max(ContentVersion.version)).where(
                ContentVersion.property_id == property_id, ContentVersion.made_at <= at
            )
            known = session.scalar(written)
        shared = func.coalesce(known, 0)
    return found.outerjoin(_Shared, and_(_Shared.property_id == Listing.property_id, _Shared.version == shared)).where(
        Listing.id == listing_id
    )


def _published_at(session: Session, whose: ColumnElement[bool], at: datetime) -> int | None:
    """The version that was public at a time; None if none was."""
    found = (
        select(Publication.version)
        .outerjoin(Listing, Listing.id == Publication.listing_id)
        .where(
            whose,
            Publication.from_at <= at,
            # The current publication ends when its listing expires.
            or_(
                Publication.until_at > at,
                and_(Publication.until_at.is_(None), or_(Listing.expires_at.is_(None), Listing.expires_at > at)),
            ),
        )
        .order_by(Publication.from_at.desc(), Publication.id.desc())
        .limit(1)
    )
    return session.scalar(found)


def history(session: Session, listing_id: int) -> list[VersionEntry]:
    """Every version, the oldest first. Raises NotFound."""
    if session.get(Listing, listing_id) is None:
        raise _unknown(listing_id, None)
    return _history(session, ContentVersion.listing_id, Publication.listing_id, listing_id)


def history_of_property(session: Session, slug: str) -> list[VersionEntry]:
    """Every version, the oldest first. Raises NotFound."""
    return _history(session, ContentVersion.property_id, Publication.property_id, _property(session, slug).id)


def _history(session: Session, written: Any, shown: Any, owner: int) -> list[VersionEntry]:
    ends = case(
        (Publication.until_at.is_not(None), Publication.until_at),
        else_=Listing.expires_at,
    )
    found = (
        select(
            ContentVersion.version,
            ContentVersion.made_at,
            ContentVersion.made_by,
            Publication.from_at,
            ends.label("until_at"),
            Publication.made_by.label("decided_by"),
            Publication.findings,
            Publication.despite,
        )
        .outerjoin(Publication, and_(shown == owner, Publication.version == ContentVersion.version))
        .outerjoin(Listing, Listing.id == Publication.listing_id)
        .where(written == owner)
        .order_by(ContentVersion.version, Publication.from_at)
    )
    return [
        VersionEntry(
            row.version,
            row.made_at,
            row.made_by,
            row.from_at,
            row.until_at,
            row.decided_by or "",
            row.findings or [],
            row.despite or "",
        )
        for row in session.execute(found)
    ]


def property_detail(session: Session, slug: str, language: str = listings.LANGUAGES[0]) -> PropertyDetail:
    """A property's details; a property without any has version 0. Raises NotFound."""
    property = _property(session, slug)
    row = session.execute(
        select(PropertyProfile, ContentVersion.version, ContentVersion.content)
        .join(
            ContentVersion,
            and_(
                ContentVersion.property_id == PropertyProfile.property_id, ContentVersion.version == _PROFILE_IN_FORCE
            ),
        )
        .where(PropertyProfile.property_id == property.id)
    ).one_or_none()
    said = queries.property_content(row.content if row else None)
    words = listings.in_language(said.words, language)
    profile = row.PropertyProfile if row else None
    state = ListingState.DRAFT
    if profile and profile.published is not None:
        state = ListingState.PUBLISHED if profile.published == profile.latest else ListingState.CHANGED
    return PropertyDetail(
        property=property.slug,
        name=property.name,
        state=state,
        version=row.version if row else 0,
        latest=profile.latest if profile else 0,
        address=_address(said),
        terms=_terms(said),
        text=words.text,
        policies=words.policies,
        pictures=_pictures(session, said, language)[0],
        findings=[str(found) for found in fair_housing.check(said)],
        answers=answers(session, property.id, language),
    )


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
        .where(ContentVersion.property_id == _property(session, slug).id)
    )
    return _pictures(session, queries.property_content(content), language)[0]


def answers_of(session: Session, slug: str | None, *, at: datetime | None = None) -> list[AnswerEntry]:
    """The answers of a property, or (None) of the office, in each language. Raises NotFound."""
    return answers(session, _property(session, slug).id if slug else None, at=at)


def answer(session: Session, slug: str | None, topic: str, language: str, *, at: datetime | None = None) -> AnswerEntry:
    """A property's own answer, else the office's; in the language, else in the first of LANGUAGES. Raises NotFound."""
    property_id = _property(session, slug).id if slug else None
    found = answers(session, property_id, language, topic=topic, at=at)
    if not found:
        raise NotFound(
            f"Nobody has given an answer about {topic[:40]!a}.", code="answer_unknown", property=slug or "office"
        )
    return found[0]


# --- for the public ---


def cards(
    session: Session,
    now: datetime,
    wanted: ListingFilter = ListingFilter(),  # noqa: B008 - it cannot change
    *,
    after: tuple[Decimal, int] | None = None,
    limit: int = 24,
    language: str = listings.LANGUAGES[0],
) -> list[Card]:
    """Public listings by rent, in two statements. `after` is the rent and id of the last one on the page before."""
    found = filtered(_PUBLIC, now, wanted).where(queries.is_public(now))
    rows = session.execute(_page_of(found, after, limit)).all()
    homes = [(row, queries.home(row.own), queries.property_content(row.shared)) for row in rows]
    first = [(home.pictures or content.pictures)[:1] for _, home, content in homes]
    known = _known_pictures(session, [one.hash for pictures in first for one in pictures])
    shown = []
    for (row, home, content), pictures in zip(homes, first, strict=True):
        words = listings.in_language(home.words, language)
        shown.append(
            Card(
                id=row.Listing.id,
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
                cats=row.property_cats if row.Listing.cats is None else row.Listing.cats,
                dogs=row.property_dogs if row.Listing.dogs is None else row.Listing.dogs,
                headline=words.headline,
                concession=words.concession,
                picture=next(iter(_entries(pictures, known, language)), None),
            )
        )
    return shown


def page(session: Session, listing_id: int, now: datetime, language: str = listings.LANGUAGES[0]) -> Page | None:
    """A home's public page, in three statements; None: it is not public, or does not exist."""
    found = _PUBLIC.where(Listing.id == listing_id, queries.is_public(now))
    row = session.execute(found).one_or_none()
    if row is None:
        return None
    home, content = queries.home(row.own), queries.property_content(row.shared)
    words, about = _both(home, content, language)
    own, shared = _pictures(session, home, language, content)
    return Page(
        id=row.Listing.id,
        version=row.version,
        property=row.slug,
        property_name=row.property_name,
        property_version=row.property_version,
        unit=row.unit,
        address=_address(content),
        bedrooms=home.bedrooms,
        bathrooms=home.bathrooms,
        square_feet=home.square_feet,
        rent=home.rent,
        deposit=home.deposit,
        available_on=home.available_on,
        terms=_terms(listings.with_terms_of(home, content)),
        headline=words.headline,
        text=words.text,
        concession=words.concession,
        about=about.text,
        policies=about.policies,
        pictures=[*own, *(one for one in shared if one.hash not in {other.hash for other in own})],
        answers=answers(session, row.Listing.property_id, language),
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
        address=_address(said),
        terms=_terms(said),
        text=words.text,
        policies=words.policies,
        pictures=_pictures(session, said, language)[0],
        answers=answers(session, row.Property.id, language),
    )


def answers(
    session: Session,
    property_id: int | None,
    language: str | None = None,
    *,
    topic: str | None = None,
    at: datetime | None = None,
) -> list[AnswerEntry]:
    """The answers that apply to a property, by topic: its own, else the office's; in `language`, else in the first of
    LANGUAGES.

    Without `language`, in all of them. `at`: as they were then. Answers that were withdrawn are left out.
    """
    mine: ColumnElement[bool] = Answer.property_id.is_(None)
    if property_id is not None:
        mine = or_(mine, Answer.property_id == property_id)
    found = (
        select(Answer, Property.slug)
        .outerjoin(Property, Property.id == Answer.property_id)
        .where(mine)
        .order_by(Answer.version)
    )
    if topic is not None:
        found = found.where(Answer.topic == topic)
    if at is not None:
        found = found.where(Answer.made_at <= at)
    latest: dict[tuple[str, str, bool], AnswerEntry] = {}
    for answer, slug in session.execute(found):
        latest[answer.topic, answer.language, slug is None] = AnswerEntry(
            answer.topic, answer.language, answer.text, slug, answer.version, answer.made_at, answer.made_by
        )
    given = {key: entry for key, entry in latest.items() if entry.text}
    chosen: dict[tuple[str, str], AnswerEntry] = {}
    # The office's come first, so that the property's own replace them.
    for (about, spoken, _), entry in sorted(given.items(), key=lambda one: not one[0][2]):
        chosen[about, spoken] = entry
    if language is None:
        return [chosen[key] for key in sorted(chosen)]
    topics = sorted({about for about, _ in chosen})
    first = listings.LANGUAGES[0]
    found_in = [chosen.get((about, language)) or chosen.get((about, first)) for about in topics]
    return [entry for entry in found_in if entry]


# --- parts ---


def _entry(row: Row[*tuple[Any, ...]], home: Home, now: datetime, language: str) -> dict[str, Any]:
    listing: Listing = row.Listing
    return {
        "id": listing.id,
        "property": row.slug,
        "unit": row.unit,
        "state": state_of(listing, now),
        "version": row.version,
        "latest": listing.latest,
        "expires_at": listing.expires_at,
        "bedrooms": home.bedrooms,
        "bathrooms": home.bathrooms,
        "square_feet": home.square_feet,
        "rent": home.rent,
        "deposit": home.deposit,
        "available_on": home.available_on,
        "headline": listings.in_language(home.words, language).headline,
    }


def state_of(listing: Listing, now: datetime) -> ListingState:
    if listing.published is None:
        return ListingState.DRAFT
    if listing.expires_at is not None and listing.expires_at <= now:
        return ListingState.EXPIRED
    return ListingState.PUBLISHED if listing.published == listing.latest else ListingState.CHANGED


def _has_state(state: ListingState, now: datetime) -> ColumnElement[bool]:
    match state:
        case ListingState.DRAFT:
            return Listing.published.is_(None)
        case ListingState.EXPIRED:
            return and_(Listing.published.is_not(None), Listing.expires_at <= now)
        case ListingState.CHANGED:
            return and_(queries.is_public(now), Listing.published != Listing.latest)
        case ListingState.PUBLISHED:
            return queries.is_public(now)


def _is_public(listing: Listing, version: int, now: datetime) -> bool:
    return listing.published == version and state_of(listing, now) is not ListingState.EXPIRED


def _page_of(
    found: Select[*tuple[Any, ...]], after: tuple[Decimal, int] | None, limit: int
) -> Select[*tuple[Any, ...]]:
    if after is not None:
        found = found.where(tuple_(Listing.rent, Listing.id) > after)
    return found.order_by(Listing.rent, Listing.id).limit(limit)


def _both(home: Home, content: PropertyContent, language: str) -> tuple[Words, Words]:
    return listings.in_language(home.words, language), listings.in_language(content.words, language)


def _address(content: PropertyContent) -> AddressEntry:
    return AddressEntry(
        content.street, content.city, content.state, content.postal_code, content.latitude, content.longitude
    )


def _terms(terms: Terms) -> TermsEntry:
    pets = terms.pets
    return TermsEntry(
        pets=None
        if pets is None
        else PetsEntry(
            [PetEntry(one.kind, one.most, one.pounds, one.deposit, one.monthly) for one in pets.allowed], pets.note
        ),
        fees=None
        if terms.fees is None
        else [FeeEntry(fee.name, fee.amount, fee.per, fee.purpose) for fee in terms.fees],
        application_fee=listings.application_fee(terms.fees or ()),
        utilities=_values(terms.utilities),
        parking=_values(terms.parking),
        laundry=_values(terms.laundry),
        lease_months=None if terms.lease_months is None else list(terms.lease_months),
        accessibility=_values(terms.accessibility),
    )


def _values(chosen: Iterable[str] | None) -> list[str] | None:
    return None if chosen is None else [str(one) for one in chosen]


def _pictures(session: Session, first: Terms, language: str, *others: Terms) -> list[list[PictureEntry]]:
    """The pictures of each, read in one statement."""
    owners = (first, *others)
    known = _known_pictures(session, [one.hash for terms in owners for one in terms.pictures])
    return [_entries(terms.pictures, known, language) for terms in owners]


def _known_pictures(session: Session, hashes: list[str]) -> dict[str, PictureFile]:
    if not hashes:
        return {}
    found = session.scalars(select(PictureFile).where(PictureFile.hash.in_(hashes)))
    return {file.hash: file for file in found}


def _entries(
    pictures: Iterable[listings.Picture], known: Mapping[str, PictureFile], language: str
) -> list[PictureEntry]:
    return [
        PictureEntry(
            one.hash,
            one.alt.get(language) or one.alt.get(listings.LANGUAGES[0], ""),
            file.width,
            file.height,
            file.widths,
        )
        for one in pictures
        if (file := known.get(one.hash))
    ]


def _property(session: Session, slug: str) -> Property:
    found = session.scalar(select(Property).where(Property.slug == slug))
    if found is None:
        raise NotFound(f"There is no property {slug}.", code="property_unknown", property=slug)
    return found


def _unknown(listing_id: int, version: object) -> NotFound:
    if version is None:
        return NotFound(f"There is no listing {listing_id}.", code="listing_unknown", listing=listing_id)
    return NotFound(
        f"There is no listing {listing_id} with a version {version}.",
        code="listing_version_unknown",
        listing=listing_id,
    )
