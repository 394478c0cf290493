"""`leaseline portfolio`."""

from __future__ import annotations

import click

from crm.commands import output
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


@portfolio.command(examples=("portfolio remove east",))
@click.argument("slug")
@with_system
def remove(system: System, slug: str) -> None:
    """Remove the portfolio SLUG, once no property belongs to it."""
    system.run(portfolios.remove, system.by, slug)
    output.say(f"Removed portfolio {slug}.")


@portfolio.command("list", json=many(PortfolioEntry), examples=("portfolio list", "portfolio list --json"))
@with_system
def list_(system: System, as_json: bool) -> None:
    """List all portfolios."""
    entries = system.read(properties.portfolios)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("portfolio", "name", "properties"),
        ((one.slug, one.name, one.properties) for one in entries),
        empty="There are no portfolios: add one with `leaseline portfolio add`.",
    )
