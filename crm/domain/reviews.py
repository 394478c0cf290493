"""Answers to the weekly review, from the sheet they were written into: read whole, or not at all. Pure."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from crm.domain import fields, tables
from crm.domain.errors import Invalid
from crm.domain.imports import MOST_ROWS, Problem, Wrong
from crm.domain.tables import TableRecord

CALL, ANSWER, NOTE = "call", "routed_right", "note"
"""Columns that are read; the sheet's others are for whoever fills it in."""
_MEANS = {"yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False}
"""What people and spreadsheets write."""


@dataclass(frozen=True)
class ReviewAnswer:
    """Somebody's verdict on one call's routing."""

    call: str
    """Its id."""
    routed_right: bool | None
    """None where the sheet has something else than an answer, or a note that cannot be kept."""
    note: str = ""
    location: str = ""
    """Where it stands in the sheet."""
    order: tuple[int, ...] = field(default=(), compare=False)
    """The same as a problem has it."""


def routed_right(raw: str) -> bool:
    """Raises Invalid."""
    try:
        return _MEANS[raw.strip().lower()]
    except KeyError:
        raise Invalid(
            f"{raw[:40]!a} is not an answer: write yes or no, or leave it empty.", code="answer_invalid"
        ) from None


def note(raw: str) -> str:
    """Raises Invalid. Drops the mark that keeps a spreadsheet from taking text for a formula."""
    value = raw.strip()
    return fields.text(value[1:] if value[:2] in ("'=", "'+", "'-", "'@") else value, NOTE, 300)


@dataclass(frozen=True)
class ReviewSheet:
    """The calls of a sheet that have an answer, and what is wrong with it: with a problem, nothing may be kept."""

    answers: list[ReviewAnswer]
    problems: list[Problem]


def read_answers(text: str) -> ReviewSheet:
    """Raises Wrong for what is no such sheet."""
    lines = io.StringIO(text)
    separator, first, start = tables.begin(lines)
    records = tables.records(lines, separator, first, start)
    problems: list[Problem] = []
    answers: dict[str, ReviewAnswer] = {}
    head = next(records, TableRecord(start, []))
    if head.problem:
        raise Wrong([Problem(f"line {head.line}", head.problem)])
    heads = [name.strip().lower() for name in head.cells]
    if missing := [name for name in (CALL, ANSWER) if heads.count(name) != 1]:
        raise Wrong(
            [Problem("line 1", f"the column {missing[0]} has to be there exactly once: keep the sheet's first line.")]
        )
    for record in records:
        line = record.line
        if record.problem:
            problems.append(Problem(f"line {line}", record.problem, (line,)))
        elif any(cell.strip() for cell in record.cells):
            _row(heads, record.cells, line, answers, problems)
        if line > MOST_ROWS:
            raise Wrong([Problem(f"line {line}", f"the sheet has more than {MOST_ROWS} lines: split it.")])
    return ReviewSheet(list(answers.values()), problems)


def _row(
    heads: list[str], cells: list[str], line: int, answers: dict[str, ReviewAnswer], problems: list[Problem]
) -> None:
    if len(cells) != len(heads):
        what = f"the line has {len(cells)} columns and the first line {len(heads)}: are quotes missing around a comma?"
        problems.append(Problem(f"line {line}", what, (line,)))
        return
    values = dict(zip(heads, cells, strict=True))
    if not values[ANSWER].strip():
        return
    call = values[CALL].strip()
    location, order = _location(heads, line, CALL), _order(heads, line, CALL)
    if not call:
        problems.append(Problem(location, "the answer belongs to no call: write the call's id.", order))
        return
    if call in answers:
        problems.append(Problem(location, "this call is in the sheet twice: keep one answer.", order))
        return
    found = ReviewAnswer(call, None, "", location, order)
    column = ANSWER
    try:
        right = routed_right(values[ANSWER])
        column = NOTE
        found = replace(found, routed_right=right, note=note(values.get(NOTE, "")))
    except Invalid as error:
        found = replace(found, routed_right=None)
        problems.append(Problem(_location(heads, line, column), str(error), _order(heads, line, column)))
    answers[call] = found


def unknown(answers: Iterable[ReviewAnswer], known: set[str]) -> list[Problem]:
    """Answers to calls that are not on record."""
    return [
        Problem(one.location, "there is no such call: did a spreadsheet change its id?", one.order)
        if one.location
        else Problem(f"{one.call[:80]!a}", "there is no such call: look its id up in the list of calls.")
        for one in answers
        if one.call not in known
    ]


def _location(heads: list[str], line: int, column: str) -> str:
    return f"line {line}, column {heads.index(column) + 1} ({column})"


def _order(heads: list[str], line: int, column: str) -> tuple[int, ...]:
    return line, heads.index(column) + 1
