"""`leaseline office`."""

from __future__ import annotations

import click

from crm.commands import output
from crm.commands.command import OR_NONE, Group, System, one, with_system
from crm.services.system import directory
from crm.views import office as views
from crm.views.office import OfficeEntry


@click.group(cls=Group, examples=("office show", "office set --name 'Maple Leasing'"))
def office() -> None:
    """The company this system serves."""


@office.command(json=one(OfficeEntry), examples=("office show", "office show --json"))
@with_system
def show(system: System, as_json: bool) -> None:
    """Show the company's name, its link, its answering service, and whether it manages for owners."""
    entry = system.read(views.one)
    if as_json:
        output.print_json(entry)
        return
    output.print_entry(
        (
            ("name", entry.name),
            ("listings", entry.listings_url or "none"),
            ("answering service", entry.answering_service or "none"),
            ("manages for owners", entry.manages_for_owners),
        )
    )


@office.command(
    "set",
    examples=(
        "office set --name 'Maple Leasing' --listings-url https://maple.example/homes",
        "office set --answering-service 512-555-0150",
        "office set --manages-for-owners",
    ),
)
@click.option("--name", help="As callers hear and read it.")
@click.option(
    "--listings-url", type=OR_NONE, metavar="URL", help="Texted to callers whose property has none; none removes it."
)
@click.option(
    "--answering-service",
    type=OR_NONE,
    metavar="NUMBER",
    help="Rung while the office is open and nobody on the team answers, or none; they press 1 to take the call.",
)
@click.option(
    "--manages-for-owners/--no-manages-for-owners",
    default=None,
    help="Whether leads may be owners who want their property managed.",
)
@with_system
def change(
    system: System,
    name: str | None,
    listings_url: str | None,
    answering_service: str | None,
    manages_for_owners: bool | None,
) -> None:
    """Change what is known about the company; options not given leave things as they are."""
    changed = system.change(
        directory.change_office,
        system.config,
        system.by,
        name=name,
        listings_url=listings_url,
        answering_service=answering_service,
        manages_for_owners=manages_for_owners,
    )
    output.say_changed("the office", changed.is_one)
