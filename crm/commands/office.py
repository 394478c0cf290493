"""`leaseline office`."""

from __future__ import annotations

import click
import msgspec

from crm.commands import output
from crm.commands.command import Group, System, one, with_system
from crm.domain.errors import Invalid, NotFound
from crm.services import directory


class OfficeEntry(msgspec.Struct):
    """The company this system serves."""

    name: str
    """As callers hear and read it where no property is meant."""
    listings_url: str
    """Texted to callers whose property has no link of its own."""


@click.group(cls=Group, examples=("office show", "office set --name 'Maple Leasing'"))
def office() -> None:
    """The company this system serves."""


@office.command(json=one(OfficeEntry), examples=("office show", "office show --json"))
@with_system
async def show(system: System, as_json: bool) -> None:
    """Show the company's name and its link."""
    found = await directory.organization(system.store)
    if found is None:
        raise NotFound("This home has no office yet: make one with `leaseline init`.")
    entry = OfficeEntry(found.name, found.listings_url)
    if as_json:
        output.print_json(entry)
        return
    output.print_entry((("name", entry.name), ("listings", entry.listings_url or "none")))


@office.command("set", examples=("office set --name 'Maple Leasing' --listings-url https://maple.example/homes",))
@click.option("--name", help="As callers hear and read it.")
@click.option("--listings-url", metavar="URL", help="Texted to callers whose property has none; '' for no link.")
@with_system
async def change(system: System, name: str | None, listings_url: str | None) -> None:
    """Change the company's name or link; what is not given stays."""
    if name is None and listings_url is None:
        raise Invalid("Give --name, --listings-url, or both.")
    await directory.change_office(system.store, system.by, name=name, listings_url=listings_url)
    output.say("Changed the office.")
