"""`leaseline restart`."""

from __future__ import annotations

import asyncio

import click

from ari_app import ending
from crm.commands import output
from crm.commands.command import Command, config_of


@click.command(cls=Command, examples=("restart", "restart --now"))
@click.option(
    "--now",
    is_flag=True,
    help="Restart Asterisk even if somebody is on the line; people who are cut off get a call back.",
)
@click.pass_context
def restart(context: click.Context, now: bool) -> None:
    """Replace the app with a new one, and restart Asterisk if nobody is on the line.

    For an update, or a change of settings that Asterisk only reads when it starts. While calls are going on, only the
    app is replaced, which nobody on a call notices; `leaseline reload` never does more.
    """
    config = config_of(context)
    if asyncio.run(ending.restart(config, now=now)):
        output.say("Asterisk was restarted, and a new app has taken over.")
        return
    output.say("A new app has taken over.")
    output.hint(
        "Somebody is on the line, so Asterisk keeps running: try again later, or cut them off with `leaseline restart "
        "--now`."
    )
