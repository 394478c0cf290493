"""`leaseline db`."""

from __future__ import annotations

import click

from crm.commands import output
from crm.commands.command import Group, config_of, confirm, one
from crm.store import migrate
from crm.views.system import Revision


@click.group(cls=Group, examples=("db upgrade", "db current"))
def db() -> None:
    """Migrate the database to this version's tables."""


@db.command(examples=("db upgrade",))
@click.pass_context
def upgrade(context: click.Context) -> None:
    """Migrate the database up to this version: all or nothing, and safe to repeat."""
    config = config_of(context)
    url = config.database_url
    before = migrate.current(url)
    migrate.upgrade(url, node=config.node)
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
