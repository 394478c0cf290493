"""`leaseline down`."""

from __future__ import annotations

import asyncio

import click

from ari_app import ending
from crm.commands import output
from crm.commands.command import Command, config_of


@click.command(cls=Command, examples=("down", "down --now"))
@click.option("--now", "at_once", is_flag=True, help="Do not wait for calls to end; whoever talks is called back.")
@click.pass_context
def down(context: click.Context, at_once: bool) -> None:
    """End the Leaseline of this home, once nobody is on the line any more.

    Who calls meanwhile gets what stopping.new_calls says. After stopping.longest_seconds those who still talk hear
    that the phone system has to be restarted, and are called back: there is a task for each. What was left by a
    `leaseline up` that was killed is ended, too.
    """
    if not asyncio.run(ending.down(config_of(context), output.say, at_once=at_once)):
        output.say("Nothing of this home runs.")
    else:
        output.say("Leaseline has stopped.")
