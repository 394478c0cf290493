"""`leaseline hours`."""

from __future__ import annotations

from datetime import datetime

import click
import msgspec

from crm.commands import output
from crm.commands.command import Group, System, one, with_system
from crm.domain.fields import WEEKDAYS
from crm.domain.hours import weekly
from crm.services import hours as service


class OpeningEntry(msgspec.Struct):
    """One opening in the week, on the office's clock."""

    weekday: str
    """mon to sun."""
    opens: str
    """HH:MM."""
    closes: str
    """HH:MM, up to 24:00."""


class HoursEntry(msgspec.Struct):
    """When the office is open."""

    timezone: str
    openings: list[OpeningEntry]
    """None at all: the office is always open."""
    is_open: bool
    """At this moment."""
    opens_next: datetime | None
    """Null while it is open."""


@click.group(cls=Group, examples=("hours show", "hours set 'mon-fri 09:00-18:00' 'sat 10:00-14:00'"))
def hours() -> None:
    """When the office is open, by its own clock. Outside of it no phone rings; callers leave a message."""


@hours.command(
    "set",
    examples=(
        "hours set 'mon-fri 09:00-18:00' 'sat 10:00-14:00'",
        "hours set 'mon,wed 09:00-12:00 13:00-17:00'",
        "hours set --always",
    ),
)
@click.argument("openings", nargs=-1)
@click.option("--always", is_flag=True, help="Open at all times.")
@with_system
async def change(system: System, openings: tuple[str, ...], always: bool) -> None:
    """Replace the whole week by OPENINGS; days that none of them names are closed."""
    if bool(openings) == always:
        raise click.UsageError("Give the week's openings, such as 'mon-fri 09:00-18:00', or --always.")
    await service.replace(system.store, system.by, openings)
    output.say("The office is always open." if always else f"The office's week is {'; '.join(openings)}.")
    await system.publish()


@hours.command(json=one(HoursEntry), examples=("hours show", "hours show --json"))
@with_system
async def show(system: System, as_json: bool) -> None:
    """Show the week's openings, and whether the office is open now."""
    found = await service.find_all(system.store)
    schedule = weekly(((row.weekday, row.opens, row.closes) for row in found), system.config.tz)
    is_open = schedule.is_open(system.now)
    entry = HoursEntry(
        timezone=system.config.timezone,
        openings=[OpeningEntry(WEEKDAYS[row.weekday], row.opens, row.closes) for row in found],
        is_open=is_open,
        opens_next=None if is_open else schedule.next_open(system.now),
    )
    if as_json:
        output.print_json(entry)
        return
    output.print_table(
        ("day", "open"),
        (
            (day, ", ".join(f"{one.opens}-{one.closes}" for one in entry.openings if one.weekday == day) or "closed")
            for day in (WEEKDAYS if entry.openings else ())
        ),
        empty="The office is always open.",
    )
    if not entry.is_open:
        output.say(f"Closed now; opens {output.local(entry.opens_next, system.config.tz)} ({entry.timezone}).")
    elif entry.openings:
        output.say(f"Open now ({entry.timezone}).")
