"""`leaseline home`."""

from __future__ import annotations

import click

from crm.commands import output
from crm.commands.command import Group, System, one, with_system
from crm.services.system import copies
from crm.views.system import HomeEntry


@click.group(cls=Group, examples=("home show", "home release"))
def home() -> None:
    """Whether this home may send, or is a copy that must not.

    A home that finds itself on another machine, or in another folder, may be a copy: it answers calls, but holds back
    texts, emails, ordered calls and follow-ups until it is released.
    """


@home.command(json=one(HomeEntry), examples=("home show", "home show --json"))
@with_system
def show(system: System, as_json: bool) -> None:
    """Show whether anything is held back, and how much is waiting."""
    waiting = system.read(copies.waiting)
    entry = HomeEntry(str(system.config.home), copies.held(system.config), waiting.texts, waiting.mails, waiting.calls)
    if as_json:
        output.print_json(entry)
        return
    sending = f"held: {entry.held}" if entry.held else "yes"
    output.print_entry((("home", entry.home), ("sending", sending), ("waiting", _told(waiting))))


@home.command(examples=("home release", "home release --drop"))
@click.option("--drop", is_flag=True, help="Discard what is waiting: the home that this is a copy of has sent it.")
@with_system
def release(system: System, drop: bool) -> None:
    """Let this home send from now on, because the one it was copied from is no longer used.

    Everything that is waiting is sent at once, unless it is dropped.
    """
    was_held = copies.held(system.config)
    waiting = system.run(copies.release, system.config, system.by, drop=drop)
    what = "It was not held." if not was_held else "Dropped: " if drop else "On its way: "
    output.say(f"This home sends from now on. {what}{_told(waiting) + '.' if was_held else ''}")


@home.command(examples=("home hold",))
@with_system
def hold(system: System) -> None:
    """Hold back everything that is sent automatically, as before starting a restored backup in the same place."""
    copies.hold(system.config, "Held by command.")
    output.say("Nothing is sent from this home automatically until `leaseline home release`; calls are answered.")


def _told(waiting: copies.HeldBack) -> str:
    counts = ((waiting.texts, "text"), (waiting.mails, "email"), (waiting.calls, "call"))
    return ", ".join(output.counted(count, what) for count, what in counts)
