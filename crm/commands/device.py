"""`leaseline device`."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click
import msgspec

from crm.commands import output, removing, renaming
from crm.commands.command import (
    OR_NONE,
    CodeChoice,
    FilePath,
    Group,
    System,
    WrongInput,
    config_of,
    many,
    one,
    with_system,
)
from crm.config import Config
from crm.domain.codes import FeatureCode
from crm.domain.ringing import DeviceKind
from crm.edge import addresses
from crm.services.office import agents
from crm.services.phones import devices, feature_codes
from crm.store.models import Device
from crm.views import devices as views
from crm.views.devices import DeviceDetail, DeviceEntry
from crm.words.codes import in_words


@click.group(cls=Group, examples=("device add alice-desk --agent alice", "device show alice-desk --secret"))
def device() -> None:
    """The agents' phones."""


@device.command(
    examples=(
        "device add alice-desk --agent alice",
        "device add alice-soft --agent alice --kind softphone",
        "device add alice-mobile --agent alice --kind mobile --number '(512) 555-0150' --after 8",
    )
)
@click.argument("slug")
@click.option("--agent", required=True, metavar="SLUG", help="Whose phone it is.")
@click.option("--kind", type=CodeChoice(DeviceKind), default="desk", show_default=True)
@click.option("--number", metavar="NUMBER", help="A mobile's number; it rings when the agent's forwarding is on.")
@click.option(
    "--after", type=int, metavar="SECONDS", help="How long the agent's other phones ring before a mobile does."
)
@click.option("--location", metavar="SLUG", help="Where it is, which an emergency call reports.")
@click.option("--encrypted", is_flag=True, help="Require TLS and SRTP, which are otherwise optional.")
@with_system
def add(
    system: System,
    slug: str,
    agent: str,
    kind: str,
    number: str | None,
    after: int | None,
    location: str | None,
    encrypted: bool,
) -> None:
    """Add the device SLUG, which is its SIP user, and create its password; a mobile has a number instead."""
    if kind == DeviceKind.MOBILE and number is not None:
        if location is not None:
            raise WrongInput("A mobile moves around, and its own network knows where it is: leave out --location.")
        if encrypted:
            raise WrongInput("A mobile is dialed and has no account to encrypt: leave out --encrypted.")
        system.run(
            devices.add_mobile, system.config, system.by, slug, agent=agent, number=number, after_seconds=after or 0
        )
        output.say(f"Added mobile {slug}; `leaseline forward on --agent {agent}` makes calls ring it.")
        return
    if number is not None or after is not None:
        raise WrongInput(
            "Only a mobile has a number and rings after other phones: add it with both --kind mobile and --number."
        )
    system.run(
        devices.add, system.secrets, system.by, slug, agent=agent, kind=kind, location=location, encrypted=encrypted
    )
    output.say(f"Added device {slug}; `leaseline device show {slug} --secret` says what to enter on the phone.")
    if location is None:
        output.hint(
            f"Warning: {slug} has no location, so 911 would not learn where it is: "
            f"`leaseline device set {slug} --location SLUG`."
        )
    system.publish()


@device.command(
    "set",
    examples=(
        "device set alice-desk --location office",
        "device set alice-desk --whisper",
        "device set alice-desk --encrypted",
        "device set alice-soft --agent bob --kind desk",
        "device set alice-mobile --number '(512) 555-0151'",
        "device set alice-mobile --after 0",
    ),
)
@click.argument("slug")
@click.option("--number", metavar="NUMBER", help="A mobile's number.")
@click.option(
    "--after", type=int, metavar="SECONDS", help="How long the agent's other phones ring before a mobile does."
)
@click.option(
    "--whisper/--no-whisper", default=None, help="The person who answers first hears who is calling, and presses 1."
)
@click.option("--location", type=OR_NONE, metavar="SLUG", help="Where it is, for emergency calls; none for unknown.")
@click.option("--agent", metavar="SLUG", help="Whose phone it is from now on.")
@click.option("--kind", type=CodeChoice(DeviceKind))
@click.option("--encrypted/--no-encrypted", default=None, help="Whether TLS and SRTP are required.")
@with_system
def change(
    system: System,
    slug: str,
    number: str | None,
    after: int | None,
    whisper: bool | None,
    location: str | None,
    agent: str | None,
    kind: str | None,
    encrypted: bool | None,
) -> None:
    """Change the device SLUG; options not given leave things as they are."""
    changed = system.change(
        devices.change,
        system.config,
        system.by,
        slug,
        number=number,
        after_seconds=after,
        whisper=whisper,
        location=location,
        agent=agent,
        kind=kind,
        encrypted=encrypted,
    )
    output.say_changed(f"device {slug}", changed.is_one)
    system.publish()


@device.command(examples=("device remove alice-desk", "device remove alice-desk --yes", "device remove typo --delete"))
@click.argument("slug")
@removing.delete_option
@removing.yes_option
@with_system
def remove(system: System, slug: str, deletes: bool, yes: bool) -> None:
    """Take the device SLUG out of use. Its password ends at once; its calls stay on record."""
    found = system.read(devices.named, slug)
    what = "Delete" if deletes else "Retire"
    removing.confirm(f"{what} device {slug} of agent {found.agent.slug}?", yes=yes)
    system.run(devices.remove if deletes else devices.retire, system.secrets, system.by, slug)
    output.say(f"{what}d device {slug}.")
    system.publish()


@device.command(examples=("device restore alice-desk",))
@click.argument("slug")
@with_system
def restore(system: System, slug: str) -> None:
    """Take the retired device SLUG back into use, with a new password."""
    system.run(devices.restore, system.secrets, system.by, slug)
    output.say(f"Restored device {slug}; `leaseline device show {slug}` shows what to enter on the phone.")
    system.publish()


renaming.add_to(device, "device", "alice-desk alicia-desk")


@device.command(
    "list",
    json=many(DeviceEntry),
    examples=("device list", "device list --agent alice --json", "device list --retired"),
)
@click.option("--agent", metavar="SLUG", help="Only this agent's.")
@removing.retired_option
@with_system
def list_(system: System, agent: str | None, retired: bool, as_json: bool) -> None:
    """List all devices."""
    entries = _entries(system, agent, retired=retired)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("device", "agent", "kind", "number", "location", "do not disturb"),
        (
            (
                one.slug,
                one.agent,
                in_words(DeviceKind, one.kind),
                one.number,
                one.location,
                dnd_text(one.dnd, one.dnd_until, system.config),
            )
            for one in entries
        ),
        empty="No device is retired." if retired else "There are no devices: add one with `leaseline device add`.",
    )


@device.command(
    examples=("device rotate alice-desk", "device rotate alice-desk --secret"),
)
@click.argument("slug")
@click.option("--secret", "with_secret", is_flag=True, help="Show the new password.")
@with_system
async def rotate(system: System, slug: str, with_secret: bool) -> None:
    """Give the device SLUG a new password. The old one stops working, and the phone's registration ends."""
    slug = await system.store.run(devices.rotate, system.secrets, system.by, slug)
    output.say(f"Device {slug} has a new password; `leaseline device show {slug}` shows what to enter on the phone.")
    if with_secret:
        output.say(system.secrets.get(devices.secret_name(slug)))
    await system.publish_async()
    if not await devices.end_registration(system.config, system.secrets, slug):
        output.hint("Asterisk does not answer, so a registered phone stays registered until that expires, in an hour.")


@device.command(json=many(FeatureCode), examples=("device codes", "device codes --json"))
@click.pass_context
def codes(context: click.Context, as_json: bool) -> None:
    """List the codes that phones can dial, or key during a call; set in [codes] and [talk] of leaseline.toml."""
    found = feature_codes.in_use(config_of(context))
    if as_json:
        output.print_json(found)
        return
    output.print_table(
        ("code", "meaning", "example"),
        ((one.code, one.meaning, one.example) for one in found),
        empty="All codes are turned off in [codes] and [talk].",
    )


@device.command(
    json=one(DeviceDetail),
    examples=(
        "device show alice-desk",
        "device show alice-desk --secret",
        "device show carol-soft --qr",
        "device show alice-desk --page alice-desk.html",
    ),
)
@click.argument("slug")
@click.option("--secret", "with_secret", is_flag=True, help="Also show the password.")
@click.option("--qr", "as_qr", is_flag=True, help="Show a QR code for Grandstream Wave; it contains the password.")
@click.option(
    "--page",
    type=FilePath(dir_okay=False),
    metavar="FILE",
    help="Write a page to print (HTML), for common phones; it contains the password, and only you may read it.",
)
@with_system
def show(system: System, slug: str, with_secret: bool, as_qr: bool, page: Path | None, as_json: bool) -> None:
    """Show the device SLUG and what to enter on the phone."""
    if as_qr or page is not None:
        if as_json:
            raise WrongInput("Use --json without --qr and --page.")
        _hand_out(system, system.read(devices.named, slug), as_qr=as_qr, page=page, with_secret=with_secret)
        return
    found = system.read(views.one, slug, system.now)
    is_mobile = found.kind == DeviceKind.MOBILE
    detail = DeviceDetail(
        **msgspec.structs.asdict(found),
        server="" if is_mobile else addresses.server(system.config),
        port=_port(system.config, found),
        transport=_transport(found),
        user="" if is_mobile else found.slug,
        secret=system.secrets.get(devices.secret_name(found.slug)) if with_secret and not is_mobile else None,
    )
    if as_json:
        output.print_json(detail)
        return
    output.print_entry(
        (
            ("device", detail.slug),
            ("agent", detail.agent),
            ("kind", in_words(DeviceKind, detail.kind)),
            ("number", detail.number),
            ("rings after", f"{detail.rings_after_seconds} s of ringing on the other phones" if is_mobile else None),
            *(
                ()
                if is_mobile
                else (
                    ("location", detail.location or "unknown"),
                    ("server", detail.server),
                    ("port", detail.port),
                    ("transport", "udp, tcp or tls" if detail.transport == "udp" else detail.transport),
                    ("encryption", "SRTP required" if detail.encrypted else None),
                    ("user", detail.user),
                    ("password", detail.secret or "shown with --secret"),
                )
            ),
            ("whisper", detail.whisper or None),
            ("do not disturb", dnd_text(detail.dnd, detail.dnd_until, system.config)),
        )
    )


def _entries(system: System, agent: str | None, *, retired: bool) -> list[DeviceEntry]:
    with system.store.reading() as session:
        if agent is not None and not retired:
            agents.named(session, agent)
        return views.listed(session, system.now, agent=agent, retired=retired)


def _transport(device: DeviceEntry) -> str:
    if device.kind == DeviceKind.MOBILE:
        return ""
    if device.kind == DeviceKind.BROWSER:
        return "ws"
    return "tls" if device.encrypted else "udp"


def _port(config: Config, device: DeviceEntry) -> int:
    ports = {"": 0, "ws": config.ports.http, "tls": config.ports.sips, "udp": config.ports.sip}
    return ports[_transport(device)]


def _hand_out(system: System, device: Device, *, as_qr: bool, page: Path | None, with_secret: bool) -> None:
    from crm.services.phones import provisioning

    account = provisioning.account(system.config, system.secrets, device)
    voicemail = system.config.codes.voicemail
    if as_qr:
        # Piped output would end up in a file or a log that others can read.
        if not sys.stdout.isatty() and not with_secret:
            raise WrongInput(
                "The QR code contains the password, so it is only shown on a terminal; --secret shows it anyway."
            )
        click.echo(provisioning.qr_for_terminal(account, voicemail))
        output.hint("For Grandstream Wave: Settings, Account Settings, add, Scan QR Code. Others: --secret or --page.")
    if page is not None:
        found = feature_codes.in_use(system.config)
        provisioning.write_page(page, provisioning.page(account, found, voicemail))
        output.say(f"Wrote {page}; it contains the password, so destroy it once the phone works.")


def dnd_text(dnd: bool, until: datetime | None, config: Config) -> str:
    if not dnd:
        return ""
    return f"on until {output.local(until, config.tz)}" if until else "on, without end"
