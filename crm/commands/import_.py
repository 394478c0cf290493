"""`leaseline import`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from crm.commands import output, terms
from crm.commands.command import Command, System, many, with_system
from crm.domain.imports import COLUMNS, ListKind, Wrong
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
        f"what the list does not name stays.\n\nColumns (* required):\n\n{_COLUMNS}\n\nOpenings are "
        "written like 'mon-fri 09:00-18:00; sat 10:00-14:00'."
    ),
    examples=(
        "import units.csv --dry-run",
        "import portfolio.toml",
        "import lists/ --dry-run",
        "import doors.csv --kind units",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in ListKind]),
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
        tell_others(wrong)
        raise
    show_imported(done, as_json, empty="The file is empty.")
    if not dry_run:
        system.run(statistics.renew)
        system.publish()
    elif not as_json:
        output.say("Nothing was written, because of --dry-run.")


def show_imported(done: Sequence[Imported], as_json: bool, *, empty: str) -> None:
    """Shows how many rows of each list were added or changed; `empty` is the message if there are none."""
    entries = [ImportedEntry(one.kind.value, one.added, one.changed) for one in done]
    if as_json:
        output.print_json(entries)
    else:
        output.print_table(
            ("list", "added", "changed"), ((one.kind, one.added, one.changed) for one in entries), empty=empty
        )


def tell_others(wrong: Wrong) -> None:
    """Shows all problems but the first, which the error itself shows."""
    for problem in wrong.problems[1:]:
        output.hint(str(problem))
