"""`leaseline import`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from crm.commands import output, terms
from crm.commands.command import (
    CodeChoice,
    Command,
    FilePath,
    System,
    WrongInput,
    many,
    with_system,
)
from crm.commands.line import speak
from crm.domain.imports import COLUMNS, MOST_PROBLEMS, ListKind, Lists, Wrong
from crm.services.phones.lines import read_number
from crm.services.system import imports as service
from crm.services.system.imports import Imported
from crm.store import statistics
from crm.views.system import ImportedEntry

_COLUMNS = "\n\n".join(
    f"{kind}: " + ", ".join(f"{name}*" if column.required else name for name, column in columns.items())
    for kind, columns in COLUMNS.items()
)


@click.command(
    "import",
    cls=Command,
    json=many(ImportedEntry),
    help=(
        "Load lists from a spreadsheet or a TOML file: CSV with column names in its first line, or [[properties]] etc. "
        "A folder is read as one list. Everything is checked before anything is written; what exists is updated, and "
        f"what the list does not name stays.\n\nColumns (* required):\n\n{_COLUMNS}\n\nCells are separated by commas, "
        "semicolons or tabs, as spreadsheets save them. Several values in one cell are separated by semicolons, "
        "members of a subteam also by spaces; openings are written like 'mon-fri 9am-6pm; sat 10:00-14:00'."
    ),
    examples=(
        "import units.csv --dry-run",
        "import portfolio.toml",
        "import lists/ --dry-run",
        "import doors.csv --kind units",
    ),
)
@click.argument("file", type=FilePath())
@click.option(
    "--kind",
    type=CodeChoice(ListKind),
    help="What a CSV file lists.  [default: from the file's name, such as units.csv]",
)
@click.option("--dry-run", is_flag=True, help="Check everything, but write nothing.")
@terms.despite_option
@with_system
def import_(system: System, file: Path, kind: str | None, dry_run: bool, despite: str, as_json: bool) -> None:
    try:
        lists = service.read(file, kind)
        with output.progress("Importing") as tell:
            store, config, secrets, by = system.store, system.config, system.secrets, system.by
            done = service.load(store, config, secrets, by, lists, dry_run=dry_run, progress=tell, despite=despite)
    except Wrong as wrong:
        tell_all(wrong)
    show_imported(done, as_json, empty="The file is empty.")
    if not dry_run:
        system.run(statistics.renew)
        asyncio.run(_speak_greetings(system, lists))
        system.publish()
    elif not as_json:
        output.say("Nothing was written, because of --dry-run.")


async def _speak_greetings(system: System, lists: Lists) -> None:
    """Makes the audio of the greetings that the list has."""
    spoken = [row.values["number"] for row in lists.rows.get(ListKind.LINES, ()) if "greeting" in row.values]
    with output.progress("Speaking the greetings") as tell:
        for count, number in enumerate(spoken, start=1):
            await speak(system, read_number(number, system.config.region, system.config.area_code))
            tell(count, len(spoken))


def show_imported(done: Sequence[Imported], as_json: bool, *, empty: str) -> None:
    """Shows how many rows of each list were added or changed; `empty` is the message if there are none."""
    entries = [ImportedEntry(one.kind.value, one.added, one.changed) for one in done]
    if as_json:
        output.print_json(entries)
    else:
        output.print_table(
            ("list", "added", "changed"), ((one.kind, one.added, one.changed) for one in entries), empty=empty
        )


def tell_all(wrong: Wrong) -> NoReturn:
    """Shows all problems in their order, and raises what says that nothing was written."""
    if len(wrong.problems) == 1:
        raise wrong
    for problem in wrong.problems:
        output.hint(str(problem))
    more = ", and perhaps more" if len(wrong.problems) >= MOST_PROBLEMS else ""
    raise WrongInput(f"Nothing was written, because of {len(wrong.problems)} problems{more}.") from wrong
