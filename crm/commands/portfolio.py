"""`leaseline portfolio`."""

from __future__ import annotations

import click

from crm.commands import output, removing, renaming
from crm.commands.command import Group, System, many, with_system
from crm.services.office import portfolios
from crm.views import properties
from crm.views.properties import PortfolioEntry


@click.group(cls=Group, examples=("portfolio add east --name 'East side'", "portfolio assign elm east"))
def portfolio() -> None:
    """Properties that are leased in the same way, such as those of one owner."""


@portfolio.command(examples=("portfolio add east --name 'East side'",))
@click.argument("slug")
@click.option("--name", help="As callers hear it.  [default: SLUG]")
@with_system
def add(system: System, slug: str, name: str) -> None:
    """Add the portfolio SLUG."""
    system.run(portfolios.add, system.by, slug, name=name)
    output.say(f"Added portfolio {slug}.")


@portfolio.command(examples=("portfolio assign elm east", "portfolio assign elm ''"))
@click.argument("property")
@click.argument("portfolio")
@with_system
def assign(system: System, property: str, portfolio: str) -> None:
    """Put PROPERTY into PORTFOLIO; '' takes it out."""
    system.run(portfolios.assign, system.by, property, portfolio)
    output.say(
        f"Property {property} is in portfolio {portfolio}." if portfolio else f"Property {property} is in no portfolio."
    )


@portfolio.command(examples=("portfolio remove east", "portfolio remove east --yes", "portfolio remove typo --delete"))
@click.argument("slug")
@removing.delete_option
@removing.yes_option
@with_system
def remove(system: System, slug: str, deletes: bool, yes: bool) -> None:
    """Take the portfolio SLUG out of use, once no property belongs to it and no line is for it."""
    what = "Delete" if deletes else "Retire"
    system.read(portfolios.empty, slug)
    removing.confirm(f"{what} portfolio {slug}?", yes=yes)
    system.run(portfolios.remove if deletes else portfolios.retire, system.by, slug)
    output.say(f"{what}d portfolio {slug}.")


@portfolio.command(examples=("portfolio restore east",))
@click.argument("slug")
@with_system
def restore(system: System, slug: str) -> None:
    """Take the retired portfolio SLUG back into use, without properties."""
    system.run(portfolios.restore, system.by, slug)
    output.say(f"Restored portfolio {slug}; put properties into it with `leaseline portfolio assign`.")


renaming.add_to(portfolio, "portfolio", "east east-side")


@portfolio.command(
    "list",
    json=many(PortfolioEntry),
    examples=("portfolio list", "portfolio list --retired", "portfolio list --json"),
)
@removing.retired_option
@with_system
def list_(system: System, retired: bool, as_json: bool) -> None:
    """List all portfolios."""
    entries = system.read(properties.portfolios, retired=retired)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("portfolio", "name", "properties"),
        ((one.slug, one.name, one.properties) for one in entries),
        empty="No portfolio is retired."
        if retired
        else "There are no portfolios: add one with `leaseline portfolio add`.",
    )
