"""Output of commands: tables for people, JSON for programs, both safe for any terminal.

Stored text comes from callers, carriers and colleagues. None of its control characters reach a terminal, and rich does
not treat any of it as markup.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, tzinfo

import click

# Controls, invisible formatting such as right-to-left overrides, lone surrogates, private use, line separators.
_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def safe(text: object) -> str:
    """Returns text as one line that cannot move the cursor, change colors or reorder the text around it."""
    line = " ".join(str(text).split())
    return "".join(character for character in line if unicodedata.category(character) not in _UNSAFE)


def say(sentence: str, *, indent: int = 0) -> None:
    """Prints one line for the person at the terminal."""
    click.echo(" " * indent + safe(sentence))


def hint(sentence: str) -> None:
    """Prints one line on stderr, so that it stays out of a pipe."""
    click.echo(safe(sentence), err=True)


def print_json(entries: object) -> None:
    """Prints a record or a list of records as JSON. Times are ISO 8601 in UTC, with Z."""
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(entries), indent=2).decode()
    # JSON itself only requires the first 32 characters to be escaped; escaping more changes no value.
    click.echo(_UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def csv_text(entries: Iterable[object], schema: type, more: Sequence[str] = ()) -> str:
    """Formats entries of a msgspec Struct as CSV: a heading per key, and empty columns for `more`."""
    import csv
    import io

    import msgspec

    text = io.StringIO()
    writer = csv.DictWriter(text, [*schema.__struct_fields__, *more], restval="", lineterminator="\n")  # type: ignore[attr-defined]
    writer.writeheader()
    for entry in entries:
        writer.writerow({key: _csv_cell(value) for key, value in msgspec.to_builtins(entry).items()})
    return text.getvalue()


def _csv_cell(value: object) -> object:
    """Names come from people, and spreadsheets take a cell that begins like a formula for one."""
    if isinstance(value, list):
        value = " | ".join(str(one) for one in value)
    if isinstance(value, str):
        shown = safe(value)
        return f"'{shown}" if shown[:1] in ("=", "+", "-", "@") else shown
    return value


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Prints a table, or the sentence `empty` if there are no rows. None shows as empty, booleans as yes and no."""
    # rich takes a quarter of a second to load; a command with --json or --help does without it.
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    if table.row_count:
        _print(table)
    else:
        say(empty)


def print_entry(fields: Iterable[tuple[str, object]]) -> None:
    """Prints one record, with a line for each field that is not empty."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields:
        if shown := _cell(value):
            table.add_row(Text(name), Text(shown))
    _print(table)


def counted(count: int, what: str) -> str:
    """`1 call`, `2 calls`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def print_heading(text: str) -> None:
    click.echo(f"\n{safe(text)}")


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Shows a progress bar on stderr; yields a function of how many are done, and how many there are. Silent in a
    pipe."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def toml(value: object) -> str:
    """A setting as it is written in leaseline.toml: for text, numbers, true and false, TOML is written like JSON."""
    import msgspec

    return safe(msgspec.json.encode(value).decode())


def local(at: datetime | None, tz: tzinfo, *, seconds: bool = False) -> str:
    """Formats a time in the given time zone; empty for None."""
    if at is None:
        return ""
    return at.astimezone(tz).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(safe(item) for item in value)
    return safe(value)


def _print(renderable: object) -> None:
    from rich.console import Console

    # A pipe has no width: long lines there are for grep to find, not for a screen to fold.
    width = None if sys.stdout.isatty() else 400
    console = Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(renderable)
    # rich pads every column, including the last one.
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))
