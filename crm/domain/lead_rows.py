"""Leads as rows of a list that is exported or imported. Pure.

Exported cells are safe for a spreadsheet: one that begins like a formula gets an apostrophe in front, which is removed
on import, so that a list that was exported, imported and exported again stays the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from operator import attrgetter
from typing import Any, TextIO

from crm.domain import tables
from crm.domain.errors import Invalid
from crm.domain.tables import TableRecord

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets treat a cell that begins with one as a formula (owasp.org/www-community/attacks/CSV_Injection)."""
BETWEEN = "; "
"""Separates several values in a cell."""
LONGEST_CELL = 20_000
"""Characters."""


@dataclass(slots=True)
class LeadRow:
    """One lead with all columns of a list of leads. Tuples are joined with `BETWEEN` in a cell."""

    id: int | None = None
    name: str = ""
    emails: tuple[str, ...] = ()
    """The first is where email is sent."""
    phones: tuple[str, ...] = ()
    """E.164."""
    kind: str = ""
    type: str = ""
    status: str = ""
    closed_because: str = ""
    stage: str = ""
    """Of the interest they were last in touch about."""
    source: str = ""
    property: str = ""
    """Slug of that interest's property."""
    unit: str = ""
    listing: str = ""
    """Link to that property's listings."""
    interests: tuple[str, ...] = ()
    """All of them, as `elm=showing_booked`, or `elm/204B=contacted` for a single home."""
    agent: str = ""
    language: str = ""
    bedrooms: int | None = None
    move_in: date | None = None
    budget: int | None = None
    pets: str = ""
    created: datetime | None = None
    first_answer: datetime | None = None
    last_contact: datetime | None = None
    next_action: str = ""
    next_action_owner: str = ""
    next_action_due: datetime | None = None
    tours: int = 0
    calls: int = 0
    messages: int = 0
    opted_out: tuple[str, ...] = ()
    """Numbers that want no texts, E.164, and email addresses that want no news, in lower case."""


COLUMNS = tuple(one.name for one in fields(LeadRow))
_values = attrgetter(*COLUMNS)
# A text's own apostrophe would be taken for ours on import.
_ESCAPED = frozenset((*FORMULA, "'"))


def write_cell(value: object, *, raw: bool = False) -> str:
    """Formats a value as a cell; times in UTC as 2026-03-02T16:00:00Z. `raw` leaves formulas as they are."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return _moment(value)
    text = BETWEEN.join(value) if isinstance(value, list) else str(value)
    return text if raw or text[:1] not in _ESCAPED else f"'{text}"


def write_rows(rows: Iterable[LeadRow], *, raw: bool = False) -> Iterator[tuple[object, ...]]:
    """Formats leads as rows of `COLUMNS` for a csv.writer, as `write_cell` would each value."""
    columns = zip(*map(_values, rows), strict=True)
    return zip(*(_column(form, cells, raw) for form, cells in zip(_FORMS, columns, strict=False)), strict=True)


_FORMS = tuple(str(one.type) for one in fields(LeadRow))


def _column(form: str, values: Sequence[Any], raw: bool) -> Sequence[object]:
    """All cells of a column at once: with a call for each, a list takes twice as long."""
    if form.startswith("datetime"):
        return [value and _moment(value) for value in values]
    if not form.startswith(("str", "tuple")):
        # Numbers and days: csv.writer writes them itself, as it does None.
        return values
    texts = [BETWEEN.join(value) for value in values] if form.startswith("tuple") else values
    return texts if raw else [f"'{text}" if text[:1] in _ESCAPED else text for text in texts]


def _moment(value: datetime) -> str:
    return f"{value.astimezone(UTC).isoformat()[:-6]}Z"


def read_cell(text: str) -> str:
    """Removes the apostrophe that keeps a spreadsheet from calculating the cell."""
    if len(text) > 1 and text[0] == "'" and (text[1] in FORMULA or text[1] == "'"):
        return text[1:]
    return text


ALIASES: Mapping[str, tuple[str, ...]] = {
    "id": ("id",),
    "name": ("name", "full name", "contact name", "lead name"),
    "first_name": ("first name", "firstname", "given name"),
    "last_name": ("last name", "lastname", "surname", "family name"),
    "emails": ("emails", "email", "e-mail", "email address", "mail"),
    "phones": ("phones", "phone", "phone number", "mobile", "mobile phone", "cell", "telephone"),
    "kind": ("kind",),
    "type": ("type", "temperature"),
    "status": ("status",),
    "closed_because": ("closed because", "close reason"),
    "source": ("source", "lead source"),
    "property": ("property", "property name"),
    "unit": ("unit",),
    "stage": ("stage",),
    "interests": ("interests",),
    "agent": ("agent", "assigned to", "owner"),
    "language": ("language",),
    "bedrooms": ("bedrooms", "beds", "bedrooms wanted"),
    "move_in": ("move in", "move-in", "move in date", "move-in date", "moving date", "desired move date"),
    "budget": ("budget", "max rent", "maximum rent"),
    "pets": ("pets",),
    "created": ("created", "created at", "date created"),
    "first_answer": ("first answer",),
    "last_contact": ("last contact",),
    "opted_out": ("opted out",),
    "note": ("note", "notes", "comment", "comments"),
}
"""How lists from elsewhere name the columns that are read; other columns are skipped."""


def open_table(lines: TextIO) -> tuple[Iterator[TableRecord], list[str], list[str]]:
    """Returns what follows the first line of a CSV file, the column names as written, and ours; "" for skipped ones.

    `lines` is decoded text. The separator (comma, semicolon or tab) is told by the first line. Raises Invalid.
    """
    separator, first, start = tables.begin(lines)
    records = tables.records(lines, separator, first, start)
    head = next(records, TableRecord(start, []))
    heads = head.cells
    if head.problem:
        raise Invalid(
            f"The list cannot be read: in line {head.line}, {head.problem}", code="list_unreadable", line=head.line
        )
    if not any(heads):
        raise Invalid("The first line of the file is empty: it has to name the columns.", code="list_empty")
    known = {alias: name for name, aliases in ALIASES.items() for alias in (*aliases, name)}
    columns = [known.get(" ".join(read_cell(head).strip().lower().replace("_", " ").split()), "") for head in heads]
    columns = [column if column not in columns[:index] else "" for index, column in enumerate(columns)]
    if not {"name", "first_name", "last_name", "emails", "phones"} & set(columns):
        raise Invalid(
            "The first line names no column of names, phones or emails: a list of leads needs one of them.",
            code="list_without_people",
        )
    return records, heads, columns


def values(columns: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """Returns the cells of a row by column, without empty ones. Raises Invalid."""
    found = {
        column: read_cell(text)
        for column, cell in zip(columns, cells, strict=False)
        if column and (text := tables.clean(cell).strip())
    }
    for column, cell in found.items():
        if len(cell) > LONGEST_CELL:
            raise Invalid(f"The {column} has more than {LONGEST_CELL} characters.", code="cell_too_long")
    if "name" not in found and (
        named := " ".join(found[part] for part in ("first_name", "last_name") if part in found)
    ):
        found["name"] = named
    return found


def several(cell: str) -> Iterator[str]:
    """Splits a cell that may hold several values."""
    for part in cell.replace("|", ";").replace("\n", ";").split(";"):
        if part.strip():
            yield read_cell(part.strip())


def interests(found: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Returns property, unit ("" for none) and stage ("" for the first) of each interest in a row."""
    listed = []
    for one in several(found.get("interests", "")):
        home, _, stage = one.partition("=")
        place, _, unit = home.partition("/")
        listed.append((place.strip(), unit.strip(), stage.strip()))
    if not listed and "property" in found:
        listed.append((found["property"], found.get("unit", ""), found.get("stage", "")))
    return listed
