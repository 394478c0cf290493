"""`leaseline property`."""

from __future__ import annotations

import click

from crm.commands import output
from crm.commands.command import Group, System, many, one, with_system
from crm.domain.mailboxes import MessagesTo
from crm.services.office import properties
from crm.views import properties as views
from crm.views.properties import PropertyEntry


# Not called `property` in this file's code: that word is Python's own.
@click.group("property", cls=Group, examples=("property add elm --name 'Elm Street Apartments' --subteam north",))
def property_() -> None:
    """Buildings and communities with homes to rent."""


@property_.command(
    examples=(
        "property add elm --name 'Elm Street Apartments' --subteam north --listings-url https://maple.example/elm",
        "property add lake --name 'Lakeside Homes' --area 'North Austin'",
    )
)
@click.argument("slug")
@click.option("--name", default="", help="As callers hear and read it.")
@click.option("--subteam", metavar="SLUG", help="The subteam that leases it.")
@click.option("--listings-url", default="", metavar="URL", help="Texted to callers instead of the office's link.")
@click.option("--area", default="", help="Part of town; lists of more than eight properties begin with areas.")
@with_system
def add(system: System, slug: str, name: str, subteam: str | None, listings_url: str, area: str) -> None:
    """Add the property SLUG."""
    system.run(properties.add, system.by, slug, name=name, subteam=subteam, listings_url=listings_url, area=area)
    output.say(f"Added property {slug}.")


@property_.command(
    "set",
    examples=(
        "property set elm --subteam south",
        "property set elm --area 'North Austin'",
        "property set elm --recording announced",
        "property set elm --messages-to subteam --no-escalate",
    ),
)
@click.argument("slug")
@click.option("--name", help="As callers hear and read it.")
@click.option("--subteam", metavar="SLUG", help="The subteam that leases it; '' for none.")
@click.option("--listings-url", metavar="URL", help="Texted to callers; '' for the office's link.")
@click.option("--area", help="Part of town; lists of more than eight properties begin with areas; '' for none.")
@click.option("--timezone", metavar="ZONE", help="Where it is, such as America/Denver; '' for the office's.")
@click.option(
    "--recording",
    type=click.Choice(properties.RECORDING),
    help="Record calls: never, always (after an announcement), or when an agent keys the code (after the same one).",
)
@click.option(
    "--messages-to", type=click.Choice([one.value for one in MessagesTo]), help="The mailbox that voicemail goes to."
)
@click.option("--escalate/--no-escalate", default=None, help="Call people about voicemail that nobody takes.")
@with_system
def change(
    system: System,
    slug: str,
    name: str | None,
    subteam: str | None,
    listings_url: str | None,
    area: str | None,
    timezone: str | None,
    recording: str | None,
    messages_to: str | None,
    escalate: bool | None,
) -> None:
    """Change the property SLUG; options not given leave things as they are."""
    system.run(
        properties.change,
        system.by,
        slug,
        name=name,
        subteam=subteam,
        listings_url=listings_url,
        area=area,
        timezone=timezone,
        recording=recording,
        messages_to=messages_to,
        escalates=escalate,
    )
    output.say(f"Changed property {slug}.")


@property_.command(examples=("property remove elm",))
@click.argument("slug")
@with_system
def remove(system: System, slug: str) -> None:
    """Remove the property SLUG, once no line or lead refers to it."""
    system.run(properties.remove, system.by, slug)
    output.say(f"Removed property {slug}.")


@property_.command("list", json=many(PropertyEntry), examples=("property list", "property list --json"))
@with_system
def list_(system: System, as_json: bool) -> None:
    """List all properties."""
    entries = system.read(views.listed)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("property", "name", "area", "portfolio", "subteam", "lines", "listings"),
        ((one.slug, one.name, one.area, one.portfolio, one.subteam, one.lines, one.listings_url) for one in entries),
        empty="There are no properties: add one with `leaseline property add`.",
    )


@property_.command(json=one(PropertyEntry), examples=("property show elm",))
@click.argument("slug")
@with_system
def show(system: System, slug: str, as_json: bool) -> None:
    """Show the property SLUG."""
    entry = system.read(views.one, slug)
    if as_json:
        output.print_json(entry)
        return
    output.print_entry(
        (
            ("property", entry.slug),
            ("name", entry.name),
            ("subteam", entry.subteam),
            ("lines", entry.lines),
            ("recording", entry.recording),
            ("voicemail to", entry.messages_to),
            ("escalation", entry.escalates),
            ("listings", entry.listings_url or "the office's link"),
            ("portfolio", entry.portfolio),
            ("area", entry.area),
            ("time zone", entry.timezone or "the office's"),
        )
    )


# The name the command line loads it by.
property = property_
