"""`leaseline home`."""

from __future__ import annotations

import click
import msgspec

from crm.commands import output
from crm.commands.command import Group, System, one, with_system
from crm.services.system import copies


class HomeEntry(msgspec.Struct):
    """Whether this home sends to people by itself, and what waits if it does not."""

    home: str
    held: str
    """Why nothing leaves; empty when it does."""
    texts: int
    """Texts that wait to be sent."""
    mails: int
    calls: int
    """Calls that were ordered and not placed yet."""


@click.group(cls=Group, examples=("home show", "home release"))
def home() -> None:
    """Whether this home is the one that sends, or a copy of it.

    A home that finds itself on another machine, or in another folder, may be a copy: it answers calls, and holds back
    texts, mails, orders and follow-ups until it is released.
    """


@home.command(json=one(HomeEntry), examples=("home show", "home show --json"))
@with_system
def show(system: System, as_json: bool) -> None:
    """Show whether anything is held back, and how much waits."""
    waiting = system.read(copies.waiting)
    entry = HomeEntry(str(system.config.home), copies.held(system.config), waiting.texts, waiting.mails, waiting.calls)
    if as_json:
        output.print_json(entry)
        return
    sending = f"held: {entry.held}" if entry.held else "yes"
    output.print_entry((("home", entry.home), ("sending", sending), ("waiting", _told(waiting))))


@home.command(examples=("home release", "home release --drop"))
@click.option("--drop", is_flag=True, help="What waits is never sent: the home that this is a copy of has sent it.")
@with_system
def release(system: System, drop: bool) -> None:
    """Let this home send from now on: the one that it was copied from is not used any more.

    Everything that waits leaves at once, unless it is dropped.
    """
    was_held = copies.held(system.config)
    waiting = system.run(copies.release, system.config, system.by, drop=drop)
    what = "It was not held." if not was_held else "Dropped: " if drop else "On its way: "
    output.say(f"This home sends from now on. {what}{_told(waiting) + '.' if was_held else ''}")


@home.command(examples=("home hold",))
@with_system
def hold(system: System) -> None:
    """Hold back everything that goes to people by itself, as before a backup is started in the same place."""
    copies.hold(system.config, "It was held by hand.")
    output.say("Nothing leaves this home by itself until `leaseline home release`; calls are answered.")


def _told(waiting: copies.HeldBack) -> str:
    return f"{waiting.texts} texts, {waiting.mails} mails, {waiting.calls} calls"
