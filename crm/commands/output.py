"""Output of commands: tables for people, JSON for programs, both safe for any terminal.

Stored text comes from callers, carriers and colleagues. None of its control characters reach a terminal, and rich does
not treat any of it as markup.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, tzinfo

import click

from crm.domain.counting import counted as counted
from crm.words.sheet import safe as safe

FOLDED_TO = 16
"""Columns of a table: only texts that are longer are folded, and never to less."""
PADDED_TO = 40
LESSER = tuple(
    """
    gate|tries|attempts|audio|bytes|with the app|read by|came by|version|whose|language
    voice agent|transport|registers|emergency calls|calls out|enabled|made by|published by|despite|booked by|taken by|s
    sees|scopes|scope|evidence|returned|bans within a day|old path until|last sent|last used|failing since|next attempt
    documents|submitted|unit|sq ft|baths|deposit|sisters|admin|devices|subteams|area|portfolio|properties|pause|people
    minutes|way|box|new|dialed|mobile|rings after|calls for|kind|seconds|stage|step|light|source
    interested in|next|(90 %)|first pass|transferred|field|result|by|opens|for|property|lead|due before|due after|until
    since|found in|line|agent|how|label|headline|device|location|error|erased|from|to|subteam|written|callback number
    """.replace("\n", "|")
    .replace("  ", "")
    .strip("|")
    .split("|")
)
"""Columns that a table can do without on a narrow terminal, in the order in which it does."""
UNFOLDED = 100_000
GAP = 2
"""Between two columns."""
_ENDLESS = re.compile(r"(\S{100})\S{200,}")
"""A word that is no word, as when a whole file is pasted for a name."""
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def say(sentence: str, *, indent: int = 0) -> None:
    """Prints one line for the person at the terminal."""
    click.echo(" " * indent + safe(sentence))


def hint(sentence: str) -> None:
    """Prints one line on stderr, so that it stays out of a pipe."""
    click.echo(safe(sentence), err=True)


def in_short(sentence: str) -> str:
    """Returns one line that is safe to show, with what was typed in it cut if nobody would read it to its end."""
    return _ENDLESS.sub(r"\1…", safe(sentence))


def print_json(entries: object) -> None:
    """Prints a record or a list of records as JSON. Times are ISO 8601 in UTC, with Z."""
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(entries), indent=2).decode()
    # JSON itself only requires the first 32 characters to be escaped; escaping more changes no value.
    click.echo(_UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str, first_out: Sequence[str] = ()
) -> None:
    """Prints a table, or the sentence `empty` if there are no rows. None shows as empty, booleans as yes and no.

    On a terminal that is too narrow, columns are left out: those in `first_out`, then those in `LESSER`, each in that
    order, and then the last ones. Only texts are folded, never an id, a number or a time. With --wide, and in a pipe,
    everything is whole.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        say(empty)
        return
    if is_wide() or not is_terminal():
        _print_plain(columns, cells)
        return
    shown, gone = _fitting(columns, cells, (*first_out, *LESSER), shutil.get_terminal_size().columns)
    _print_folded([columns[at] for at in shown], [[row[at] for at in shown] for row in cells])
    if gone:
        hint(f"Not shown: {', '.join(gone)}. --wide shows all.")


def is_terminal() -> bool:
    return sys.stdout.isatty()


def is_wide() -> bool:
    """Whether --wide was given."""
    context = click.get_current_context(silent=True)
    return bool(context and context.find_root().meta.get("wide"))


def _fitting(
    columns: Sequence[str], cells: Sequence[Sequence[str]], first_out: Sequence[str], width: int
) -> tuple[list[int], list[str]]:
    """Which columns are shown in a terminal of this width, and the names of those that are not."""
    least = [_least(name, [row[at] for row in cells]) for at, name in enumerate(columns)]
    # A column with nothing in it says as little as none.
    shown = [at for at in range(len(columns)) if at == 0 or any(row[at] for row in cells)]
    gone: list[str] = []
    for name in (*first_out, *reversed(columns)):
        if sum(least[at] for at in shown) + GAP * (len(shown) - 1) <= width:
            break
        if name in columns and (at := columns.index(name)) in shown[1:]:
            shown.remove(at)
            gone.append(name)
    return shown, gone


def _least(name: str, cells: Sequence[str]) -> int:
    """How narrow a column may become: as its longest cell, or a folded text."""
    longest = max(cell_len(cell) for cell in cells)
    return max(cell_len(name), FOLDED_TO if _is_text(cells) else longest)


def _is_text(cells: Sequence[str]) -> bool:
    return any(" " in cell and cell_len(cell) > FOLDED_TO for cell in cells)


def _print_folded(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    least = 0
    for at, name in enumerate(columns):
        column = [row[at] for row in cells]
        is_text = _is_text(column)
        table.add_column(Text(name), overflow="fold", no_wrap=not is_text, min_width=_least(name, column))
        least += _least(name, column)
    for row in cells:
        table.add_row(*map(Text, row))
    _print(table, least=least + GAP * (len(columns) - 1))


def _print_plain(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Prints a line per row. What is longer than usual pushes the rest of its line, not of the whole table."""
    widths = [
        max(cell_len(name), *(min(cell_len(row[at]), PADDED_TO) for row in cells)) for at, name in enumerate(columns)
    ]
    gap = " " * GAP

    def line(row: Sequence[str]) -> str:
        return gap.join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()

    click.echo("\n".join([line(columns), "\u2500" * (sum(widths) + GAP * (len(widths) - 1)), *map(line, cells)]))


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


def cell_len(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len as measured

    return measured(text)


def say_changed(what: str, is_one: bool) -> None:
    """The end of a command that changes what already is: `what` is its name within a sentence, such as `agent bob`."""
    say(f"Changed {what}." if is_one else f"Nothing changes: {what} already says that.")


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


def _print(renderable: object, *, least: int = 0) -> None:
    # rich takes a quarter of a second to load; a command with --json or --help does without it.
    from rich.console import Console

    # A pipe has no width: long lines there are for grep to find, not for a screen to fold.
    width = max(least, shutil.get_terminal_size().columns) if is_terminal() and not is_wide() else UNFOLDED
    console = Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(renderable)
    # rich pads every column, including the last one.
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))
