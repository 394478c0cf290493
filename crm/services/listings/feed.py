"""Export and import of listings: CSV for spreadsheets, and a JSON feed, which is typed and has everything.

docs/guide/listings.md describes both. The latest versions are exported. What is imported has to meet the same rules as
what is entered by hand.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TextIO, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from crm.domain import imports, listings
from crm.domain.errors import Invalid
from crm.domain.imports import ListKind, Lists, Problem, Row, Wrong
from crm.domain.lead_rows import write_cell
from crm.domain.listings import Home, PropertyContent
from crm.edge import pictures
from crm.store.models import Answer, ContentVersion, Listing, PictureFile, Property, PropertyProfile, Unit
from crm.store.queries import listings as queries
from crm.store.queries.names import id_of
from crm.store.queries.office import zone

FORMAT = "leaseline-listings/1"
LONGEST_FEED = 200_000_000
"""Bytes."""
KINDS = (ListKind.PROPERTIES, ListKind.UNITS, ListKind.ANSWERS)
"""The lists in a feed, or in a folder of CSV files."""

PROPERTY_HEADINGS = ("slug", "name", *listings.PROPERTY_COLUMNS, "published")
UNIT_HEADINGS = ("property", "name", *listings.HOME_COLUMNS, "published", "last_day")
ANSWER_HEADINGS = ("property", "topic", "language", "text")

Progress = Callable[[int, int], None]
"""Called with how many properties are done, and how many there are."""


class FeedAnswer(msgspec.Struct, forbid_unknown_fields=True):
    topic: str
    language: str
    text: str


class FeedListing(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    unit: str
    """Its number or name, as on the door."""
    published: bool | None = None
    """Null: as it is."""
    last_day: str | None = None
    """The last day on which it is public: 2026-06-30. Null: no last day."""
    home: dict[str, Any]
    """A crm.domain.listings.Home."""


class FeedProperty(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    slug: str
    name: str = ""
    published: bool | None = None
    details: dict[str, Any] = {}
    """A crm.domain.listings.PropertyContent."""
    answers: list[FeedAnswer] = []
    listings: list[FeedListing] = []


# --- out ---


def exported(
    session: Session, tz: ZoneInfo, now: datetime, only: str | None = None
) -> Iterator[tuple[FeedProperty, int, int]]:
    """Properties by slug, with their homes by unit; each with its number from 1, and how many properties there are."""
    rows = select(Property, PropertyProfile, ContentVersion.content).outerjoin(
        PropertyProfile, PropertyProfile.property_id == Property.id
    )
    rows = rows.outerjoin(
        ContentVersion,
        and_(ContentVersion.property_id == Property.id, ContentVersion.version == PropertyProfile.latest),
    )
    rows = rows.where(Property.retired_at.is_(None))
    if only is not None:
        rows = rows.where(Property.id == id_of(Property.slug, only))
    found = sorted(session.execute(rows), key=lambda row: row.Property.slug)
    for number, (property, profile, content) in enumerate(found, start=1):
        yield (
            FeedProperty(
                slug=property.slug,
                name=property.name,
                published=_wish(profile, profile is not None and profile.published is not None),
                details=queries.stored(queries.property_content(content)),
                answers=current_answers(session, property.id),
                listings=_homes(session, property, zone(tz, property), now),
            ),
            number,
            len(found),
        )


def _homes(session: Session, property: Property, tz: ZoneInfo, now: datetime) -> list[FeedListing]:
    found = (
        select(Listing, Unit.name, ContentVersion.content)
        .join(Unit, Unit.id == Listing.unit_id)
        .join(
            ContentVersion,
            and_(ContentVersion.listing_id == Listing.id, ContentVersion.version == Listing.latest),
        )
        .where(Listing.property_id == property.id, Unit.retired_at.is_(None))
    )
    homes = []
    for listing, unit, content in session.execute(found):
        is_public = listing.published is not None and (listing.expires_at is None or listing.expires_at > now)
        last = listing.expires_at - timedelta(seconds=1) if is_public and listing.expires_at else None
        homes.append(
            FeedListing(
                unit=unit,
                published=_wish(listing, is_public),
                last_day=last.astimezone(tz).date().isoformat() if last else None,
                home=queries.stored(queries.home(content)),
            )
        )
    return sorted(homes, key=lambda one: one.unit)


def _wish(head: Listing | PropertyProfile | None, is_public: bool) -> bool | None:
    """Whether what is exported is public; None: an earlier version is."""
    if head is None or not is_public:
        return False
    return True if head.published == head.latest else None


def current_answers(session: Session, property_id: int | None) -> list[FeedAnswer]:
    """The current answers of a property, or of the office (None)."""
    mine = Answer.property_id.is_(None) if property_id is None else Answer.property_id == property_id
    latest = (
        select(Answer.topic, Answer.language, func.max(Answer.version).label("version"))
        .where(mine)
        .group_by(Answer.topic, Answer.language)
        .subquery()
    )
    found = select(Answer.topic, Answer.language, Answer.text).join(
        latest,
        and_(Answer.topic == latest.c.topic, Answer.language == latest.c.language, Answer.version == latest.c.version),
    )
    return [
        FeedAnswer(*row) for row in sorted(tuple(row) for row in session.execute(found.where(mine, Answer.text != "")))
    ]


def write_json(
    session: Session, out: TextIO, tz: ZoneInfo, now: datetime, only: str | None, progress: Progress
) -> set[str]:
    """Writes the feed property by property, and returns the hashes of the pictures in it."""
    named: set[str] = set()
    head = {"format": FORMAT, "answers": current_answers(session, None) if only is None else []}
    out.write(msgspec.json.encode(head).decode().removesuffix("}") + ',"properties":[')
    for one, number, total in exported(session, tz, now, only):
        out.write(("," if number > 1 else "") + "\n" + msgspec.json.encode(one).decode())
        for content in (one.details, *(listing.home for listing in one.listings)):
            named.update(picture["hash"] for picture in content.get("pictures", ()))
        progress(number, total)
    out.write("\n]}\n")
    return named


def write_csv(
    session: Session,
    files: Mapping[ListKind, TextIO],
    tz: ZoneInfo,
    now: datetime,
    only: str | None,
    raw: bool,
    progress: Progress,
) -> None:
    """Writes one table of each kind. Cells are made safe for spreadsheets unless `raw`. Pictures are only in the
    feed."""
    tables = {kind: csv.writer(file, lineterminator="\n") for kind, file in files.items()}
    heads = {
        ListKind.PROPERTIES: PROPERTY_HEADINGS,
        ListKind.UNITS: UNIT_HEADINGS,
        ListKind.ANSWERS: ANSWER_HEADINGS,
    }

    def row(kind: ListKind, values: Mapping[str, str]) -> None:
        if kind in tables:
            tables[kind].writerow([write_cell(values[column], raw=raw) for column in heads[kind]])

    def answers(slug: str, given: list[FeedAnswer]) -> None:
        for one in given:
            row(ListKind.ANSWERS, {"property": slug, **msgspec.to_builtins(one)})

    for kind, table in tables.items():
        table.writerow(heads[kind])
    if only is None:
        answers("", current_answers(session, None))
    for one, number, total in exported(session, tz, now, only):
        cells = listings.property_cells(queries.property_content(one.details))
        row(
            ListKind.PROPERTIES,
            {"slug": one.slug, "name": one.name, **cells, "published": _yes_no(one.published)},
        )
        answers(one.slug, one.answers)
        for listing in one.listings:
            row(
                ListKind.UNITS,
                {
                    "property": one.slug,
                    "name": listing.unit,
                    **listings.home_cells(queries.home(listing.home)),
                    "published": _yes_no(listing.published),
                    "last_day": listing.last_day or "",
                },
            )
        progress(number, total)


def _yes_no(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def copy_pictures(hashes: Mapping[str, int], folder: Path, to: Path) -> int:
    """Copies the largest file of each picture (`hashes`: width by hash), and returns how many were missing. Raises
    Invalid."""
    missing = 0
    try:
        to.mkdir(parents=True, exist_ok=True)
        for hash, width in hashes.items():
            try:
                content = pictures.file_of(folder, hash, width).read_bytes()
            except FileNotFoundError:
                missing += 1
                continue
            (to / f"{hash}.webp").write_bytes(content)
    except OSError as error:
        raise Invalid(
            f"The pictures cannot be written to {to} ({error.strerror}): choose another folder.",
            code="feed_pictures_unwritable",
        ) from None
    return missing


def widths(session: Session, hashes: set[str]) -> dict[str, int]:
    """Width of the largest file by hash, for those of the pictures that we have."""
    known = session.execute(select(PictureFile.hash, PictureFile.width)).all()
    return {hash: width for hash, width in known if hash in hashes}


# --- in ---


def read_json(content: bytes) -> Lists:
    """Reads the lists of a feed. Raises Invalid, or Wrong with every mistake found."""
    try:
        feed = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"This is not JSON ({error}).", code="feed_not_json") from None
    if not isinstance(feed, dict) or feed.get("format") != FORMAT:
        raise Invalid(f'This is not a feed of listings: its "format" has to be "{FORMAT}".', code="feed_unknown")
    reader = _Reader()
    for key in set(feed) - {"format", "answers", "properties"}:
        reader.problems.append(Problem("the feed", f"{key[:40]!a} is not known: use answers and properties."))
    for number, entry in enumerate(_list(feed.get("answers", ())), start=1):
        reader.answer(entry, "", f"answer {number}")
    for number, entry in enumerate(_list(feed.get("properties", ())), start=1):
        reader.property(entry, f"property {number}")
    for kind, rows in reader.rows.items():
        imports.check_twice(kind, rows, reader.problems)
    if reader.problems:
        raise Wrong(reader.problems[: imports.MOST_PROBLEMS])
    return Lists({kind: rows for kind, rows in reader.rows.items() if rows})


Entry = TypeVar("Entry", FeedProperty, FeedListing, FeedAnswer)
Content = TypeVar("Content", Home, PropertyContent)


class _Reader:
    """Reads each entry by itself, so that all mistakes are reported at once."""

    def __init__(self) -> None:
        self.rows: dict[ListKind, list[Row]] = {kind: [] for kind in KINDS}
        self.problems: list[Problem] = []

    def property(self, entry: Any, where: str) -> None:
        # Its listings and answers are read one by one.
        homes, given = [], []
        if isinstance(entry, dict):
            homes, given = _list(entry.get("listings", ())), _list(entry.get("answers", ()))
            entry = {key: value for key, value in entry.items() if key not in ("listings", "answers")}
        one = self._entry(entry, FeedProperty, where)
        if one is None:
            return
        where = f"{where} ({one.slug[:40]})"
        content = self._content(one.details, PropertyContent, where)
        if content is None:
            return
        cells = {
            "slug": one.slug,
            "name": one.name,
            **listings.property_cells(content),
            "published": _yes_no(one.published),
        }
        if one.published is None:
            del cells["published"]
        self._row(ListKind.PROPERTIES, cells, where, content.pictures)
        for number, other in enumerate(given, start=1):
            self.answer(other, one.slug, f"{where}, answer {number}")
        for number, other in enumerate(homes, start=1):
            self._listing(other, one.slug, f"{where}, listing {number}")

    def _listing(self, entry: Any, slug: str, where: str) -> None:
        one = self._entry(entry, FeedListing, where)
        if one is None:
            return
        where = f"{where} ({one.unit[:40]})"
        home = self._content(one.home, Home, where)
        if home is None:
            return
        cells = {"property": slug, "name": one.unit, **listings.home_cells(home), "last_day": one.last_day or ""}
        if one.published is not None:
            cells["published"] = _yes_no(one.published)
        self._row(ListKind.UNITS, cells, where, home.pictures)

    def answer(self, entry: Any, slug: str, where: str) -> None:
        one = self._entry(entry, FeedAnswer, where)
        if one is not None:
            cells = {"property": slug, **msgspec.to_builtins(one)}
            self.rows[ListKind.ANSWERS].append(imports.typed_row(ListKind.ANSWERS, cells, where, self.problems))

    def _row(
        self, kind: ListKind, cells: Mapping[str, str], where: str, pictures: tuple[listings.Picture, ...]
    ) -> None:
        self.rows[kind].append(imports.typed_row(kind, cells, where, self.problems, pictures=pictures))

    def _entry(self, entry: Any, kind: type[Entry], where: str) -> Entry | None:
        try:
            return msgspec.convert(entry, kind)
        except msgspec.ValidationError as error:
            self.problems.append(Problem(where, f"{error}."))
            return None

    def _content(self, said: dict[str, Any], kind: type[Content], where: str) -> Content | None:
        try:
            content = msgspec.convert(said, kind)
            if unknown := next(_unknown(said, msgspec.to_builtins(content)), None):
                raise msgspec.ValidationError(f"{unknown[:60]!a} is not known")
            checked: Any = listings.checked_home(content) if isinstance(content, Home) else None
            if isinstance(content, PropertyContent):
                checked = listings.checked_property(content)
            if checked != content:
                raise Invalid("a text has line breaks, spaces, ; or : where none is allowed.", code="feed_text_unkept")
        except (msgspec.ValidationError, Invalid) as error:
            self.problems.append(Problem(where, str(error) if isinstance(error, Invalid) else f"{error}."))
            return None
        return content


def _unknown(said: Any, known: Any, path: str = "") -> Iterator[str]:
    """Keys that are in `said` but were not read, most likely because they are misspelled."""
    if isinstance(said, dict) and isinstance(known, dict):
        for key, value in said.items():
            if key not in known:
                yield f"{path}{key}"
            else:
                yield from _unknown(value, known[key], f"{path}{key}.")
    elif isinstance(said, list) and isinstance(known, list):
        for one, other in zip(said, known, strict=False):
            yield from _unknown(one, other, path)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def wanted_pictures(lists: Lists) -> set[str]:
    """The hashes of the pictures in the lists of a feed."""
    return {picture.hash for rows in lists.rows.values() for row in rows for picture in row.values.get("pictures", ())}


def take_in_pictures(hashes: set[str], folder: Path, ours: Path | None) -> list[pictures.StoredPicture]:
    """Takes in the pictures that are in `folder` as `<hash>.webp`. With `ours` None, it only checks that the files are
    there. Blocks. Raises Invalid for a file whose content is another picture."""
    taken = []
    for hash in sorted(hashes):
        file = folder / f"{hash}.webp"
        if not file.is_file():
            continue
        if ours is None:
            taken.append(pictures.StoredPicture(hash, 0, 0, ()))
            continue
        try:
            found = pictures.take_in(file, ours)
        except pictures.PictureError as error:
            raise Invalid(f"{file.name}: {error}", code="feed_picture_unusable") from error
        if found.hash != hash:
            raise Invalid(
                f"{file.name} is not the picture that the feed names: export its pictures again.",
                code="feed_picture_differs",
            )
        taken.append(found)
    return taken
