"""What pages and entries of homes and properties consist of: terms, pictures, addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from crm.domain import listings
from crm.domain.listings import PropertyContent, Terms
from crm.store import prepared
from crm.store.models import PictureFile


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


class PictureSheet(msgspec.Struct):
    """A picture with its alternative text in each language."""

    number: int
    """Its position, from 1."""
    hash: str
    alt: dict[str, str]
    width: int
    height: int
    widths: list[int]


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


def address_of(content: PropertyContent) -> AddressEntry:
    return AddressEntry(
        content.street, content.city, content.state, content.postal_code, content.latitude, content.longitude
    )


def terms_of(terms: Terms) -> TermsEntry:
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


def pictures_in(session: Session, first: Terms, language: str, *others: Terms) -> list[list[PictureEntry]]:
    """The pictures of each, read in one statement."""
    owners = (first, *others)
    known = known_pictures(session, [one.hash for terms in owners for one in terms.pictures])
    return [picture_entries(terms.pictures, known, language) for terms in owners]


_PICTURES = select(PictureFile.hash, PictureFile.width, PictureFile.height, PictureFile.widths).where(
    PictureFile.hash.in_(bindparam("hashes", expanding=True))
)


def known_pictures(session: Session, hashes: list[str]) -> Mapping[str, Row[*tuple[Any, ...]]]:
    """Their sizes, by hash."""
    if not hashes:
        return {}
    return {file.hash: file for file in prepared.rows(session, _PICTURES, {"hashes": hashes})}


def picture_entries(
    pictures: Iterable[listings.Picture], known: Mapping[str, Row[*tuple[Any, ...]]], language: str
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


def picture_sheets(session: Session, owner: Terms) -> list[PictureSheet]:
    """Those of a home or a property whose files are there."""
    files = known_pictures(session, [picture.hash for picture in owner.pictures])
    return [
        PictureSheet(number, picture.hash, picture.alt, file.width, file.height, file.widths)
        for number, picture in enumerate(owner.pictures, start=1)
        if (file := files.get(picture.hash))
    ]
