"""`leaseline forward`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from crm.commands import output
from crm.commands.command import Group, System, WrongInput, one, with_system
from crm.services.phones import forwarding
from crm.views import forwarding as views
from crm.views.forwarding import Forwarding, OfficeForwarding, Personal


@click.group(
    cls=Group,
    examples=(
        "forward on --agent alice --to '(512) 555-0150' --after 8",
        "forward off --agent alice",
        "forward office on --to '(512) 555-0190'",
        "forward show",
    ),
)
def forward() -> None:
    """Forward calls to a mobile, or all calls to one outside number. Connecting takes a keypress, so voicemail never
    takes the call."""


@forward.command(
    examples=(
        "forward on --agent alice",
        "forward on --agent alice --to '(512) 555-0150' --after 8",
        "forward on --agent alice --at-once",
    )
)
@click.option("--agent", required=True, metavar="SLUG", help="Whose calls.")
@click.option("--to", metavar="NUMBER", help="Their mobile's number; the mobile is added if they have none.")
@click.option("--after", type=int, metavar="SECONDS", help="How long their other phones ring first.  [default: 8]")
@click.option("--at-once", is_flag=True, help="The mobile rings together with their other phones.")
@with_system
def on(system: System, agent: str, to: str | None, after: int | None, at_once: bool) -> None:
    """Let an agent's calls also ring their mobile, where they hear who is calling and press 1."""
    if at_once and after is not None:
        raise WrongInput("Give --after or --at-once, not both.")
    system.run(forwarding.switch_on, system.config, system.by, agent, to=to, after_seconds=0 if at_once else after)
    [found] = system.read(views.personal, system.config, system.now, agent)
    for mobile in found.mobiles:
        when = f"after {mobile.after_seconds} s" if mobile.after_seconds else "together with the other phones"
        output.say(f"Calls for {agent} ring {mobile.device}, {system.shown(mobile.number)}, {when}.")
        if mobile.dnd:
            output.hint(f"DND of {mobile.device} is on: `leaseline dnd off {mobile.device}` makes it ring.")
        if mobile.refusal:
            output.hint(f"{mobile.device} does not ring: {mobile.refusal}")


@forward.command(examples=("forward off --agent alice",))
@click.option("--agent", required=True, metavar="SLUG", help="Whose calls.")
@with_system
def off(system: System, agent: str) -> None:
    """Stop ringing an agent's mobile. Its number is kept for the next time."""
    system.run(forwarding.switch_off, system.by, agent)
    output.say(f"Calls for {agent} no longer ring a mobile.")


@forward.command(json=one(Forwarding), examples=("forward show", "forward show --agent alice --json"))
@click.option("--agent", metavar="SLUG", help="Only this agent's.")
@with_system
def show(system: System, agent: str | None, as_json: bool) -> None:
    """Show which mobiles ring for whose calls."""
    found = system.read(views.everything, system.config, system.now, agent)
    if as_json:
        output.print_json(found)
        return
    output.print_table(
        ("agent", "forwarding", "mobile", "number", "rings after", "do not disturb", "not dialed because"),
        _rows(found.agents, system),
        empty="No agent has a mobile: `leaseline forward on --agent SLUG --to NUMBER` adds one.",
    )
    if found.office.number:
        output.say(_office_text(found.office, system))


def _rows(found: Sequence[Personal], system: System) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for one_agent in found:
        is_on = "on" if one_agent.on else "off"
        rows += [
            (
                one_agent.agent,
                is_on,
                mobile.device,
                system.shown(mobile.number),
                f"{mobile.after_seconds} s",
                "on" if mobile.dnd else "",
                mobile.refusal,
            )
            for mobile in one_agent.mobiles
        ] or [(one_agent.agent, is_on, "none", "", "", "", "")]
    return rows


@forward.group(examples=("forward office on --to '(512) 555-0190'", "forward office off"))
def office() -> None:
    """Send all leasing calls to one outside number, after the menu, instead of to the team; even while the office is
    closed."""


@office.command(
    "on",
    examples=("forward office on --to '(512) 555-0190'", "forward office on --to '(512) 555-0190' --straight"),
)
@click.option("--to", required=True, metavar="NUMBER", help="Where all calls go.")
@click.option(
    "--straight", is_flag=True, help="Connect at once, without pressing 1, so voicemail there can get callers."
)
@with_system
def office_on(system: System, to: str, straight: bool) -> None:
    """Send all leasing calls to one number. The person who answers hears who is calling, and presses 1."""
    number = system.run(forwarding.forward_office, system.config, system.by, to=to, confirm=not straight)
    output.say(f"All leasing calls go to {system.shown(number)}{', straight' if straight else ' after pressing 1'}.")


@office.command("off", examples=("forward office off",))
@with_system
def office_off(system: System) -> None:
    """Send calls to the team again."""
    system.run(forwarding.end_office, system.by)
    output.say("All leasing calls go to the team.")


@office.command("show", json=one(OfficeForwarding), examples=("forward office show", "forward office show --json"))
@with_system
def office_show(system: System, as_json: bool) -> None:
    """Show where all leasing calls go."""
    found = system.read(views.of_office, system.config)
    if as_json:
        output.print_json(found)
    else:
        output.say(_office_text(found, system))


def _office_text(found: OfficeForwarding, system: System) -> str:
    if not found.number:
        return "All leasing calls go to the team."
    way = "after pressing 1" if found.confirm else "straight"
    text = f"All leasing calls go to {system.shown(found.number)}, {way}."
    return f"{text} But the number is refused, so the team rings: {found.refusal}" if found.refusal else text
