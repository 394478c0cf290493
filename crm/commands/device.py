"""`leaseline device`."""

from __future__ import annotations

import socket
from datetime import datetime

import click
import msgspec

from crm.commands import output
from crm.commands.command import Group, System, many, one, with_system
from crm.config import Config
from crm.services import devices
from crm.store.models import Device


class DeviceEntry(msgspec.Struct):
    """A phone of an agent."""

    slug: str
    agent: str
    kind: str
    """desk, softphone, browser or mobile."""
    dnd: bool
    """Do not disturb is on at this moment."""
    dnd_until: datetime | None
    """When it ends by itself; null with dnd: when somebody switches it off."""

    @classmethod
    def of(cls, device: Device, now: datetime) -> DeviceEntry:
        dnd = devices.has_dnd(device, now)
        return cls(
            slug=device.slug, agent=device.agent.slug, kind=device.kind,
            dnd=dnd, dnd_until=device.dnd_until if dnd else None,
        )  # fmt: skip


class DeviceDetail(DeviceEntry):
    """A phone and its SIP account."""

    server: str
    """Address to write into the phone as its SIP server or registrar."""
    port: int
    transport: str
    """What the phone may use: udp and tcp are both served."""
    user: str
    secret: str | None
    """The password, with --secret; null without."""


@click.group(cls=Group, examples=("device add alice-desk --agent alice", "device show alice-desk --secret"))
def device() -> None:
    """Phones of the agents."""


@device.command(
    examples=("device add alice-desk --agent alice", "device add alice-soft --agent alice --kind softphone")
)
@click.argument("slug")
@click.option("--agent", required=True, metavar="SLUG", help="Whose phone it is.")
@click.option("--kind", type=click.Choice(devices.KINDS), default="desk", show_default=True)
@with_system
async def add(system: System, slug: str, agent: str, kind: str) -> None:
    """Add the device SLUG, which is its SIP user, and make its password."""
    await devices.add(system.store, system.secrets, system.by, slug, agent=agent, kind=kind)
    output.say(f"Added device {slug}; `leaseline device show {slug} --secret` says what to write into the phone.")
    await system.publish()


@device.command(examples=("device remove alice-desk",))
@click.argument("slug")
@with_system
async def remove(system: System, slug: str) -> None:
    """Remove the device SLUG and its password. Its calls stay on record."""
    await devices.remove(system.store, system.secrets, system.by, slug)
    output.say(f"Removed device {slug}.")
    await system.publish()


@device.command("list", json=many(DeviceEntry), examples=("device list", "device list --agent alice --json"))
@click.option("--agent", metavar="SLUG", help="Only this agent's.")
@with_system
async def list_(system: System, agent: str | None, as_json: bool) -> None:
    """List all devices."""
    entries = [DeviceEntry.of(found, system.now) for found in await devices.find_all(system.store, agent)]
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("device", "agent", "kind", "do not disturb"),
        ((one.slug, one.agent, one.kind, dnd_text(one.dnd, one.dnd_until, system.config)) for one in entries),
        empty="There are no devices: add one with `leaseline device add`.",
    )


@device.command(json=one(DeviceDetail), examples=("device show alice-desk", "device show alice-desk --secret"))
@click.argument("slug")
@click.option("--secret", "with_secret", is_flag=True, help="Show the password, too.")
@with_system
async def show(system: System, slug: str, with_secret: bool, as_json: bool) -> None:
    """Show the device SLUG and what to write into the phone."""
    found = await devices.get(system.store, slug)
    entry = DeviceEntry.of(found, system.now)
    detail = DeviceDetail(
        slug=entry.slug, agent=entry.agent, kind=entry.kind, dnd=entry.dnd, dnd_until=entry.dnd_until,
        server=server_address(system.config), port=system.config.ports.sip, transport="udp", user=entry.slug,
        secret=system.secrets.get(devices.secret_name(slug)) if with_secret else None,
    )  # fmt: skip
    if as_json:
        output.print_json(detail)
        return
    output.print_entry(
        (
            ("device", detail.slug),
            ("agent", detail.agent),
            ("kind", detail.kind),
            ("server", detail.server),
            ("port", detail.port),
            ("transport", "udp or tcp"),
            ("user", detail.user),
            ("password", detail.secret or "shown with --secret"),
            ("do not disturb", dnd_text(detail.dnd, detail.dnd_until, system.config)),
        )
    )


def dnd_text(dnd: bool, until: datetime | None, config: Config) -> str:
    if not dnd:
        return ""
    return f"until {output.local(until, config.tz)}" if until else "on, without end"


def server_address(config: Config) -> str:
    """The address of this machine that phones in the office reach."""
    if config.sip.bind != "0.0.0.0":
        return config.sip.bind
    # Connecting a UDP socket sends nothing; it only asks the system which of its addresses would be used.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
