"""What is wrong with a value in leaseline.toml, in words for whoever wrote it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

import msgspec

from crm.config.home import Config

_OUT_OF_RANGE = re.compile(r"Expected `\w+` (?P<bound>>= 0|> 0|>= 1)(?:\.0)? - at `\$\.(?P<key>[^`]+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>[^`]*)`(?: - at `\$\.(?P<section>[^`]+)`)?")
_WRONG_TYPE = re.compile(
    r"Expected `(?P<wanted>\w+)`, got `(?P<found>\w+)` - at `\$\.(?P<key>[^`[]+)(?P<inside>[^`]*)`"
)

_KINDS = {
    "str": "text in quotes",
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "array": 'a list such as ["one", "two"]',
}


def told(error: msgspec.ValidationError) -> str:
    """One sentence about the setting that an error of msgspec's is about."""
    text = str(error)
    if found := _OUT_OF_RANGE.search(text):
        wanted = "may not be negative" if found["bound"] == ">= 0" else "has to be above 0"
        return f"{found['key']} {wanted}."
    if found := _UNKNOWN.search(text):
        return _unknown(found["name"], found["section"] or "")
    if found := _WRONG_TYPE.search(text):
        key, wanted = found["key"], found["wanted"]
        if wanted == "object":
            return f"{key} is a section: write its settings on lines of their own, below [{key}]."
        if found["inside"]:
            return f"{key} is a list whose entries have to be {_KINDS.get(wanted, wanted)}."
        return f"{key} has to be {_KINDS.get(wanted, wanted)}."
    return f"{text}."


def near(name: str, names: Iterable[str]) -> str:
    """The most similar of several names, for "did you mean"; "" if none is similar."""
    return next(iter(difflib.get_close_matches(name, list(names), 1)), "")


def _unknown(name: str, section: str) -> str:
    known = _names(section)
    shown = name if name.isprintable() and len(name) <= 40 else ascii(name[:40])
    if not section:
        meant = near(name, known)
        return f"there is no section or setting {shown}{f'; did you mean {meant}?' if meant else '.'}"
    meant = near(name, known)
    return f"there is no setting {shown} in [{section}]{f'; did you mean {meant}?' if meant else '.'}"


def _names(section: str) -> list[str]:
    """The settings of a section, and the sections in it."""
    struct: object = Config
    for part in section.split(".") if section else ():
        fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}  # type: ignore[arg-type]
        struct = fields[part].type
    return [field.encode_name for field in msgspec.structs.fields(struct)]  # type: ignore[arg-type]
