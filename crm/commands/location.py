"""`leaseline location`."""

from __future__ import annotations

import click

from crm.commands import output, removing, renaming
from crm.commands.command import Group, System, many, with_system
from crm.services.office import locations
from crm.views import locations as views
from crm.views.locations import LocationEntry


@click.group(
    cls=Group,
    examples=(
        "location add office --address '100 Elm Street, Austin, TX 78701, floor 2' --callback '(512) 555-0100'",
        "location list",
    ),
)
def location() -> None:
    """Where phones are, as emergency services need to know it.

    An emergency call shows the callback number of the phone's location. Have the carrier register that number for
    exactly that address (E911), including floor and room, and dial 933 from a phone to hear what it has. Then say which
    phone is where: `leaseline device set SLUG --location LOCATION`.
    """


@location.command(
    examples=("location add office --address '100 Elm Street, Austin, TX 78701, floor 2' --callback '(512) 555-0100'",)
)
@click.argument("slug")
@click.option("--address", required=True, help="Street, city, state, and floor or room.")
@click.option("--callback", required=True, metavar="NUMBER", help="Registered with the carrier for this address.")
@with_system
def add(system: System, slug: str, address: str, callback: str) -> None:
    """Add the location SLUG."""
    made = system.run(locations.add, system.config, system.by, slug, address=address, callback_number=callback)
    output.say(f"Added location {slug}, which shows {made.callback_number}; dial 933 from a phone there to check it.")
    system.publish()


@location.command("set", examples=("location set office --callback '(512) 555-0101'",))
@click.argument("slug")
@click.option("--address", help="Street, city, state, and floor or room.")
@click.option("--callback", metavar="NUMBER", help="Registered with the carrier for this address.")
@with_system
def change(system: System, slug: str, address: str | None, callback: str | None) -> None:
    """Change the location SLUG; options not given leave things as they are."""
    changed = system.change(locations.change, system.config, system.by, slug, address=address, callback_number=callback)
    output.say_changed(f"location {slug}", changed.is_one)
    system.publish()


@location.command(
    "list", json=many(LocationEntry), examples=("location list", "location list --retired", "location list --json")
)
@removing.retired_option
@with_system
def list_(system: System, retired: bool, as_json: bool) -> None:
    """List all locations."""
    entries = system.read(views.listed, retired=retired)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("location", "address", "callback number", "devices"),
        ((one.slug, one.address, one.callback_number, one.devices) for one in entries),
        empty="No location is retired."
        if retired
        else "There are no locations: add one with `leaseline location add`.",
    )


@location.command(examples=("location remove office", "location remove office --yes", "location remove typo --delete"))
@click.argument("slug")
@removing.delete_option
@removing.yes_option
@with_system
def remove(system: System, slug: str, deletes: bool, yes: bool) -> None:
    """Take the location SLUG out of use, once no phone is assigned to it. Emergency calls keep its address."""
    what = "Delete" if deletes else "Retire"
    system.read(locations.empty, slug)
    removing.confirm(f"{what} location {slug}?", yes=yes)
    system.run(locations.remove if deletes else locations.retire, system.by, slug)
    output.say(f"{what}d location {slug}.")
    system.publish()


@location.command(examples=("location restore office",))
@click.argument("slug")
@with_system
def restore(system: System, slug: str) -> None:
    """Take the retired location SLUG back into use, without phones."""
    found = system.run(locations.restore, system.by, slug)
    output.say(f"Restored location {slug}, {found.address}.")
    system.publish()


renaming.add_to(location, "location", "office main-office")
