"""`leaseline holiday`."""

from __future__ import annotations

import click

from crm.commands import output
from crm.commands.command import Group, System, many, with_system
from crm.domain import fields
from crm.services.office import holidays as service
from crm.views import holidays as views
from crm.views.holidays import DayEntry

_property = click.option("--property", "property_slug", metavar="SLUG", help="Only for this property.")


@click.group(
    cls=Group,
    examples=("holiday set US-TX", "holiday add 2026-12-24 --open 09:00-12:00 --name 'Christmas Eve'", "holiday list"),
)
def holiday() -> None:
    """Dates with hours that differ from the usual week.

    Public holidays of a country or state close the office and its properties all day. A special day overrides holidays
    and the week, and a property's own day overrides the office's.
    """


@holiday.command(
    "list", json=many(DayEntry), examples=("holiday list", "holiday list --year 2027", "holiday list --property elm")
)
@click.option("--year", type=int, help="[default: this one]")
@click.option("--property", "property_slug", metavar="SLUG", help="What applies at this property.")
@with_system
def list_(system: System, year: int | None, property_slug: str | None, as_json: bool) -> None:
    """List the dates in a year."""
    year = year or system.now.astimezone(system.config.tz).year
    found = system.read(views.year, year, property_slug)
    if as_json:
        output.print_json(found.days)
        return
    whose = f"Property {property_slug}" if property_slug else "The office"
    output.print_table(
        ("date", "day", "name", "open", "for"),
        (
            (one.day.isoformat(), fields.WEEKDAYS[one.day.weekday()], one.name, one.open, one.property or "all")
            for one in found.days
        ),
        empty=f"There are no special days in {year}.",
    )
    if found.region:
        output.say(f"{whose} is closed on the public holidays of {found.region}.")
    else:
        output.say(f"{whose} is open on public holidays: `leaseline holiday set US-TX` closes it on those of Texas.")


@holiday.command("set", examples=("holiday set US-TX", "holiday set US", "holiday set US-CA --property elm"))
@click.argument("region")
@_property
@with_system
def set_(system: System, region: str, property_slug: str | None) -> None:
    """Close on the public holidays of REGION: a country, such as US, or a state, such as US-TX.

    `none` means open on all of them; for a property, '' means the office's holidays. A state's calendar has days on
    which few offices close: check `holiday list`, and keep one open with `holiday add DATE --open usual`.
    """
    if not region and property_slug is None:
        raise click.UsageError("Say whose holidays: a country or state, such as US or US-TX, or none.")
    known = system.run(service.set_region, system.by, region, property_slug)
    whose = f"Property {property_slug}" if property_slug else "The office"
    if not known:
        output.say(f"{whose} has the office's holidays.")
    elif known == "none":
        output.say(f"{whose} is open on public holidays.")
    else:
        output.say(f"{whose} is closed on the public holidays of {known}.")
    system.publish()


@holiday.command(
    examples=(
        "holiday add 2026-12-31 --name 'Inventory'",
        "holiday add 'Dec 24' --open 09:00-12:00 --name 'Christmas Eve'",
        "holiday add 2026-04-21 --open usual",
        "holiday add 2026-07-20 --name 'Roof repair' --property elm",
    )
)
@click.argument("day", metavar="DATE")
@click.option(
    "--open", "open_", default="", metavar="SPAN", help="Hours such as 10:00-14:00, or usual.  [default: closed]"
)
@click.option("--name", default="", help="What the day is called.")
@_property
@with_system
def add(system: System, day: str, open_: str, name: str, property_slug: str | None) -> None:
    """Close on DATE, or set other hours with --open. Replaces what was set for it before.

    Without a year, DATE is the next one.
    """
    when = fields.day(day, system.today)
    is_new = system.run(service.add, system.by, when, open_=open_, name=name, property_slug=property_slug)
    opens = fields.special_open(open_)
    how = {"": "closed", fields.AS_USUAL: "open as usual"}.get(opens, f"open {opens}")
    whose = f"property {property_slug}" if property_slug else "the office and all properties"
    output.say(f"{when} is {'' if is_new else 'now '}{how} for {whose}.")
    system.publish()


@holiday.command(examples=("holiday remove 2026-12-31", "holiday remove 2026-07-20 --property elm"))
@click.argument("day", metavar="DATE")
@_property
@with_system
def remove(system: System, day: str, property_slug: str | None) -> None:
    """Remove what was set for DATE; a public holiday remains one."""
    when = fields.day(day, system.today)
    system.run(service.remove, system.by, when, property_slug)
    output.say(f"{when} is no longer a special day.")
    system.publish()
