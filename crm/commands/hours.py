"""`leaseline hours`."""

from __future__ import annotations

import click

from crm.commands import output
from crm.commands.command import Group, System, one, with_system
from crm.domain import fields
from crm.services.office import hours as service
from crm.views import hours as views
from crm.views.hours import HoursEntry


@click.group(
    cls=Group, examples=("hours show", "hours set 'mon-fri 09:00-18:00' 'sat 10:00-14:00'", "hours show --property elm")
)
def hours() -> None:
    """When the office and its properties are open, each in its own time zone.

    Outside these hours no phone rings, except those of agents whose own hours say so (`leaseline agent hours`); callers
    leave a voicemail. Public holidays and single dates are set with `leaseline holiday`. While the app is down,
    Asterisk only knows the office's hours.
    """


@hours.command(
    "set",
    examples=(
        "hours set 'mon-fri 09:00-18:00' 'sat 10:00-14:00'",
        "hours set 'mon,wed 9am-12pm 1pm-5pm'",
        "hours set --always",
        "hours set --property elm 'tue-sun 10:00-19:00'",
        "hours set --property elm --as-office",
    ),
)
@click.argument("openings", nargs=-1)
@click.option("--always", is_flag=True, help="Open at all times, except on holidays.")
@click.option("--property", "property_slug", metavar="SLUG", help="Hours of this property only, in its time zone.")
@click.option("--as-office", is_flag=True, help="Use the office's week again, in the property's time zone.")
@with_system
def change(system: System, openings: tuple[str, ...], always: bool, property_slug: str | None, as_office: bool) -> None:
    """Replace the whole week with OPENINGS; days they do not name are closed."""
    if [bool(openings), always, as_office].count(True) != 1:
        raise click.UsageError("Give the week's openings, such as 'mon-fri 09:00-18:00', or --always.")
    if as_office and property_slug is None:
        raise click.UsageError("--as-office goes with --property: name the property that gets the office's week.")
    # A property without its own week has the office's.
    week = (fields.ALL_WEEK,) if always and property_slug else openings
    system.run(service.replace, system.by, week, property_slug)
    whose = f"property {property_slug}" if property_slug else "the office"
    if always:
        output.say(f"{whose.capitalize()} is always open.")
    elif as_office:
        output.say(f"{whose.capitalize()} has the office's week.")
    else:
        output.say(f"The week of {whose} is {'; '.join(fields.as_texts(fields.openings(openings)))}.")
    system.publish()


@hours.command(json=one(HoursEntry), examples=("hours show", "hours show --property elm", "hours show --json"))
@click.option("--property", "property_slug", metavar="SLUG", help="This property's hours.  [default: the office's]")
@with_system
def show(system: System, property_slug: str | None, as_json: bool) -> None:
    """Show the week's opening hours, and whether it is open now."""
    found = system.read(views.week, system.config, property_slug)
    schedule, entry = found.schedule, found.at(system.now)
    if as_json:
        output.print_json(entry)
        return
    whose = f"Property {property_slug}" if property_slug else "The office"
    output.print_table(
        ("day", "open"),
        (
            (day, ", ".join(f"{one.opens}-{one.closes}" for one in entry.openings if one.weekday == day) or "closed")
            for day in (fields.WEEKDAYS if entry.openings else ())
        ),
        empty=f"{whose} is always open{'' if schedule.always_open else ', except on holidays and special days'}.",
    )
    if not entry.is_own:
        output.say(f"{whose} has the office's week, in its own time zone.")
    if entry.today:
        output.say(f"Today is {entry.today}.")
    if not entry.is_open:
        opens = f"opens {output.local(entry.opens_next, schedule.tz)}" if entry.opens_next else "never opens again"
        output.say(f"Closed now; {opens} ({entry.timezone}).")
    elif entry.openings:
        output.say(f"Open now ({entry.timezone}).")
