"""Lists from a spreadsheet or a TOML file, read whole and checked before anything is written. Pure.

Each kind of list has its columns; every cell is checked by itself, and what is wrong is told with its line and column.
A row in which something is wrong is kept with what could be read of it: others may name it, and it may name what does
not exist, so that all that is wrong with a list is known at once.
"""

from __future__ import annotations

import io
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from crm.domain import fields, listings, tables
from crm.domain.errors import Invalid
from crm.domain.lead_rows import read_cell
from crm.domain.ringing import DeviceKind, Strategy
from crm.domain.route_inputs import CallerKind, DeskKind
from crm.domain.tables import TableRecord
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
    order: tuple[int, ...] = field(default=(), compare=False)
    """The numbers by which problems are put in order: of the file, the line and the column. Those of a file as a whole
    come before those of its lines."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def first_first(problems: Iterable[Problem]) -> list[Problem]:
    """Each problem once, in the order of the files, lines and columns they are in; at most MOST_PROBLEMS."""
    return sorted(dict.fromkeys(problems), key=lambda one: one.order)[:MOST_PROBLEMS]


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
    """Only the columns that the list has and that could be read; an empty cell is the column's empty value."""
    locations: Mapping[str, str]
    """Where each cell is."""
    order: tuple[int, ...] = ()
    """Its place among all rows, as in Problem."""
    unread: frozenset[str] = frozenset()
    """Columns with a problem."""

    def problem(self, column: str, what: str) -> Problem:
        columns = list(self.locations)
        column = column if column in self.locations else columns[0]
        return Problem(self.locations[column], what, (*self.order, columns.index(column) + 1))

    def rehearsed(self, kind: ListKind) -> Row | None:
        """The row as it is tried out although cells of it could not be read, with others in their place where anything
        will do; None: too little is left of it."""
        if not self.unread:
            return self
        missing = self.unread & NEEDED[kind]
        unique = "-".join(("row", *map(str, self.order)))
        stand_ins = {name: text or unique for name, text in STAND_INS[kind].items() if name in missing}
        return None if missing - stand_ins.keys() else replace(self, values={**self.values, **stand_ins})


@dataclass
class Lists:
    """Everything a file holds, or all files of a folder."""

    rows: dict[ListKind, list[Row]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    """What was wrong when it was read; with one, nothing of it may be written."""
    unread: set[ListKind] = field(default_factory=set)
    """Kinds of which there may be rows that nothing is known of: whether a name is one of theirs cannot be said."""
    files: int = 0
    """How many were added."""

    def add(self, file: str, lists: Lists) -> None:
        """Adds another file's lists; its locations then name the file."""
        self.files += 1
        for kind, rows in lists.rows.items():
            mine = self.rows.setdefault(kind, [])
            added = [
                replace(
                    row,
                    locations={column: f"{file}, {location}" for column, location in row.locations.items()},
                    order=(self.files, *row.order),
                )
                for row in rows
            ]
            check_twice(kind, added, self.problems, mine)
            mine += added
        self.problems += [Problem(f"{file}, {one.where}", one.what, (self.files, *one.order)) for one in lists.problems]
        self.unread |= lists.unread

    def fail(self, file: str, why: str, kinds: Iterable[ListKind]) -> None:
        """Notes a file that could not be read at all, and the kinds it may have held."""
        self.files += 1
        self.problems.append(Problem(file, why, (self.files,)))
        self.unread |= set(kinds)


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

NEEDED: Mapping[ListKind, frozenset[str]] = {
    kind: frozenset(name for name, column in columns.items() if column.required) | {*KEYS.get(kind, ("slug",))}
    for kind, columns in COLUMNS.items()
} | {ListKind.HOURS: frozenset({"property", "openings"})}
"""Columns without whose cells, where the list has them, nothing of a row can be written."""

STAND_INS: Mapping[ListKind, Mapping[str, str]] = {
    **{kind: {"slug": ""} if "slug" in columns else {} for kind, columns in COLUMNS.items()},
    ListKind.ANSWERS: {"topic": "", "language": "en"},
    ListKind.CONTACTS: {"kind": CallerKind.VENDOR.value},
    ListKind.DESKS: {"kind": DeskKind.VENDOR.value},
}
"""What a row is tried out with, to find what else is wrong with it, where one of these cells could not be read; an
empty text stands for one of its own."""

OF_THE_WHOLE_ROW = frozenset({"slug", "name", "openings", "published"})
"""Columns at which it is told what is wrong with a row as a whole; where one of its cells could not be read, that may
be all there is to it."""


_SEPARATOR_NAMES = {",": "comma", ";": "semicolon", "\t": "tab"}


def read_csv(text: str, kind: ListKind) -> Lists:
    """One list with its headings in the first line."""
    lines = io.StringIO(text)
    separator, first, start = tables.begin(lines)
    records = tables.records(lines, separator, first, start)
    found = Lists()
    problems, rows = found.problems, found.rows.setdefault(kind, [])
    head = next(records, TableRecord(start, []))
    heads = [tables.clean(name).strip().lower().replace(" ", "_") for name in head.cells]
    # Spreadsheets write columns that were only ever formatted.
    while heads and not heads[-1]:
        heads.pop()
    if head.problem:
        problems.append(Problem(f"line {head.line}", head.problem, (head.line,)))
        found.unread.add(kind)
        return found
    _check_heads(kind, heads, problems, f"line {start}", (start,))
    if "slug" in COLUMNS[kind] and "slug" not in heads:
        found.unread.add(kind)
    read = _TableLine(kind, heads, separator, problems)
    for record in records:
        line, cells = record.line, record.cells
        if record.problem:
            problems.append(Problem(f"line {line}", record.problem, (line,)))
            found.unread.add(kind)
        elif any(cell.strip() for cell in cells):
            rows.append(read(line, cells))
        if len(rows) > MOST_ROWS:
            problems.append(Problem(f"line {line}", f"the list has more than {MOST_ROWS} rows: split it.", (line,)))
            found.unread.add(kind)
            rows.clear()
            break
    check_twice(kind, rows, problems)
    return found


@dataclass(frozen=True)
class _TableLine:
    """Reads the lines of a table."""

    kind: ListKind
    heads: Sequence[str]
    separator: str
    problems: list[Problem]

    def __call__(self, line: int, cells: Sequence[str]) -> Row:
        beyond = cells[len(self.heads) :]
        located = {head: f"line {line}, column {number} ({head})" for number, head in enumerate(self.heads, start=1)}
        by_column = dict(zip(self.heads, (read_cell(tables.clean(cell)) for cell in cells), strict=False))
        if len(cells) >= len(self.heads) and not any(cell.strip() for cell in beyond):
            return _row(self.kind, by_column, located, self.problems, (line,))
        what = (
            f"the line has {len(cells)} columns and the first line {len(self.heads)}: are quotes missing around a "
            f"{_SEPARATOR_NAMES.get(self.separator, self.separator)}?"
        )
        self.problems.append(Problem(f"line {line}", what, (line,)))
        # From some cell on, all are in the wrong column: only what the line is called is taken from it.
        name = next(iter(self.heads), "")
        row = _row(self.kind, {name: by_column.get(name, "")}, {name: located.get(name, f"line {line}")}, [], (line,))
        return replace(row, unread=row.unread | COLUMNS[self.kind].keys() - row.values.keys())


def read_toml(text: str) -> Lists:
    """Several lists: a table array for each kind, e.g. [[properties]]."""
    lists = Lists()
    problems = lists.problems
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problems.append(Problem("the file", f"this is not TOML ({error})."))
        lists.unread |= set(ListKind)
        return lists
    for place, (name, entries) in enumerate(tables.items(), start=1):
        if name not in {kind.value for kind in ListKind} or not isinstance(entries, list):
            known = ", ".join(f"[[{kind.value}]]" for kind in ListKind)
            what = f"is not a list that can be imported: write {known}."
            problems.append(Problem(f"[[{name[:40]}]]", what, (place,)))
            # It may be one of ours whose name is mistyped.
            lists.unread |= set(ListKind)
            continue
        kind = ListKind(name)
        rows = lists.rows[kind] = []
        for number, entry in enumerate(entries, start=1):
            where = f"{name} entry {number}"
            if not isinstance(entry, dict):
                problems.append(Problem(where, "is not a table.", (place, number)))
                continue
            _check_heads(kind, list(entry), problems, where, (place, number))
            locations = {column: f"{where}, {column}" for column in COLUMNS[kind]}
            cells = {column: _as_text(value) for column, value in entry.items()}
            rows.append(_row(kind, cells, locations, problems, (place, number)))
        check_twice(kind, rows, problems)
    return lists


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(str(part) for part in value)
    return str(value)


def _check_heads(
    kind: ListKind, heads: Sequence[str], problems: list[Problem], where: str, order: tuple[int, ...]
) -> None:
    known = COLUMNS[kind]
    for number, head in enumerate(heads, start=1):
        if head not in known:
            at = f"{where}, column {number}" if where.startswith("line") else where
            what = f"{head[:40]!a} is not a column of {kind}: use {', '.join(known)}."
            problems.append(Problem(at, what, (*order, number)))
        elif head in heads[: number - 1]:
            problems.append(Problem(f"{where}, column {number}", f"{head} is there twice.", (*order, number)))
    missing = [name for name, column in known.items() if column.required and name not in heads]
    if missing:
        problems.append(Problem(where, f"{kind} need {' and '.join(missing)}.", order))


def _row(
    kind: ListKind,
    cells: Mapping[str, str],
    locations: Mapping[str, str],
    problems: list[Problem],
    order: tuple[int, ...] = (),
) -> Row:
    """What can be read of a row. Columns that its list may not have are no problem of the row."""
    values: dict[str, Any] = {}
    columns, located = COLUMNS[kind], {name: locations[name] for name in cells if name in locations}
    unread = {name for name, column in columns.items() if column.required and name not in cells}
    row = Row(values, located or locations, order)
    for name, raw in cells.items():
        if name not in columns:
            continue
        column, text = columns[name], raw.strip()
        if not text and not column.required:
            values[name] = column.empty
            continue
        if not text:
            unread.add(name)
            problems.append(row.problem(name, "is empty: write something."))
            continue
        try:
            values[name] = column.read(text)
        except Invalid as error:
            unread.add(name)
            problems.append(row.problem(name, str(error)))
    return replace(row, unread=frozenset(unread)) if unread else row


def typed_row(kind: ListKind, cells: Mapping[str, str], where: str, problems: list[Problem], **more: Any) -> Row:
    """A row that comes from elsewhere than a table, held to the same rules; `more` are values that no table has."""
    row = _row(kind, cells, {column: f"{where}, {column}" for column in (*cells, *more)}, problems)
    locations = {**row.locations, **{column: f"{where}, {column}" for column in more}}
    return replace(row, values={**row.values, **more}, locations=locations)


def check_twice(kind: ListKind, rows: Sequence[Row], problems: list[Problem], before: Sequence[Row] = ()) -> None:
    """Tells of rows that are about the same as an earlier one, or, with rows that were there before these, as one of
    those."""
    keys = KEYS.get(kind, ("slug",))
    seen: dict[tuple[Any, ...], str] = {}
    for row, is_told in (*((row, False) for row in before), *((row, True) for row in rows)):
        first = next((name for name in keys if name in row.locations), "")
        if not first or not row.unread.isdisjoint(keys):
            continue
        key = tuple(row.values.get(name, "") for name in keys)
        if is_told and key in seen:
            problems.append(row.problem(first, f"the same is already in {seen[key]}."))
        if not (is_told and before):
            seen.setdefault(key, row.locations[first])
