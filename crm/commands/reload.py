"""`leaseline reload`."""

from __future__ import annotations

import asyncio

import click

from ari_app import ending
from crm import in_force
from crm.commands import output
from crm.commands.command import Command, config_of, many
from crm.views.system import SettingChange


@click.command(cls=Command, json=many(SettingChange), examples=("reload", "reload --dry-run"))
@click.option("--dry-run", is_flag=True, help="Only say what has changed.")
@click.pass_context
def reload(context: click.Context, as_json: bool, dry_run: bool) -> None:
    """Take over what has changed in leaseline.toml, without losing a call.

    The file is checked first; nothing happens if anything in it is wrong. What Asterisk only reads when it starts, such
    as ports and certificates, waits for `leaseline restart`.
    """
    config = config_of(context)
    changes = [
        SettingChange(key=change.key, before=change.before, after=change.after, waits=change.waits)
        for change in in_force.changes(config.home)
    ]
    if not dry_run:
        asyncio.run(ending.reload(config))
    if as_json:
        output.print_json(changes)
        return
    if not changes:
        output.say("Nothing in leaseline.toml has changed.")
    else:
        output.print_table(
            ("setting", "was", "is", "takes effect"),
            [
                (
                    change.key,
                    output.toml(change.before),
                    output.toml(change.after),
                    "at a restart" if change.waits else "now",
                )
                for change in changes
            ],
            empty="",
        )
    if any(change.waits for change in changes):
        output.hint("`leaseline restart` takes over the rest when nobody is on the line.")
    if not dry_run:
        output.say("A new app has taken over.")
