"""`leaseline down`."""

from __future__ import annotations

import asyncio

import click

from ari_app import ending
from crm.commands import output
from crm.commands.command import Command, config_of


@click.command(cls=Command, examples=("down", "down --now"))
@click.option(
    "--now", "at_once", is_flag=True, help="Do not wait for calls to end; people who are cut off get a call back."
)
@click.pass_context
def down(context: click.Context, at_once: bool) -> None:
    """Stop Leaseline once nobody is on the line.

    New callers meanwhile get what stopping.new_calls says. After stopping.longest_seconds, people still talking hear
    that the phone system has to restart, and there is a task to call each of them back. What was left behind by a
    `leaseline up` that was killed is also ended.
    """
    if not asyncio.run(ending.down(config_of(context), output.say, at_once=at_once)):
        output.say("Nothing is running for this home.")
    else:
        output.say("Leaseline has stopped.")
