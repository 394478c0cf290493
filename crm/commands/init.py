"""`leaseline init`."""

from __future__ import annotations

import asyncio

import click

from crm.commands import output
from crm.commands.command import Command, home_of, someone
from crm.config.ranges import HIGHEST_PORT, LOWEST_PORT
from crm.services.system import homes


@click.command(
    cls=Command,
    examples=(
        "init --name 'Maple Leasing' --timezone America/New_York --listings-url https://maple.example/homes",
        "init --home ~/second --ports-from 20000",
        "init --database postgresql://leaseline@db.example/leaseline",
    ),
)
@click.option("--name", default="Leasing Office", show_default=True, help="The company's name.")
@click.option("--listings-url", default="", metavar="URL", help="Texted when a property has no link of its own.")
@click.option(
    "--timezone", default="America/Chicago", show_default=True, metavar="ZONE", help="The office's time zone."
)
@click.option(
    "--region",
    default="US",
    show_default=True,
    metavar="CC",
    help="Numbers without a country code are read as numbers of this country.",
)
@click.option(
    "--ports-from",
    type=click.IntRange(LOWEST_PORT, HIGHEST_PORT),
    metavar="PORT",
    help="Put all ports in one block of 300 from here, to run beside other systems.  [default: the usual SIP ports]",
)
@click.option(
    "--database",
    default="",
    metavar="URL",
    help="An empty PostgreSQL database; put its password in ~/.pgpass.  [default: a SQLite file in the home]",
)
@click.pass_context
def init(
    context: click.Context,
    name: str,
    listings_url: str,
    timezone: str,
    region: str,
    ports_from: int | None,
    database: str,
) -> None:
    """Create a new home: settings, passwords, database, office.

    Only you can read the home (mode 0700). An existing home is left as it is.
    """
    home = home_of(context)
    config = asyncio.run(
        homes.create(
            home,
            someone(),
            name=name,
            listings_url=listings_url,
            ports_from=ports_from,
            region=region,
            timezone=timezone,
            database=database,
        )
    )
    output.say(f"Created {home}, time zone {config.timezone}, SIP on port {config.ports.sip}.")
    output.say("Next: add a trunk, a property, a line, agents and their devices, then start with `leaseline up`.")
