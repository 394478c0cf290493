"""`leaseline dnd`."""

from __future__ import annotations

from datetime import datetime

import click

from crm.commands import output
from crm.commands.command import Group, System, WrongInput, confirm, many, with_system
from crm.commands.device import dnd_text
from crm.domain import fields
from crm.services.phones import devices
from crm.views import devices as views
from crm.views.devices import DndEntry


@click.group(
    cls=Group, examples=("dnd on alice-desk --for 30m", "dnd on --agent alice --until 17:00", "dnd off alice-desk")
)
def dnd() -> None:
    """Do not disturb (DND), per device. It ends by itself, so that Friday's DND does not lose Monday's calls."""


@dnd.command(
    examples=("dnd on alice-desk --for 30m", "dnd on alice-desk --until 17:00", "dnd on --agent alice --for 1h30m")
)
@click.argument("device", required=False)
@click.option("--agent", metavar="SLUG", help="All devices of this agent.")
@click.option("--for", "length", metavar="TIME", help="How long: 30m, 2h, 1d.")
@click.option("--until", metavar="TIME", help="Until then on the office's clock: 17:00, 5pm, 'monday 9am'.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation when it has no end.")
@with_system
def on(system: System, device: str | None, agent: str | None, length: str | None, until: str | None, yes: bool) -> None:
    """Stop DEVICE, or all of an agent's devices, from ringing."""
    slugs = _chosen(system, device, agent)
    if length and until:
        raise WrongInput("Give --for or --until, not both.")
    end: datetime | None = None
    if length:
        end = system.now + fields.duration(length)
    elif until:
        end = fields.next_time(until, system.config.tz, system.now)
    elif not yes:
        chosen = ", ".join(slugs)
        confirm(f"Without --for or --until {chosen} stays silent until you turn DND off. Continue?")
    system.run(devices.set_dnd, system.by, slugs, until=end)
    output.say(f"DND for {', '.join(slugs)} is {dnd_text(True, end, system.config)}.")
    system.publish()


@dnd.command(examples=("dnd off alice-desk", "dnd off --agent alice"))
@click.argument("device", required=False)
@click.option("--agent", metavar="SLUG", help="All devices of this agent.")
@with_system
def off(system: System, device: str | None, agent: str | None) -> None:
    """Let DEVICE, or all of an agent's devices, ring again."""
    slugs = _chosen(system, device, agent)
    system.run(devices.clear_dnd, system.by, slugs)
    output.say(f"DND for {', '.join(slugs)} is off.")
    system.publish()


@dnd.command("list", json=many(DndEntry), examples=("dnd list", "dnd list --json"))
@with_system
def list_(system: System, as_json: bool) -> None:
    """List the devices with DND on."""
    entries = system.read(views.undisturbed, system.now)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("device", "agent", "do not disturb"),
        ((one.device, one.agent, dnd_text(True, one.until, system.config)) for one in entries),
        empty="No device has DND on.",
    )


def _chosen(system: System, device: str | None, agent: str | None) -> list[str]:
    """Returns the slugs of the devices that are meant: one device, or all of an agent's. Raises WrongInput."""
    if (device is None) == (agent is None):
        raise WrongInput("Name one device, or all of an agent's with --agent.")
    if agent is not None:
        return system.read(devices.of_agent, agent)
    assert device is not None
    return [system.read(devices.named, device).slug]
