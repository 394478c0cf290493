"""`leaseline restore`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import IO

import click

from crm.commands import output
from crm.commands.backup import key_file_option, key_for, passphrase_option
from crm.commands.command import Command, home_of, one
from crm.config import load
from crm.config.ranges import HIGHEST_PORT, LOWEST_PORT
from crm.services.system import backups, homes
from crm.services.system.backups import BackupEntry


@click.command(
    cls=Command,
    json=one(BackupEntry),
    examples=(
        "restore ~/leaseline-2026-03-02.backup --home /srv/leaseline",
        "restore ~/leaseline-2026-03-02.backup --home ~/tried --ports-from 20000",
    ),
)
@click.argument("file")
@click.option(
    "--ports-from",
    type=click.IntRange(LOWEST_PORT, HIGHEST_PORT),
    metavar="PORT",
    help="Put all ports in one block of 300 from here, to run beside the original.  [default: the backup's ports]",
)
@click.option(
    "--database",
    default="",
    metavar="URL",
    help="An empty PostgreSQL database.  [default: a SQLite file in the home, whatever the backup is of]",
)
@passphrase_option
@key_file_option
@click.pass_context
def restore(
    context: click.Context,
    file: str,
    ports_from: int | None,
    database: str,
    passphrase_file: IO[str] | None,
    key_file: IO[str] | None,
    as_json: bool,
) -> None:
    """Make a new home from a backup.

    The home's folder has to be empty or new. Every row and file is compared with the backup's checksums, and nothing is
    left if one differs. The new home answers calls, but sends nothing to anybody until `leaseline home release`.
    """
    home = home_of(context)
    path = Path(file).expanduser().absolute()
    if database:
        homes.check_database_url(database)
    key = key_for(path, passphrase_file, key_file)
    with output.progress("Restoring") as told:
        entry = backups.restore(path, home, key=key, ports_from=ports_from, database=database, told=told)
    if as_json:
        output.print_json(entry)
        return
    made = output.local(datetime.fromisoformat(entry.created_at), load(home).tz)
    output.say(
        f"Restored {home} as of {made}: {output.counted(entry.rows, 'row')}, {output.counted(entry.files, 'file')}."
    )
    output.say("Texts, emails and ordered calls are held: if the original is gone, use `leaseline home release`.")
