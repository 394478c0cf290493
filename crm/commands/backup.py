"""`leaseline backup`."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import click

from crm.commands import output
from crm.commands.command import Command, WrongInput, ask_secret, config_of, one, read_secret, someone
from crm.services.system import archive, backups
from crm.services.system.backups import BackupEntry

passphrase_option = click.option(
    "--passphrase-file", type=click.File(encoding="utf-8"), help="A file with only the passphrase in it; - for stdin."
)


@click.command(
    cls=Command,
    json=one(BackupEntry),
    examples=(
        "backup ~/leaseline-2026-03-02.backup",
        "backup --encrypt /mnt/usb/leaseline.backup",
        "backup check ~/leaseline-2026-03-02.backup",
    ),
)
@click.argument("what", metavar="FILE | check FILE", nargs=-1, required=True)
@click.option("--encrypt", is_flag=True, help="Ask for a passphrase, and encrypt the backup with it.")
@passphrase_option
@click.option("--logs", is_flag=True, help="Include the log files.")
@click.pass_context
def backup(
    context: click.Context,
    what: tuple[str, ...],
    encrypt: bool,
    passphrase_file: IO[str] | None,
    logs: bool,
    as_json: bool,
) -> None:
    """Back up this home into one file, while calls go on; or check a backup.

    The file holds the database, recordings, voicemail, documents, pictures, settings and passwords: everything that
    cannot be made again. It is there once it is complete. `backup check FILE` restores a backup into a folder beside
    it, compares every row and file, and removes that folder again. An encrypted backup is in the format of age, so `age
    -d` opens it, too.
    """
    is_check = len(what) == 2 and what[0] == "check"
    if not is_check and len(what) != 1:
        raise WrongInput("Give one file, or `check` and a file.")
    file = Path(what[-1]).expanduser().absolute()
    if is_check:
        passphrase = passphrase_for(file, passphrase_file)
        with output.progress("Checking") as told:
            entry = backups.check(file, passphrase=passphrase, told=told)
    else:
        config = config_of(context)
        passphrase = _new_passphrase(passphrase_file) if encrypt or passphrase_file else None
        with output.progress("Backing up") as told:
            entry = backups.write(config, file, someone().now, passphrase=passphrase, with_logs=logs, told=told)
    if as_json:
        output.print_json(entry)
        return
    sealed = ", encrypted" if entry.encrypted else ""
    held = f"{output.counted(entry.rows, 'row')}, {output.counted(entry.files, 'file')}{sealed}"
    if is_check:
        output.say(f"The backup is good: {held}, of {entry.created_at}, tables {entry.revision}.")
    else:
        output.say(f"Backed up to {entry.file}: {held}.")


def passphrase_for(file: Path, passphrase_file: IO[str] | None) -> str | None:
    """The passphrase of an encrypted backup; None for one that needs none. Raises WrongInput."""
    if not archive.is_encrypted(file):
        return None
    if passphrase_file:
        return read_secret(passphrase_file, "passphrase")
    return ask_secret("Passphrase", "--passphrase-file")


def _new_passphrase(passphrase_file: IO[str] | None) -> str:
    if passphrase_file:
        passphrase = read_secret(passphrase_file, "passphrase")
    else:
        passphrase = ask_secret("Passphrase", "--passphrase-file", twice=True)
    if len(passphrase) < 8:
        raise WrongInput("The passphrase is too short: choose one of at least 8 characters.")
    return passphrase
