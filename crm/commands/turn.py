"""`leaseline turn`."""

from __future__ import annotations

from typing import IO

import click

from crm.commands import output
from crm.commands.command import Group, System, secret_file, secret_from, with_system
from crm.services.phones import relays


@click.group(cls=Group, examples=("turn config --realm example.com", "turn secret --file secret.txt"))
def turn() -> None:
    """The server through which phones in browsers talk from networks that let nothing else through."""


@turn.command(examples=("turn config --realm example.com",))
@click.option("--realm", required=True, help="Your domain.")
@with_system
def config(system: System, realm: str) -> None:
    """Print a configuration for coturn that fits console.ice_servers. It has the secret that both share."""
    for line in relays.coturn_config(system.config, system.secrets, realm).splitlines():
        output.say(line)


@turn.command(examples=("turn secret", "turn secret --file secret.txt"))
@secret_file("secret")
@with_system
def secret(system: System, file: IO[str] | None) -> None:
    """Store the secret of a TURN server that has one already, in place of the one that was made here."""
    system.run(relays.put_secret, system.secrets, system.by, secret_from(file, "Secret"))
    output.say("The secret is stored, and used from the next registration of each phone on.")
