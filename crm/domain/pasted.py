"""Email addresses as people paste them: one a line, with commas or semicolons, with names or without. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from crm.domain import fields
from crm.domain.errors import Invalid

LONGEST_NAME = 200
_NAMED = re.compile(r'"?([^"<>]*)"?\s*<([^<>]*)>')


@dataclass(frozen=True)
class PastedAddress:
    """One of them."""

    written: str
    """As it was pasted."""
    name: str = ""
    address: str = ""
    """In lower case; empty: it is not an address."""


def addresses(raw: str) -> list[PastedAddress]:
    """Everything that was pasted, in order, each address once: `a@b.org`, `Pat Smith <a@b.org>`, `Pat Smith a@b.org`.

    What comes first for an address counts; a name that only a later one has is taken from there.
    """
    found: dict[str, PastedAddress] = {}
    for part in _parts(raw):
        one = _read(part)
        key = one.address or f"\n{one.written}"
        if key not in found or (one.name and not found[key].name):
            found[key] = one
    return list(found.values())


def _parts(raw: str) -> Iterator[str]:
    for line in raw.splitlines():
        for part in _people(line):
            words = part.strip(" ,;\t").split()
            if len(words) > 1 and all("@" in word for word in words):
                yield from words
            elif words:
                yield " ".join(words)


def _people(line: str) -> Iterator[str]:
    if ";" not in line:
        yield from _split(line, ",")
        return
    # Mail programs put semicolons between people whose names have a comma in them. Pasted behind a list with commas,
    # both separate people, and a comma is only part of a name where no address comes before it.
    for part in _split(line, ";"):
        if part.count("@") < 2:
            yield part
            continue
        name = ""
        for piece in _split(part, ","):
            name = f"{name},{piece}" if name else piece
            if "@" in name:
                yield name
                name = ""
        if name:
            yield name


def _split(line: str, separators: str) -> Iterator[str]:
    """The parts of a line, without looking into quotes or angle brackets."""
    start, is_quoted, is_bracketed = 0, False, False
    for at, character in enumerate(line):
        if character == '"' and line.count('"') % 2 == 0:
            is_quoted = not is_quoted
        elif character in "<>" and not is_quoted:
            is_bracketed = character == "<"
        elif character in separators and not is_quoted and not is_bracketed:
            yield line[start:at]
            start = at + 1
    yield line[start:]


def _read(part: str) -> PastedAddress:
    if named := _NAMED.fullmatch(part):
        name, address = named[1].strip(), named[2].strip()
    else:
        words = part.split()
        name = " ".join(word for word in words if "@" not in word)
        address = " ".join(word for word in words if "@" in word)
    try:
        address = fields.email(address.removeprefix("mailto:")).lower()
        name = fields.text(name.strip("\"' "), "name", LONGEST_NAME)
    except Invalid:
        return PastedAddress(part)
    return PastedAddress(part, name, address)
