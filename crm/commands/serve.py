"""`leaseline serve`."""

from __future__ import annotations

import asyncio

import click

from ari_app import main
from crm.commands.command import Command, config_of


@click.command(cls=Command, examples=("serve", "serve --only calls --only agi"))
@click.option("--only", multiple=True, type=click.Choice(main.PARTS), help="Run this part alone; may be repeated.")
@click.pass_context
def serve(context: click.Context, only: tuple[str, ...]) -> None:
    """Run the app alone; Asterisk is run by somebody else.

    For systemd and for several processes on one machine; `leaseline up` runs both together.
    """
    asyncio.run(main.serve(config_of(context), only))
