"""Lists from a spreadsheet or a TOML file, read whole and checked before anything is written. Pure.

Each kind of list has its columns; every cell is checked by itself, and what is wrong is told with its line and column.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from crm.domain import fields, listings, tables
from crm.domain.errors import Invalid
from crm.domain.lead_rows import read_cell
from crm.domain.ringing import DeviceKind, Strategy
from crm.domain.route_inputs import CallerKind, DeskKind
from crm.domain.tours import TourKind

MOST_ROWS = 50_000
MOST_PROBLEMS = 50
"""How many problems are reported; the rest show once these are fixed."""


class ListKind(StrEnum):
    """The kinds of lists, in the order in which they are written: later ones refer to earlier ones."""

    PORTFOLIOS = "portfolios"
    AGENTS = "agents"
    DEVICES = "devices"
    SUBTEAMS = "subteams"
    PROPERTIES = "properties"
    UNITS = "units"
    ANSWERS = "answers"
    LINES = "lines"
    HOURS = "hours"
    SPECIAL_DAYS = "special_days"
    AGENT_HOURS = "agent_hours"
    TOUR_HOURS = "tour_hours"
    CONTACTS = "contacts"
    DESKS = "desks"


@dataclass(frozen=True)
class Problem:
    """Something that is wrong, and where."""

    where: str
    """E.g. "line 7, column 3 (subteam)", or "units entry 4, rent"."""
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class Wrong(Invalid):
    """A list has problems; none of it was written."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        which = "" if len(problems) == 1 else f"the first of {len(problems)} problems is at "
        super().__init__(
            f"Nothing was written: {which}{problems[0]}", code="list_wrong", problems=[str(one) for one in problems]
        )
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Row:
    """One entry, its cells checked."""

    values: Mapping[str, Any]
    """Only the columns that the list has; an empty cell is the column's empty value."""
    locations: Mapping[str, str]
    """Where each cell is."""

    def problem(self, column: str, what: str) -> Problem:
        return Problem(self.locations.get(column) or next(iter(self.locations.values())), what)


@dataclass
class Lists:
    """Everything a file holds, or all files of a folder."""

    rows: dict[ListKind, list[Row]] = field(default_factory=dict)

    def add(self, file: str, lists: Lists) -> None:
        """Adds another file's lists; its locations then name the file. Raises Wrong."""
        for kind, rows in lists.rows.items():
            mine = self.rows.setdefault(kind, [])
            mine += [
                replace(row, locations={column: f"{file}, {location}" for column, location in row.locations.items()})
                for row in rows
            ]
            problems: list[Problem] = []
            check_twice(kind, mine, problems)
            if problems:
                raise Wrong(problems[:MOST_PROBLEMS])


@dataclass(frozen=True)
class Column:
    read: Callable[[str], Any]
    required: bool = False
    empty: Any = ""


def _text(what: str, longest: int) -> Callable[[str], str]:
    return lambda raw: fields.text(raw, what, longest)


def _one_of(known: Sequence[str], what: str) -> Callable[[str], str]:
    def read(raw: str) -> str:
        if raw not in known:
            raise Invalid(
                f"{raw[:40]!a} is not a {what}: use {', '.join(known)}.",
                code="choice_unknown",
                what=what,
                known=list(known),
            )
        return raw

    return read


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def read(raw: str) -> int:
        if not re.fullmatch(r"-?\d{1,9}", raw, re.ASCII) or not lowest <= int(raw) <= highest:
            raise Invalid(
                f"{raw[:40]!a} is not a number from {lowest} to {highest}.",
                code="count_invalid",
                lowest=lowest,
                highest=highest,
            )
        return int(raw)

    return read


def _slugs(raw: str) -> tuple[str, ...]:
    return tuple(fields.slug(part) for part in raw.replace(",", " ").split())


def _openings(raw: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in raw.split(";") if part.strip())
    fields.openings(parts)
    return parts


def _home(column: str) -> Column:
    """A column of what is offered; its text is kept, for only together do they make a home."""

    def read(raw: str) -> str:
        listings.HOME_COLUMNS[column](listings.UNSAID, raw)
        return raw

    return Column(read)


def _property(column: str) -> Column:
    def read(raw: str) -> str:
        listings.PROPERTY_COLUMNS[column](listings.PropertyContent(), raw)
        return raw

    return Column(read)


def _pets(raw: str) -> str:
    """Lists from elsewhere say it in words, which stay as a note."""
    return listings.pets_as_text(listings.pets_or_note(raw))


_YES_NO = _one_of(("yes", "no"), "answer")

COLUMNS: Mapping[ListKind, Mapping[str, Column]] = {
    ListKind.PORTFOLIOS: {"slug": Column(fields.slug, required=True), "name": Column(_text("name", 200))},
    ListKind.AGENTS: {
        "slug": Column(fields.slug, required=True),
        "name": Column(_text("name", 200)),
        "extension": Column(fields.extension, empty=None),
        "email": Column(fields.email),
    },
    ListKind.DEVICES: {
        "slug": Column(fields.device_slug, required=True),
        "agent": Column(fields.slug, required=True),
        "kind": Column(_one_of([kind.value for kind in DeviceKind], "kind of device"), empty=DeviceKind.DESK.value),
        "location": Column(fields.slug, empty=None),
        "number": Column(_text("number", 40)),
    },
    ListKind.SUBTEAMS: {
        "slug": Column(fields.slug, required=True),
        "name": Column(_text("name", 200)),
        "strategy": Column(_one_of([strategy.value for strategy in Strategy], "strategy"), empty="ring_all"),
        "members": Column(_slugs, empty=()),
        "sisters": Column(_slugs, empty=()),
        "answering_service": Column(_text("number", 40)),
    },
    ListKind.PROPERTIES: {
        "slug": Column(fields.slug, required=True),
        "name": Column(_text("name", 200)),
        "portfolio": Column(fields.slug),
        "subteam": Column(fields.slug),
        "area": Column(_text("area", 60)),
        "listings_url": Column(lambda raw: fields.url(raw, "listings URL")),
        "timezone": Column(fields.timezone),
        "holidays": Column(_text("calendar of holidays", 10)),
        **{column: _property(column) for column in listings.PROPERTY_COLUMNS},
        "pets": Column(_pets),
        "published": Column(_YES_NO),
    },
    ListKind.UNITS: {
        "property": Column(fields.slug, required=True),
        "name": Column(_text("name", 40), required=True),
        **{column: _home(column) for column in listings.HOME_COLUMNS},
        **{column: replace(_home(column), required=True) for column in listings.REQUIRED},
        "pets": Column(_pets),
        "published": Column(_YES_NO),
        "last_day": Column(fields.day, empty=None),
    },
    ListKind.ANSWERS: {
        "property": Column(fields.slug),
        "topic": Column(fields.slug, required=True),
        "language": Column(listings.check_language, required=True),
        "text": Column(lambda raw: listings.paragraphs(raw, "answer")),
    },
    ListKind.LINES: {
        "number": Column(_text("number", 40), required=True),
        "property": Column(fields.slug),
        "portfolio": Column(fields.slug),
        "label": Column(_text("label", 200)),
        "source": Column(_text("source", 60)),
        "greeting": Column(_text("greeting", 1000)),
        "language": Column(_text("language", 10), empty="en"),
    },
    ListKind.HOURS: {"property": Column(fields.slug), "openings": Column(_openings, required=True)},
    ListKind.SPECIAL_DAYS: {
        "day": Column(fields.day, required=True),
        "open": Column(fields.special_open),
        "name": Column(_text("name", 100)),
        "property": Column(fields.slug),
    },
    ListKind.AGENT_HOURS: {"agent": Column(fields.slug, required=True), "openings": Column(_openings, required=True)},
    ListKind.TOUR_HOURS: {
        "property": Column(fields.slug, required=True),
        "kind": Column(_one_of([kind.value for kind in TourKind], "kind of tour"), empty=TourKind.ACCOMPANIED.value),
        "openings": Column(_openings, required=True),
        "minutes": Column(_whole(5, 480), empty=30),
        "buffer_minutes": Column(_whole(0, 240), empty=0),
        "capacity": Column(_whole(1, 100), empty=1),
        "agent": Column(fields.slug),
    },
    ListKind.CONTACTS: {
        "number": Column(_text("number", 40), required=True),
        "kind": Column(
            _one_of([kind.value for kind in CallerKind if kind is not CallerKind.PROSPECT], "kind of contact"),
            required=True,
        ),
        "name": Column(_text("name", 200)),
        "property": Column(fields.slug),
    },
    ListKind.DESKS: {
        "kind": Column(_one_of([kind.value for kind in DeskKind], "kind of desk"), required=True),
        "target": Column(_text("target", 60), required=True),
        "property": Column(fields.slug),
        "hours": Column(_openings, empty=()),
        "confirm": Column(_one_of(("yes", "no"), "answer"), empty="yes"),
    },
}
"""The columns of each kind. Openings are those of office hours, several with a semicolon between them."""

KEYS: Mapping[ListKind, tuple[str, ...]] = {
    ListKind.UNITS: ("property", "name"),
    ListKind.ANSWERS: ("property", "topic", "language"),
    ListKind.LINES: ("number",),
    ListKind.TOUR_HOURS: ("property", "kind", "agent"),
    ListKind.HOURS: (),
    ListKind.AGENT_HOURS: (),
    ListKind.SPECIAL_DAYS: ("day", "property"),
    ListKind.CONTACTS: ("number",),
    ListKind.DESKS: ("kind", "property"),
}
"""What identifies an entry; the others are identified by their slug."""


_SEPARATOR_NAMES = {",": "comma", ";": "semicolon", "\t": "tab"}


def read_csv(text: str, kind: ListKind) -> Lists:
    """One list with its headings in the first line. Raises Wrong."""
    lines = io.StringIO(text)
    separator, first, start = tables.begin(lines)
    reader = csv.reader(itertools.chain((first,), lines), strict=True, delimiter=separator)
    problems: list[Problem] = []
    try:
        heads = [tables.clean(head).strip().lower().replace(" ", "_") for head in next(reader, [])]
        # Spreadsheets write columns that were only ever formatted.
        while heads and not heads[-1]:
            heads.pop()
        _check_heads(kind, heads, problems, f"line {start}")
        rows = []
        line = reader.line_num + start
        for cells in reader:
            if any(cell.strip() for cell in cells) and not problems:
                rows.append((line, cells))
            line = reader.line_num + start
            if len(rows) > MOST_ROWS:
                raise Wrong([Problem(f"line {line}", f"the list has more than {MOST_ROWS} rows: split it.")])
    except csv.Error as error:
        raise Wrong([Problem(f"line {reader.line_num + start - 1}", f"this is not CSV ({error}).")]) from None
    if problems:
        raise Wrong(problems)
    found = []
    for line, cells in rows:
        beyond = cells[len(heads) :]
        if len(cells) < len(heads) or any(cell.strip() for cell in beyond):
            what = (
                f"the line has {len(cells)} columns and the first line {len(heads)}: are quotes missing around a "
                f"{_SEPARATOR_NAMES.get(separator, separator)}?"
            )
            problems.append(Problem(f"line {line}", what))
            continue
        locations = {head: f"line {line}, column {number} ({head})" for number, head in enumerate(heads, start=1)}
        texts = (read_cell(tables.clean(cell)) for cell in cells)
        found.append(_row(kind, dict(zip(heads, texts, strict=False)), locations, problems))
    check_twice(kind, found, problems)
    if problems:
        raise Wrong(problems[:MOST_PROBLEMS])
    return Lists({kind: found})


def read_toml(text: str) -> Lists:
    """Several lists: a table array for each kind, e.g. [[properties]]. Raises Wrong."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Wrong([Problem("the file", f"this is not TOML ({error}).")]) from None
    problems: list[Problem] = []
    lists = Lists()
    for name, entries in tables.items():
        if name not in {kind.value for kind in ListKind} or not isinstance(entries, list):
            known = ", ".join(f"[[{kind.value}]]" for kind in ListKind)
            problems.append(Problem(f"[[{name[:40]}]]", f"is not a list that can be imported: write {known}."))
            continue
        kind = ListKind(name)
        rows = lists.rows[kind] = []
        for number, entry in enumerate(entries, start=1):
            where = f"{name} entry {number}"
            if not isinstance(entry, dict):
                problems.append(Problem(where, "is not a table."))
                continue
            before = len(problems)
            _check_heads(kind, list(entry), problems, where)
            if len(problems) == before:
                locations = {column: f"{where}, {column}" for column in COLUMNS[kind]}
                rows.append(
                    _row(kind, {column: _as_text(value) for column, value in entry.items()}, locations, problems)
                )
        check_twice(kind, rows, problems)
    if problems:
        raise Wrong(problems[:MOST_PROBLEMS])
    return lists


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(str(part) for part in value)
    return str(value)


def _check_heads(kind: ListKind, heads: Sequence[str], problems: list[Problem], where: str = "line 1") -> None:
    known = COLUMNS[kind]
    for number, head in enumerate(heads, start=1):
        if head not in known:
            at = f"{where}, column {number}" if where.startswith("line") else where
            problems.append(Problem(at, f"{head[:40]!a} is not a column of {kind}: use {', '.join(known)}."))
        elif head in heads[: number - 1]:
            problems.append(Problem(f"{where}, column {number}", f"{head} is there twice."))
    missing = [name for name, column in known.items() if column.required and name not in heads]
    if missing:
        problems.append(Problem(where, f"{kind} need {' and '.join(missing)}."))


def _row(kind: ListKind, cells: Mapping[str, str], locations: Mapping[str, str], problems: list[Problem]) -> Row:
    values: dict[str, Any] = {}
    for name, raw in cells.items():
        column, text = COLUMNS[kind][name], raw.strip()
        if not text:
            values[name] = column.empty
            if column.required:
                problems.append(Problem(locations[name], "is empty: write something."))
            continue
        try:
            values[name] = column.read(text)
        except Invalid as error:
            problems.append(Problem(locations[name], str(error)))
    return Row(values, {name: locations[name] for name in cells})


def typed_row(kind: ListKind, cells: Mapping[str, str], where: str, problems: list[Problem], **more: Any) -> Row:
    """A row that comes from elsewhere than a table, held to the same rules; `more` are values that no table has."""
    row = _row(kind, cells, {column: f"{where}, {column}" for column in (*cells, *more)}, problems)
    return Row({**row.values, **more}, {**row.locations, **{column: f"{where}, {column}" for column in more}})


def check_twice(kind: ListKind, rows: Sequence[Row], problems: list[Problem]) -> None:
    keys = KEYS.get(kind, ("slug",))
    seen: dict[tuple[Any, ...], str] = {}
    for row in rows:
        key = tuple(row.values.get(name, "") for name in keys)
        first = next((row.locations[name] for name in keys if name in row.locations), "")
        if not keys or not first:
            continue
        if key in seen:
            problems.append(Problem(first, f"the same is already in {seen[key]}."))
        seen.setdefault(key, first)
