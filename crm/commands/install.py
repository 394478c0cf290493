"""`leaseline install`."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import click

from crm.commands import output
from crm.commands import shell as shell_files
from crm.commands.command import Command, Failure, config_of
from crm.services.system import units


@click.command(
    cls=Command,
    examples=(
        "install --completion",
        "install --completion --shell zsh --print",
        "install --systemd --print",
        "install --systemd --user leaseline --name east",
    ),
)
@click.option("--systemd", is_flag=True, help="A unit that runs `leaseline up` for this home and restarts it.")
@click.option("--user", default="", metavar="NAME", help="The user it runs as.  [default: the home's owner]")
@click.option("--name", default="leaseline", show_default=True, help="The unit's name, if there are several homes.")
@click.option("--completion", is_flag=True, help="For your shell: completion of commands, and `man leaseline`.")
@click.option("--manual", is_flag=True, help="Only the manual page.")
@click.option("--shell", type=click.Choice(shell_files.SHELLS), help="The shell.  [default: the one you use]")
@click.option("--print", "only_print", is_flag=True, help="Print it instead of writing it.")
@click.pass_context
def install(
    context: click.Context,
    systemd: bool,
    user: str,
    name: str,
    completion: bool,
    manual: bool,
    shell: str | None,
    only_print: bool,
) -> None:
    """Install Leaseline as a service of this machine, or its completion and manual for your shell.

    The service's unit may use its home, its programs and the network, and nothing else. Writing it needs root;
    Leaseline itself runs as the user who owns the home. Completion and manual are yours alone, and need no root.
    """
    if systemd + completion + manual != 1:
        raise click.UsageError("Say what to install: --systemd, --completion or --manual.")
    if not systemd:
        _for_shell(context, manual=manual, shell=shell, only_print=only_print)
        return
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


def _for_shell(context: click.Context, *, manual: bool, shell: str | None, only_print: bool) -> None:
    cli = context.find_root().command
    assert isinstance(cli, click.Group)
    files = []
    if not manual:
        shell = shell or Path(os.environ.get("SHELL", "")).name
        if shell not in shell_files.SHELLS:
            raise click.UsageError(f"Say which shell you use: --shell {', '.join(shell_files.SHELLS)}.")
        files.append(shell_files.completion(cli, shell))
    if manual or not only_print:
        files.append(shell_files.manual(cli, version("leaseline")))
    for path, text, then in files:
        if only_print:
            click.echo(text, nl=False)
            continue
        try:
            shell_files.write(path, text)
        except OSError as error:
            raise Failure(f"{path} cannot be written ({error.strerror}).") from error
        output.say(f"{path} is written.")
        if then:
            output.hint(then)


def _program() -> Path:
    """What was called, in a form that does not depend on the current folder or PATH."""
    called = Path(sys.argv[0])
    found = Path(shutil.which(called.name) or called) if called.name == str(called) else called
    return found.absolute()
