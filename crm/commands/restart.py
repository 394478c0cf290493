"""`leaseline restart`."""

from __future__ import annotations

import asyncio

import click

from ari_app import ending
from crm.commands import output
from crm.commands.command import Command, config_of


@click.command(cls=Command, examples=("restart",))
@click.pass_context
def restart(context: click.Context) -> None:
    """Replace the app with a new one, without losing a call.

    For an update or a change of settings. Asterisk keeps running, and people on a call do not notice. What Asterisk
    reads when it starts, such as ports, needs `leaseline down` and `leaseline up`.
    """
    asyncio.run(ending.restart(config_of(context)))
    output.say("A new app has taken over.")
