"""`leaseline db`."""

from __future__ import annotations

import click

from crm.commands import output
from crm.commands.command import Group, config_of, confirm, one, someone
from crm.services.system import databases
from crm.services.system.databases import Moved
from crm.store import migrate
from crm.views.system import Revision


@click.group(cls=Group, examples=("db upgrade", "db current", "db move postgresql://leaseline@db.example/leaseline"))
def db() -> None:
    """Migrate the database to this version's tables, or move it to another server."""


@db.command(examples=("db upgrade",))
@click.pass_context
def upgrade(context: click.Context) -> None:
    """Migrate the database up to this version: all or nothing, and safe to repeat.

    A backup is made first, in the home's folder `backups`, without the recordings, which stay as they are.
    """
    config = config_of(context)
    url = config.database_url
    before = migrate.current(url)
    if file := databases.migrate_up(config, someone().now):
        output.say(f"Backed up to {file} first.")
    after = migrate.head()
    migrated = f"Migrated from {before or 'nothing'} to {after}."
    output.say(f"The database is already at {after}." if before == after else migrated)


@db.command(examples=("db downgrade 0001",))
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.pass_context
def downgrade(context: click.Context, revision: str, yes: bool) -> None:
    """Migrate the database down to REVISION, for an older version of Leaseline; "base" removes every table.

    Data that the older tables cannot hold is lost, so make a backup first.
    """
    url = config_of(context).database_url
    if not yes:
        confirm(f"Data newer than {output.safe(revision)} is lost. Continue?")
    migrate.downgrade(url, revision)
    output.say(f"The database is at {migrate.current(url) or 'nothing: no tables are left'}.")


@db.command(json=one(Revision), examples=("db current",))
@click.pass_context
def current(context: click.Context, as_json: bool) -> None:
    """Show the database's revision, and the one this version needs."""
    found = migrate.current(config_of(context).database_url)
    revision = Revision(current=found, needed=migrate.head(), is_current=found == migrate.head())
    if as_json:
        output.print_json(revision)
    elif revision.is_current:
        output.say(f"The database is at {found}, which is what this version needs.")
    else:
        at = found or "nothing"
        output.say(f"The database is at {at}, this version needs {revision.needed}: run `leaseline db upgrade`.")


@db.command(
    json=one(Moved),
    examples=("db move postgresql://leaseline@db.example/leaseline", "db move sqlite"),
)
@click.argument("url")
@click.pass_context
def move(context: click.Context, url: str, as_json: bool) -> None:
    """Move all rows to an empty PostgreSQL database, or back to a SQLite file in the home ("sqlite").

    Leaseline has to be stopped. The new database is used once every row in it has been compared; the old one stays as
    it is.
    """
    config = config_of(context)
    with output.progress("Moving") as told:
        moved = databases.move(config, url, told)
    if as_json:
        output.print_json(moved)
        return
    output.say(
        f"Moved {output.counted(moved.rows, 'row')} of {output.counted(moved.tables, 'table')}, and compared them: "
        f"from now on the database is {moved.database}."
    )
    output.say(f"The old one, {moved.before}, was left as it is.")
