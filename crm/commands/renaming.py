"""`rename`, which every noun with a short name has."""

from __future__ import annotations

import click

from crm import config as settings
from crm.commands import output
from crm.commands.command import System, with_system
from crm.services.system import renaming, settings_file

_ABOUT = (
    "Change the short name OLD of a{n} {noun} to NEW.\n\nEverything follows: records, mailboxes, filters, files and "
    "settings. The old name goes on meaning it until something else gets that name."
)
_MORE = {
    "device": " The phone keeps its password, but has to log in as NEW.",
    "API key": " It goes on working; the audit and the timeline name it NEW from now on.",
    "property": " Its pages on the site move; old addresses lead there.",
    "source": " Its web address stays, and leads keep the source they have.",
    "trunk": " A peer that logs in without an address of its own has to log in as trunk-NEW.",
}


def add_to(group: click.Group, noun: str, example: str) -> None:
    """Adds `rename` to the commands of a noun. `example` is an old and a new name."""
    about = _ABOUT.format(n="n" if noun[0].lower() in "aeiou" else "", noun=noun) + _MORE.get(noun, "")

    @group.command(examples=(f"{noun.lower()} rename {example}",), help=about)
    @click.argument("old")
    @click.argument("new")
    @with_system
    def rename(system: System, old: str, new: str) -> None:
        by = system.by
        was = system.run(renaming.rename, system.config, system.secrets, by, noun, old, new)
        after: str | None = ""
        while after is not None:
            after = system.run(renaming.follow, noun, was, new, by.now, after)
        output.say(f"Renamed {noun} {was} to {new}.")
        _keep_setting(system, noun, was, new)
        system.publish()
        if noun == "device":
            output.hint(f"The phone has to log in as {new} now: `leaseline device show {new}` says what to enter.")
        elif noun == "trunk" and system.read(renaming.logs_in_as_trunk, new):
            output.hint(f"The peer has to log in as trunk-{new} now.")


def _keep_setting(system: System, noun: str, old: str, new: str) -> None:
    key = renaming.SETTINGS.get(noun)
    found = settings.load(system.config.home)
    if key is None or settings_file.value_of(found, key) != old:
        return
    settings_file.write(found, settings_file.changed(found, key, new))
    output.hint(f"{key} in leaseline.toml is {new} now: `leaseline reload` takes it over.")
