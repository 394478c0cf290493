"""`leaseline desk`."""

from __future__ import annotations

import click

from crm.commands import output
from crm.commands.command import CodeChoice, Group, System, many, with_system
from crm.domain.route_inputs import DeskKind
from crm.services.routing import desks
from crm.views import desks as views
from crm.views.desks import DeskEntry


@click.group(
    cls=Group,
    examples=(
        "desk set resident subteam:north --property elm",
        "desk set maintenance '(512) 555-0190'",
        "desk set vendor agent:alice --hours 'mon-fri 09:00-17:00'",
        "desk list",
    ),
)
def desk() -> None:
    """Where callers who are not prospects are connected.

    resident, owner and vendor: callers recognized by number (`leaseline contact`), or who press 4 in the menu.
    maintenance: emergencies in a home, which residents are asked about first; this desk rings at any hour, then the
    property's people ring, and staff are called about a voicemail at once. concern: complaints, disputes and fair
    housing, key 0 in the menu; they always reach a person.

    A key is offered if there is a desk for it. A property without a desk of its own uses the one for all properties.
    """


@desk.command(
    "set",
    examples=(
        "desk set resident subteam:north --property elm",
        "desk set maintenance '(512) 555-0190'",
        "desk set vendor agent:alice --hours 'mon-fri 09:00-17:00'",
        "desk set owner '(512) 555-0191' --straight",
    ),
)
@click.argument("kind", type=CodeChoice(DeskKind))
@click.argument("target")
@click.option(
    "--property",
    "property_slug",
    metavar="SLUG",
    help="Only for this property.  [default: every property without its own]",
)
@click.option(
    "--hours",
    multiple=True,
    metavar="TEXT",
    help="When it rings, every week on the property's clock, e.g. 'mon-fri 09:00-17:00'; repeatable. "
    "Without hours, an outside number rings at any time, and people while the property's office is open. Holidays and "
    "special days also apply to hours, unless they cover the whole week.",
)
@click.option("--straight", is_flag=True, help="Connect an outside number at once, without pressing 1.")
@with_system
def put(
    system: System, kind: str, target: str, property_slug: str | None, hours: tuple[str, ...], straight: bool
) -> None:
    """Send calls of a KIND to a TARGET: agent:SLUG, subteam:SLUG, or an outside number. Replaces what was set."""
    stored = system.run(
        desks.put,
        system.config,
        system.by,
        kind,
        target,
        property_slug=property_slug,
        hours=hours,
        confirm=not straight,
    )
    output.say(f"Calls for {kind}{f' of {property_slug}' if property_slug else ''} go to {_shown(stored, system)}.")
    for entry in system.read(views.listed, system.config):
        if (entry.kind, entry.property) == (kind, property_slug) and entry.problem:
            output.hint(f"It cannot be reached yet: {entry.problem}")


@desk.command("list", json=many(DeskEntry), examples=("desk list", "desk list --json"))
@with_system
def list_(system: System, as_json: bool) -> None:
    """List the desks, and why any of them cannot be reached."""
    entries = system.read(views.listed, system.config)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("kind", "property", "target", "connects", "hours", "unreachable because"),
        (
            (
                one.kind,
                one.property or "all",
                _shown(one.target, system),
                _connects(one),
                "; ".join(one.hours),
                one.problem,
            )
            for one in entries
        ),
        first_out=("property", "hours"),
        empty="There are no desks, so all callers reach the leasing team: `leaseline desk set` makes one.",
    )


@desk.command(examples=("desk remove vendor", "desk remove resident --property elm"))
@click.argument("kind", type=CodeChoice(DeskKind))
@click.option(
    "--property",
    "property_slug",
    metavar="SLUG",
    help="The desk of this property.  [default: the one for all properties]",
)
@with_system
def remove(system: System, kind: str, property_slug: str | None) -> None:
    """Remove the desk for a KIND of caller; these callers then reach the leasing team."""
    system.run(desks.remove, system.by, kind, property_slug=property_slug)
    output.say(f"Calls for {kind}{f' of {property_slug}' if property_slug else ''} no longer have a desk of their own.")


def _connects(entry: DeskEntry) -> str:
    if not entry.target.startswith("+"):
        return "at once"
    return "after pressing 1" if entry.confirm else "straight"


def _shown(target: str, system: System) -> str:
    return system.shown(target) if target.startswith("+") else target
