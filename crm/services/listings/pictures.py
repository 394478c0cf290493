"""Pictures of homes and properties: stored once, shown in a chosen order, with alternative texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import listings
from crm.domain.errors import Invalid, NotFound
from crm.domain.listings import Picture
from crm.edge import pictures as files
from crm.edge.pictures import PictureError, StoredPicture
from crm.services.audit import By
from crm.store.models import PictureFile

Change = Callable[[tuple[Picture, ...]], tuple[Picture, ...]]
"""Returns the pictures as they are after the change. Raises Invalid, NotFound."""


def take_in(config: Config, path: Path) -> StoredPicture:
    """Reads a picture file, and stores it in our sizes. Blocks: call it outside of transactions. Raises Invalid."""
    try:
        return files.take_in(path, config.pictures_folder)
    except PictureError as error:
        raise Invalid(str(error), code="picture_unusable") from error


def recorded(session: Session, by: By, taken: StoredPicture) -> None:
    """Records that the files of a picture are stored."""
    if session.get(PictureFile, taken.hash) is None:
        session.add(
            PictureFile(
                hash=taken.hash,
                width=taken.width,
                height=taken.height,
                widths=list(taken.widths),
                taken_at=by.now,
                taken_by=by.who[:80],
            )
        )


def added(taken: StoredPicture, alt: Mapping[str, str], at: int | None = None) -> Change:
    """Inserts a picture at a position from 1; None: at the end."""

    def change(known: tuple[Picture, ...]) -> tuple[Picture, ...]:
        if any(one.hash == taken.hash for one in known):
            raise Invalid("This picture is there already.", code="picture_twice")
        picture = Picture(taken.hash, dict(alt))
        index = len(known) if at is None else at - 1
        return (*known[:index], picture, *known[index:])

    return change


def removed(number: int) -> Change:
    return lambda known: tuple(one for one in known if one is not _numbered(known, number))


def edited(number: int, alt: Mapping[str, str], to: int | None = None) -> Change:
    """Replaces the alternative texts in these languages, an empty one being removed, and moves the picture to position
    `to`, from 1."""

    def change(known: tuple[Picture, ...]) -> tuple[Picture, ...]:
        picture = _numbered(known, number)
        others = [one for one in known if one is not picture]
        index = (number if to is None else to) - 1
        return (*others[:index], replace(picture, alt={**picture.alt, **alt}), *others[index:])

    return change


def _numbered(known: tuple[Picture, ...], number: int) -> Picture:
    if not 1 <= number <= len(known):
        raise NotFound(f"There is no picture {number}: there are {len(known)}.", code="picture_unknown")
    return known[number - 1]


def languages(english: str | None, spanish: str | None) -> dict[str, str]:
    """The alternative texts that are given, by language."""
    given = dict(zip(listings.LANGUAGES, (english, spanish), strict=True))
    return {language: text for language, text in given.items() if text is not None}
