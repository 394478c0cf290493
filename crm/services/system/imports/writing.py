"""What writing the rows of any list takes: the records they name, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from crm.config import Config
from crm.domain.imports import Problem, Row
from crm.services.audit import By
from crm.store.models import (
    Subteam,
)

Progress = Callable[[int, int], None]
"""Called with how many rows are done, and how many there are."""


class Writing:
    """Lists being written, in one transaction."""

    def __init__(self, config: Config, by: By, progress: Progress | None, total: int, despite: str) -> None:
        self.config, self.by, self.despite = config, by, despite
        self.problems: list[Problem] = []
        self._progress, self._total, self._count = progress, total, 0
        self._known: dict[type, dict[str, Any]] = {}

    def begin_list(self) -> None:
        """Forgets the records that were read for the list before."""
        self._known = {}
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

    def named(self, session: Session, model: Any, row: Row, column: str, what: str) -> Any:
        """The record that a cell names; None if the cell is empty, or, with a problem, if there is no such record."""
        slug = row.values.get(column)
        if not slug:
            return None
        found = self.all(session, model).get(slug)
        if found is None:
            self.problems.append(row.problem(column, f"there is no {what} {slug}."))
        return found

    def all(self, session: Session, model: Any) -> dict[str, Any]:
        """All records of a model by slug, read once per list: lists are long, and there are few of these records."""
        if model not in self._known:
            query = select(model)
            if model is Subteam:
                query = query.options(selectinload(Subteam.members))
            self._known[model] = {one.slug: one for one in session.scalars(query)}
        return self._known[model]

    def upsert(self, session: Session, model: Any, row: Row, columns: Sequence[str]) -> tuple[Any, bool]:
        """The record with the row's slug, created if it is new, and whether it is; these columns are set from the
        row."""
        known = self.all(session, model)
        slug = row.values["slug"]
        record: Any = known.get(slug)
        is_new = record is None
        if record is None:
            record = known[slug] = model(slug=slug, name=row.values.get("name") or slug)
            if model is Subteam:
                record.members = []
            session.add(record)
        for column in columns:
            if column in row.values and not (column == "name" and not row.values[column]):
                setattr(record, column, row.values[column])
        return record, is_new
