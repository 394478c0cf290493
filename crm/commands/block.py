"""`leaseline block`."""

from __future__ import annotations

import click

from crm.commands import output
from crm.commands.command import Group, System, many, with_system
from crm.services.people import blocking
from crm.views import blocking as views
from crm.views.blocking import BlockEntry


@click.group(
    cls=Group, examples=("block add '(512) 555-0199' --why robocalls", "block add '+1900*' --silent", "block list")
)
def block() -> None:
    """Callers whose calls are refused.

    A blocked caller hears a refusal, or nothing with --silent, and no phone rings. The call is recorded with the
    outcome blocked, but makes no lead, task or text. A text from a blocked number is kept in its thread, and STOP is
    obeyed, but it makes no lead and no task, and nobody is notified.

    A number that the office has called or an agent has texted, whose lead is in progress, or that has an open task, is
    not blocked; `leaseline call show` says so. While the app is down, nobody is blocked.
    """


@block.command(
    examples=(
        "block add '(512) 555-0199' --why robocalls",
        "block add '+1900*' --silent",
        "block add withheld --why 'asked to by the owner'",
        "block add '(512) 555-0199' --close-lead",
    )
)
@click.argument("caller")
@click.option("--silent", is_flag=True, help="Hang up at once, without an announcement.")
@click.option("--why", default="", metavar="TEXT", help="Shown with each call that is blocked.")
@click.option(
    "--close-lead", is_flag=True, help="First close the number's lead and tasks, which would otherwise let it through."
)
@with_system
def add(system: System, caller: str, silent: bool, why: str, close_lead: bool) -> None:
    """Block CALLER: a number, a prefix with a star (+1900*), or withheld."""
    entry = system.run(blocking.add, system.config, system.by, caller, is_silent=silent, why=why, close_lead=close_lead)
    output.say(f"Blocked {entry}.")


@block.command("list", json=many(BlockEntry), examples=("block list", "block list --json"))
@with_system
def list_(system: System, as_json: bool) -> None:
    """List who is blocked."""
    entries = system.read(views.callers)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("caller", "refusal", "why", "since"),
        ((one.written, one.refusal, one.why, output.local(one.created_at, system.config.tz)) for one in entries),
        empty="Nobody is blocked.",
    )


@block.command(examples=("block remove '(512) 555-0199'", "block remove '+1900*'", "block remove withheld"))
@click.argument("caller")
@with_system
def remove(system: System, caller: str) -> None:
    """Unblock CALLER."""
    output.say(f"{system.run(blocking.remove, system.config, system.by, caller)} is no longer blocked.")
