"""`leaseline backup`."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import IO

import click

from crm.commands import output
from crm.commands.command import (
    FilePath,
    Group,
    WrongInput,
    ask_secret,
    config_of,
    one,
    secret_from,
    someone,
)
from crm.config import Config
from crm.domain import written_times
from crm.edge import age
from crm.services.system import archive, backup_schedule, backups, settings_file
from crm.services.system.backup_schedule import BackupResult
from crm.services.system.backups import BackupEntry

EXAMPLE = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudv4pvsqr6ymsw"
passphrase_option = click.option(
    "--passphrase-file", type=click.File(encoding="utf-8"), help="A file with only the passphrase in it; - for stdin."
)
key_file_option = click.option(
    "--key-file", type=click.File(encoding="utf-8"), help="The file with the private key, as `backup key` makes it."
)
public_key_option = click.option(
    "--public-key", metavar="KEY", help="Encrypt for this public key (age1...): only its private key opens them."
)


class _BackupGroup(Group):
    """`backup FILE` is short for `backup write FILE`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and not set(args) & {*self.commands, "-h", "--help"}:
            args = ["write", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=_BackupGroup,
    examples=(
        "backup ~/leaseline-2026-03-02.backup",
        "backup check ~/leaseline-2026-03-02.backup",
        "backup schedule --daily 03:00 --to /mnt/backups --keep 14",
    ),
)
def backup() -> None:
    """Back up this home into one file, while calls go on, now or every day; check a backup.

    The file holds the database, recordings, voicemail, documents, pictures, settings and passwords: everything that
    cannot be made again. It is there once it is complete.
    """


@backup.command(
    json=one(BackupEntry),
    examples=(
        "backup write ~/leaseline-2026-03-02.backup",
        "backup write --encrypt /mnt/usb/leaseline.backup",
        f"backup write --public-key {EXAMPLE} /mnt/usb/leaseline.backup",
    ),
)
@click.argument("file", type=FilePath())
@click.option("--encrypt", is_flag=True, help="Ask for a passphrase, and encrypt the backup with it.")
@passphrase_option
@public_key_option
@click.option("--logs", is_flag=True, help="Include the log files.")
@click.pass_context
def write(
    context: click.Context,
    file: Path,
    encrypt: bool,
    passphrase_file: IO[str] | None,
    public_key: str | None,
    logs: bool,
    as_json: bool,
) -> None:
    """Back up this home into FILE; `backup FILE` is the same.

    An encrypted backup is in the format of age, so `age -d` opens it, too.
    """
    file = file.expanduser().absolute()
    config = config_of(context)
    lock: age.Lock | None = None
    if public_key is not None:
        _refuse_both(encrypt, passphrase_file)
        lock = _public_key(public_key)
    elif encrypt or passphrase_file:
        lock = age.Passphrase(_new_passphrase(passphrase_file))
    with output.progress("Backing up") as told:
        entry = backups.write(config, file, someone().now, lock=lock, with_logs=logs, told=told)
    if as_json:
        output.print_json(entry)
    else:
        output.say(f"Backed up to {entry.file}: {_held(entry)}.")


@backup.command(json=one(BackupEntry), examples=("backup check ~/leaseline-2026-03-02.backup",))
@click.argument("file", type=FilePath())
@passphrase_option
@key_file_option
def check(file: Path, passphrase_file: IO[str] | None, key_file: IO[str] | None, as_json: bool) -> None:
    """Restore FILE into a folder beside it, compare every row and file, and remove that folder again."""
    file = file.expanduser().absolute()
    key = key_for(file, passphrase_file, key_file)
    with output.progress("Checking") as told:
        entry, tz = backups.check(file, key=key, told=told)
    if as_json:
        output.print_json(entry)
    else:
        made = output.local(datetime.fromisoformat(entry.created_at), tz)
        output.say(f"The backup is good: {_held(entry)}, of {made}, tables {entry.revision}.")


@backup.command(examples=("backup key ~/leaseline.key",))
@click.argument("file", type=FilePath())
@click.pass_context
def key(context: click.Context, file: Path) -> None:
    """Make a pair of keys: the private one is written to FILE, the public one is printed.

    Backups that are encrypted for the public key are opened by the private one alone, so keep FILE where this home is
    not: whoever breaks in here finds nothing to open them with. The format is that of age-keygen.
    """
    file = file.expanduser().absolute()
    made = age.PrivateKey.new()
    text = f"# Opens backups of Leaseline.\n# public key: {made.public.text}\n{made.text}\n"
    try:
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise WrongInput(f"{file} is there already: name a new file.") from None
    except OSError as error:
        raise WrongInput(f"{file} cannot be written ({error.strerror}): name another.") from None
    output.say(made.public.text)
    output.hint(f"Keep {file} elsewhere, twice, and delete it here: without it nobody can read the backups.")


@backup.command(
    examples=(
        "backup schedule --daily 03:00 --to /mnt/backups --keep 14",
        f"backup schedule --daily 3am --public-key {EXAMPLE}",
        "backup schedule --daily 3am --encrypt --passphrase-file passphrase.txt",
        "backup schedule --off",
        "backup schedule",
    )
)
@click.option("--daily", metavar="TIME", help="When, on the office's clock.")
@click.option("--to", type=FilePath(), help="A folder, best on another disk.  [default: in the home]")
@click.option("--keep", type=click.IntRange(1, 1000), help="How many to keep.")
@click.option("--encrypt/--no-encrypt", default=None, help="Encrypt them, with a passphrase that is asked for.")
@passphrase_option
@public_key_option
@click.option("--off", is_flag=True, help="Make none any more; those that are there stay.")
@click.pass_context
def schedule(
    context: click.Context,
    daily: str | None,
    to: Path | None,
    keep: int | None,
    encrypt: bool | None,
    passphrase_file: IO[str] | None,
    public_key: str | None,
    off: bool,
) -> None:
    """Have a backup made every day while Leaseline runs; without an option, show what is set.

    Each is checked once it was made. Older ones are deleted; other files in the folder are left alone. With
    --public-key, nothing that opens them is in the home. The passphrase of ones that are encrypted with --encrypt is
    kept there, so write it down elsewhere, too: a home that is lost takes it along.
    """
    config = config_of(context)
    wanted: dict[str, str] = {}
    if daily is not None:
        clock = written_times.clock(daily)
        if clock is None:
            raise WrongInput(f"{daily[:20]!a} is not a time of day: write one like 03:00 or 3am.")
        wanted["daily"] = f"{clock:%H:%M}"
    if off:
        wanted["daily"] = ""
    if to is not None:
        wanted["folder"] = str(to.expanduser().absolute())
    if keep is not None:
        wanted["keep"] = str(keep)
    if public_key is not None:
        _refuse_both(encrypt, passphrase_file)
        wanted |= {"public_key": _public_key(public_key).text, "encrypt": "no"}
    elif encrypt or passphrase_file:
        backup_schedule.schedule_passphrase(config, _new_passphrase(passphrase_file))
        wanted |= {"public_key": "", "encrypt": "yes"}
    elif encrypt is False:
        wanted |= {"public_key": "", "encrypt": "no"}
    for name, value in wanted.items():
        settings_file.write(config, settings_file.changed(config, f"backups.{name}", value))
    config = config_of(context)
    if public_key is not None:
        backup_schedule.forget_passphrase(config)
    _show(config)
    if wanted:
        output.hint("A running app takes it over with `leaseline reload`.")
    if config.backups.daily and not config.backups_folder.resolve().is_relative_to(config.home.resolve()):
        output.hint("Where systemd runs Leaseline, `leaseline install --systemd` lets it write there.")


def _show(config: Config) -> None:
    if not config.backups.daily:
        output.say("No backup is scheduled.")
        return
    sealed = ", encrypted" if config.backups.encrypt else ""
    if config.backups.public_key:
        sealed = f", encrypted for {config.backups.public_key}"
    kept = f"the last {config.backups.keep} are kept{sealed}"
    output.say(f"A backup is made every day at {config.backups.daily} in {config.backups_folder}; {kept}.")


@backup.command(json=one(BackupResult), examples=("backup run", "backup run --json"))
@click.pass_context
def run(context: click.Context, as_json: bool) -> None:
    """Make the scheduled backup now, check it, and delete those beyond backups.keep."""
    config = config_of(context)
    if not config.backups.daily:
        raise WrongInput("No backup is scheduled: `leaseline backup schedule --daily 03:00` does, or name a file.")
    with output.progress("Backing up") as told:
        result = backup_schedule.make(config, someone().now, told)
    if as_json:
        output.print_json(result)
        return
    checked = "and checked" if result.checked else f"but not checked: {result.unchecked_because}"
    output.say(f"{result.file} was made {checked.rstrip('.')}.")


def _held(entry: BackupEntry) -> str:
    sealed = ", encrypted" if entry.encrypted else ""
    return f"{output.counted(entry.rows, 'row')}, {output.counted(entry.files, 'file')}{sealed}"


def key_for(file: Path, passphrase_file: IO[str] | None, key_file: IO[str] | None) -> age.Key | None:
    """What opens an encrypted backup; None for one that is not. Raises WrongInput."""
    if not archive.is_encrypted(file):
        return None
    if archive.is_for_key(file):
        return _private_key(key_file.read(4096) if key_file else ask_secret("Private key", "--key-file"))
    return age.Passphrase(secret_from(passphrase_file, "Passphrase", "passphrase", "--passphrase-file"))


def _private_key(text: str) -> age.PrivateKey:
    """From a file of keys, whose other lines are remarks. Raises WrongInput."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    try:
        [line] = lines
        return age.PrivateKey(line)
    except ValueError:
        raise WrongInput("That is no private key: it is one line that begins with AGE-SECRET-KEY-1.") from None


def _public_key(text: str) -> age.PublicKey:
    try:
        return age.PublicKey(text.strip())
    except ValueError:
        raise WrongInput(
            "That is no public key: `leaseline backup key FILE` makes one, which begins with age1."
        ) from None


def _refuse_both(encrypt: bool | None, passphrase_file: IO[str] | None) -> None:
    if encrypt or passphrase_file:
        raise WrongInput("Give either a public key or a passphrase.")


def _new_passphrase(passphrase_file: IO[str] | None) -> str:
    passphrase = secret_from(passphrase_file, "Passphrase", "passphrase", "--passphrase-file", twice=True)
    if len(passphrase) < 8:
        raise WrongInput("The passphrase is too short: choose one of at least 8 characters.")
    return passphrase
