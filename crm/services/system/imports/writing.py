"""What writing the rows of any list takes: the records they name, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from crm.config import Config
from crm.domain import imports
from crm.domain.imports import ListKind, Lists, Problem, Row
from crm.services.audit import By
from crm.store.models import Agent, Location, Portfolio, Property, Subteam
from crm.store.queries import names

NAMED: Mapping[str, tuple[Any, ListKind | None]] = {
    "agent": (Agent, ListKind.AGENTS),
    "members": (Agent, ListKind.AGENTS),
    "location": (Location, None),
    "portfolio": (Portfolio, ListKind.PORTFOLIOS),
    "property": (Property, ListKind.PROPERTIES),
    "subteam": (Subteam, ListKind.SUBTEAMS),
    "sisters": (Subteam, ListKind.SUBTEAMS),
}
"""Columns of any list whose cells name records, and the list that adds such records, if there is one."""

Progress = Callable[[int, int], None]
"""Called with how many rows are done, and how many there are."""


class Writing:
    """Lists being written, in one transaction; `whole` are the lists of which they are a part."""

    def __init__(
        self,
        config: Config,
        by: By,
        progress: Progress | None,
        total: int,
        despite: str,
        whole: Lists,
        hashes: frozenset[str] = frozenset(),
    ) -> None:
        self.hashes = hashes
        """Of pictures that will have been recorded when the lists are written."""
        self.config, self.by, self.despite = config, by, despite
        self.problems: list[Problem] = []
        self._wrong = {
            (kind, row.values["slug"])
            for kind, rows in whole.rows.items()
            for row in rows
            if row.unread and "slug" in row.values
        }
        self._progress, self._total, self._count = progress, total, 0
        self._whole = whole
        self._known: dict[type, dict[str, Any]] = {}
        self._renamed: dict[type, dict[str, Any]] = {}

    def begin_list(self, kind: ListKind) -> None:
        """Forgets the records that were read for the list before."""
        self._kind = kind
        self._known, self._renamed = {}, {}
        self._changed: set[int] = set()

    def compare(self, session: Session, row: Row, *records: Any) -> None:
        """Counts a row as a change if it changed one of these records, which have not been flushed since."""
        if any(session.is_modified(record) for record in records):
            self.count_change(row)

    def count_change(self, row: Row) -> None:
        self._changed.add(id(row))

    def changed(self, rows: Iterable[Row]) -> int:
        """How many of these rows changed something."""
        return sum(id(row) in self._changed for row in rows)

    def step(self) -> None:
        """Counts a row as done."""
        self._count += 1
        if self._progress:
            self._progress(self._count, self._total)

    def tell(self, row: Row, column: str, what: str) -> None:
        """Adds a problem of a row, unless it may come of a cell that could not be read, which is told of by itself."""
        if not row.unread or column not in row.unread | imports.OF_THE_WHOLE_ROW:
            self.problems.append(row.problem(column, what))

    def is_wrong(self, kind: ListKind, slug: str) -> bool:
        """Whether a cell of the row with this slug could not be read, so that what is written of it is not all."""
        return (kind, slug) in self._wrong

    def is_known(self, kind: ListKind | None) -> bool:
        """Whether all rows of a list are known: a file that could not be read may have more."""
        return kind not in self._whole.unread

    def named(self, session: Session, row: Row, column: str) -> Any:
        """The record that a cell names; None if the cell is empty, or, with a problem, if there is no such record."""
        slug = row.values.get(column)
        if not slug:
            return None
        [found] = self.all_named(session, row, column, [slug]) or [None]
        return found

    def all_named(self, session: Session, row: Row, column: str, slugs: Iterable[str]) -> list[Any]:
        """The records that a cell names; those that there are not are a problem."""
        model, kind = NAMED[column]
        found = {slug: self.find(session, model, slug) for slug in slugs}
        unknown = [slug for slug, record in found.items() if record is None]
        if unknown and self.is_known(kind):
            what = model.__name__.lower()
            self.tell(row, column, f"there is no {what} {', '.join(unknown)}.")
        return [record for record in dict.fromkeys(found.values()) if record is not None]

    def check_names(self, session: Session, row: Row) -> None:
        """Does nothing but look for the records that a row names."""
        for column in NAMED.keys() & row.values.keys():
            if cell := row.values[column]:
                self.all_named(session, row, column, [cell] if isinstance(cell, str) else cell)

    def all(self, session: Session, model: Any) -> dict[str, Any]:
        """All records of a model by slug, read once per list: lists are long, and there are few of these records."""
        if model not in self._known:
            query = select(model)
            if model is Subteam:
                query = query.options(selectinload(Subteam.members))
            self._known[model] = {one.slug: one for one in session.scalars(query)}
        return self._known[model]

    def find(self, session: Session, model: Any, slug: str) -> Any:
        """The record that has this slug, else the one that had it last; None: there is none."""
        if found := self.all(session, model).get(slug):
            return found
        if model not in self._renamed:
            self._renamed[model] = names.renamed_all(session, model)
        return self._renamed[model].get(slug)

    def of_row(self, session: Session, model: Any, row: Row) -> Any:
        """The record that a row is about; None: it is a new one. A name that one had before is another's where the list
        has that one's present name as well."""
        slug = row.values["slug"]
        found = self.find(session, model, slug)
        return None if found and found.slug != slug and self.has_row(slug=found.slug) else found

    def has_row(self, **values: Any) -> bool:
        """Whether the whole list has a row with these values."""
        rows = self._whole.rows.get(self._kind, ())
        return any(all(row.values.get(column) == value for column, value in values.items()) for row in rows)

    def upsert(self, session: Session, model: Any, row: Row, columns: Sequence[str]) -> tuple[Any, bool]:
        """The record with the row's slug, created if it is new, and whether it is; these columns are set from the
        row."""
        slug = row.values["slug"]
        record: Any = self.of_row(session, model, row)
        is_new = record is None
        if record is None:
            record = self.all(session, model)[slug] = model(slug=slug, name=row.values.get("name") or slug)
            if model is Subteam:
                record.members = []
            session.add(record)
        for column in columns:
            if column in row.values and not (column == "name" and not row.values[column]):
                setattr(record, column, row.values[column])
        return record, is_new
