"""Tables as spreadsheets write them: which character separates the cells, and what in a cell is not text. Pure."""

from __future__ import annotations

import unicodedata
from typing import TextIO

SEPARATORS = ",;\t"
"""Where the decimal separator is a comma, spreadsheets write semicolons."""

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
