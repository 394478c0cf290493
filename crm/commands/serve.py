"""`leaseline serve`."""

from __future__ import annotations

import asyncio

import click

from ari_app import main
from ari_app.parts import GROUPS, PARTS, VOICE
from crm.commands.command import Command, config_of


@click.command(cls=Command, examples=("serve", "serve --only app", "serve --only web", "serve --take-over"))
@click.option(
    "--only",
    multiple=True,
    type=click.Choice((*GROUPS, *PARTS, VOICE)),
    help="Run only this part; repeatable.",
)
@click.option("--take-over", is_flag=True, help="Replace the running app, which ends; no call is lost.")
@click.pass_context
def serve(context: click.Context, only: tuple[str, ...], take_over: bool) -> None:
    """Run the app alone, without Asterisk.

    For systemd, and for several processes on one machine; `leaseline up` runs all together. `app` is what calls and
    carriers wait for (calls, agi, texts, mail, webhooks), and `web` are the pages (site, api, console). SIGTERM ends it
    and leaves its calls to the next app; SIGUSR1 ends it once nobody is on the line.
    """
    asyncio.run(main.serve(config_of(context), only, take_over=take_over))
