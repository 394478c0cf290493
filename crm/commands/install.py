"""`leaseline install`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from crm.commands import output
from crm.commands.command import Command, config_of
from crm.services.system import units


@click.command(
    cls=Command,
    examples=("install --systemd --print", "install --systemd", "install --systemd --user leaseline --name east"),
)
@click.option("--systemd", is_flag=True, help="A unit that runs `leaseline up` for this home and restarts it.")
@click.option("--user", default="", metavar="NAME", help="The user it runs as.  [default: the home's owner]")
@click.option("--name", default="leaseline", show_default=True, help="The unit's name, if there are several homes.")
@click.option("--print", "only_print", is_flag=True, help="Print it instead of writing it.")
@click.pass_context
def install(context: click.Context, systemd: bool, user: str, name: str, only_print: bool) -> None:
    """Install Leaseline as a service of this machine.

    The unit may use its home, its programs and the network, and nothing else. Writing it needs root; Leaseline itself
    runs as the user who owns the home.
    """
    if not systemd:
        raise click.UsageError("Say what to install: --systemd.")
    if not name.isascii() or not name.replace("-", "").isalnum():
        raise click.UsageError("--name takes letters, digits and hyphens.")
    text = units.unit(config_of(context), _program(), user)
    if only_print:
        click.echo(text, nl=False)
        return
    path = units.FOLDER / f"{name}.service"
    units.write(text, path)
    output.say(f"{path} is written.")
    output.hint(f"Start it, now and with the machine: systemctl daemon-reload && systemctl enable --now {name}")


def _program() -> Path:
    """What was called, in a form that does not depend on the current folder or PATH."""
    called = Path(sys.argv[0])
    found = Path(shutil.which(called.name) or called) if called.name == str(called) else called
    return found.absolute()
