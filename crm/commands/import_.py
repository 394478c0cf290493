"""`leaseline import`."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from crm.commands import output
from crm.commands.command import Command, System, WrongInput, many, with_system
from crm.domain import imports
from crm.domain.imports import COLUMNS, Kind, Lists, Wrong
from crm.services import imports as service

LONGEST_FILE = 20_000_000
"""Bytes."""

_COLUMNS = "\n\n".join(
    f"{kind}: " + ", ".join(f"{name}*" if column.required else name for name, column in columns.items())
    for kind, columns in COLUMNS.items()
)


class ImportedEntry(msgspec.Struct):
    """What became of one list."""

    kind: str
    added: int
    changed: int


@click.command(
    "import", cls=Command, json=many(ImportedEntry),
    help=(
        "Load lists from a spreadsheet or a TOML file: CSV with heads in its first line, or [[properties]] etc. "
        "The whole file is checked before anything is written; what is there already is changed, what it does not name "
        f"stays.\n\nColumns, those with * needed:\n\n{_COLUMNS}\n\nOpenings are written like 'mon-fri 09:00-18:00; sat "
        "10:00-14:00'."
    ),
    examples=(
        "import units.csv --dry-run",
        "import portfolio.toml",
        "import doors.csv --kind units",
    ),
)  # fmt: skip
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--kind", type=click.Choice([kind.value for kind in Kind]),
    help="What a CSV file lists; without it the file's name says so: units.csv.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Check everything, and write nothing.")
@with_system
async def import_(system: System, file: Path, kind: str | None, dry_run: bool, as_json: bool) -> None:
    try:
        lists = _read(file, kind)
        with output.progress("Importing") as tell:
            done = await service.write(
                system.store, system.config, system.by, lists, dry_run=dry_run, progress=tell
            )
    except Wrong as wrong:
        for problem in wrong.problems[1:]:
            output.hint(str(problem))
        raise
    if as_json:
        output.print_json([ImportedEntry(one.kind.value, one.added, one.changed) for one in done])
        return
    output.print_table(
        ("list", "new", "there already"), ((one.kind.value, one.added, one.changed) for one in done),
        empty="The file is empty.",
    )  # fmt: skip
    if dry_run:
        output.say("Nothing was written, because of --dry-run.")
    else:
        await system.publish()


def _read(file: Path, kind: str | None) -> Lists:
    try:
        if file.stat().st_size > LONGEST_FILE:
            raise WrongInput(f"{file} is larger than {LONGEST_FILE // 1_000_000} MB: split it.")
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise WrongInput(f"{file} cannot be read ({error.strerror}): name another file.") from None
    except UnicodeDecodeError as error:
        raise WrongInput(f"{file} is not UTF-8 at byte {error.start}: save it as CSV UTF-8.") from None
    if file.suffix.lower() == ".toml":
        return imports.read_toml(text)
    named = kind or next((one.value for one in Kind if one.value == file.stem.lower()), None)
    if named is None:
        raise WrongInput(f"{file.name} does not say what it lists: give --kind, or call it units.csv and the like.")
    return imports.read_csv(text, Kind(named))
