"""Tables as CSV for spreadsheets, and text as one line that is safe to show."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

# Controls, invisible formatting such as right-to-left overrides, lone surrogates, private use, line separators.
_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def safe(text: object) -> str:
    """Returns text as one line that cannot move the cursor, change colors or reorder the text around it."""
    line = " ".join(str(text).split())
    return "".join(character for character in line if unicodedata.category(character) not in _UNSAFE)


def csv_text(entries: Iterable[object], schema: type, more: Sequence[str] = (), *, in_words: bool = False) -> str:
    """Formats entries of a msgspec Struct as CSV: a heading per key, and empty columns for `more`.

    `in_words`: with spaces in headings, for people, in place of the keys that programs know.
    """
    import csv
    import io

    import msgspec

    text = io.StringIO()
    keys = [*schema.__struct_fields__, *more]  # type: ignore[attr-defined]
    writer = csv.DictWriter(text, keys, restval="", lineterminator="\n")
    writer.writerow({key: key.replace("_", " ") if in_words else key for key in keys})
    for entry in entries:
        writer.writerow({key: _cell(value) for key, value in msgspec.to_builtins(entry).items()})
    return text.getvalue()


def _cell(value: object) -> object:
    """Names come from people, and spreadsheets take a cell that begins like a formula for one."""
    if isinstance(value, list):
        value = " | ".join(str(one) for one in value)
    if isinstance(value, float):
        value = round(value, 4)
    if isinstance(value, str):
        shown = safe(value)
        return f"'{shown}" if shown[:1] in ("=", "+", "-", "@") else shown
    return value
