"""Options and questions of commands that take something out of use."""

from __future__ import annotations

import click

from crm.commands import command

yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
delete_option = click.option(
    "--delete", "deletes", is_flag=True, help="Delete what nothing is on record of, such as a mistake."
)
retired_option = click.option("--retired", is_flag=True, help="Those that are out of use and on record only.")


def confirm(question: str, *, yes: bool) -> None:
    """Ends the command unless the answer is yes."""
    if not yes:
        command.confirm(question)
