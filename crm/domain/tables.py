"""Tables as spreadsheets write them: which character separates the cells, what in a cell is not text, and where a
quote that is not closed opens. Pure."""

from __future__ import annotations

import csv
import itertools
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

SEPARATORS = ",;\t"
"""Where the decimal separator is a comma, spreadsheets write semicolons."""

LONGEST_CELL = 80_000
"""Characters that are read of a cell; a quote that is still open by then is not closed."""

_JOINERS = "\u200c\u200d"
"""Invisible, and part of how words of some languages, and emoji, are written."""


def begin(lines: TextIO) -> tuple[str, str, int]:
    """Reads the first line of a table: returns the separator, the line, and its number.

    Excel may write a line such as `sep=;` before it.
    """
    first = lines.readline().removeprefix("\ufeff")
    if first.lower().startswith("sep=") and len(first.strip("\r\n")) == 5:
        return first[4], lines.readline(), 2
    return max(SEPARATORS, key=first.count), first, 1


def clean(cell: str) -> str:
    """The cell with ordinary spaces, and without marks that cannot be seen, which web pages and chats leave in text."""
    if cell.isascii():
        return cell
    kinds = [(character, unicodedata.category(character)) for character in cell]
    return "".join(
        " " if kind == "Zs" else character for character, kind in kinds if kind != "Cf" or character in _JOINERS
    )


@dataclass(frozen=True, slots=True)
class TableRecord:
    """A line of a table; its cells may have several lines of text."""

    line: int
    """Where it begins, or where the quote opens that is wrong in it."""
    cells: list[str]
    """With a problem, as well as can be told."""
    problem: str = ""
    """Why it cannot be read, as part of a sentence."""


def records(lines: TextIO, separator: str, first: str, start: int) -> Iterator[TableRecord]:
    """The lines of a table that `begin` has begun, the names of its columns first.

    A quote that is not closed costs its own line only: the next lines are read again without it. Until one of them has
    as many cells as the first line has, they may be the rest of its text, and come with a problem, too.
    """
    csv.field_size_limit(LONGEST_CELL)
    tape = _Tape(itertools.chain((first,), lines))
    reader = csv.reader(tape, strict=True, delimiter=separator)
    at, columns, open_at = start, 0, 0
    while True:
        try:
            found = TableRecord(at, next(reader))
        except StopIteration:
            return
        except csv.Error as error:
            found = _broken(tape, separator, at, str(error))
            open_at = found.line
        else:
            if open_at and len(found.cells) == columns:
                open_at = 0
            elif open_at and any(cell.strip() for cell in found.cells):
                problem = (
                    f"it follows the quote of line {open_at} and does not have the {columns} columns of the first "
                    f"line: correct line {open_at} first."
                )
                found = TableRecord(at, found.cells, problem)
        columns = columns or len(found.cells)
        at += len(tape.taken)
        tape.taken.clear()
        yield found


class _Tape:
    """The lines of a file, some of which are read again."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._again: deque[str] = deque()
        self.taken: list[str] = []
        """Since it was last cleared."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        return line

    def keep(self, count: int) -> None:
        """Has all but so many of those that were taken read again."""
        self._again.extendleft(reversed(self.taken[count:]))
        del self.taken[count:]


def _broken(tape: _Tape, separator: str, at: int, error: str) -> TableRecord:
    """The lines up to the quote that is wrong; those after it are read again."""
    opened = _last_quote(tape.taken, separator)
    if opened is None or (error.startswith("field larger") and len(tape.taken) == 1):
        offset, problem = 0, f"a cell has more than {LONGEST_CELL:,} characters: shorten it."
    else:
        offset, column = opened
        if offset + 1 == len(tape.taken) and not error.startswith("unexpected end"):
            problem = f"a quote is within the quotes of column {column}: write it twice, or remove it."
        else:
            problem = f"the quote that opens in column {column} is not closed: close it, or remove it."
    tape.keep(offset + 1)
    try:
        cells = [cell.rstrip("\r\n") for cell in next(csv.reader(tape.taken, delimiter=separator), [])]
    except csv.Error:
        cells = ["".join(tape.taken)]
    return TableRecord(at + offset, cells, problem)


def _last_quote(lines: Sequence[str], separator: str) -> tuple[int, int] | None:
    """Where the last cell in quotes begins, up to text that follows a closing quote: how many lines down, and in which
    column."""
    found, column = None, 1
    before = separator
    """The character before, within quotes the opening one, and after them "closed"."""
    for offset, line in enumerate(lines):
        for character in line:
            if before == "closed" and character not in f'"{separator}\r\n':
                return found
            if before == '"':
                before = "closed" if character == '"' else before
            elif before == "closed" and character == '"':
                before = '"'
            elif character == '"' and before == separator:
                found, before = (offset, column), '"'
            else:
                column += character == separator
                before = separator if character == separator else ""
    return found
