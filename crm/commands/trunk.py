"""`leaseline trunk`."""

from __future__ import annotations

from typing import IO

import click

from crm.commands import output, removing, renaming
from crm.commands.command import (
    OR_NONE,
    CodeChoice,
    Group,
    System,
    confirm,
    many,
    one,
    secret_file,
    secret_from,
    with_system,
)
from crm.domain import fields
from crm.domain.dialing import AUTHS, TRANSPORTS, NumberStyle
from crm.services.phones import trunks
from crm.views import trunks as views
from crm.views.trunks import TrunkEntry


@click.group(
    cls=Group,
    examples=(
        "trunk add acme --host sip.acme.example --auth address --address 203.0.113.0/24",
        "trunk add office --host 192.168.1.5 --auth digest --username leasing",
    ),
)
def trunk() -> None:
    """Connections to the phone network: carriers, and the office's existing phone system."""


_yes_option = click.option("--yes", is_flag=True, help="Do not ask for confirmation of networks larger than a /24.")
_password_option = secret_file("password", "--password-file")


_DID_FROM = (
    "Where its calls name the number dialed, in order: request (URI), called (P-Called-Party-ID), to, diversion. The "
    "first that is a line counts; '' for all, in this order."
)


_NUMBER_FORMAT = (
    "How it gives its callers' numbers, in order: national or international (country code first), after the digits "
    "that come before, such as 9national,00international; '' for what is usual."
)


@trunk.command(
    examples=(
        "trunk add acme --host sip.acme.example --auth address --address 203.0.113.7 --address 203.0.113.8",
        "trunk add acme --host sip.acme.example --auth address --address 203.0.112.0/22 --yes",
        "trunk add acme --host sip.acme.example --auth address --address 203.0.113.7 --username 5125550100 --register",
        "trunk add acme --host sip.acme.example --auth digest --username leasing --password-file acme.txt",
        "trunk add acme --host sip.acme.example --transport tls --auth address --address 203.0.113.7",
    )
)
@click.argument("slug")
@click.option("--host", required=True, help="The peer's name or IPv4 address.")
@click.option("--port", type=click.IntRange(1, 65535), help="[default: 5060, or 5061 with tls]")
@click.option("--transport", type=click.Choice(TRANSPORTS), default="udp", show_default=True)
@click.option("--auth", type=click.Choice(AUTHS), required=True, help="How the peer proves who it is.")
@click.option("--address", "addresses", multiple=True, help="Address or network its calls come from; repeatable.")
@click.option("--username", default="", help="Digest user for our calls and registrations there.")
@_password_option
@click.option("--register", is_flag=True, help="Register with the peer, so that it knows where to send calls.")
@click.option("--emergency", is_flag=True, help="Emergency calls go out through it.")
@click.option("--did-from", default="", metavar="SOURCES", help=_DID_FROM)
@click.option("--number-format", default="", metavar="FORMATS", help=_NUMBER_FORMAT)
@_yes_option
@with_system
def add(
    system: System,
    slug: str,
    host: str,
    port: int | None,
    transport: str,
    auth: str,
    addresses: tuple[str, ...],
    username: str,
    password_file: IO[str] | None,
    register: bool,
    emergency: bool,
    did_from: str,
    number_format: str,
    yes: bool,
) -> None:
    """Add the trunk SLUG. A password is prompted for or read from a file, never given on the command line."""
    _confirm_wide(addresses, yes)
    password = _password(password_file) if password_file or username else None
    system.run(
        trunks.add,
        system.secrets,
        system.by,
        slug,
        host=host,
        port=port or (5061 if transport == "tls" else 5060),
        transport=transport,
        auth=auth,
        addresses=addresses,
        username=username,
        password=password,
        register=register,
        emergency=emergency,
        did_from=did_from,
        caller_format=number_format,
    )
    output.say(f"Added trunk {slug}.")
    if auth == "digest" and not addresses:
        output.hint(f"Its calls to us have to authenticate as {trunks.endpoint(slug)}, with the same password.")
    system.publish()


@trunk.command(
    "set",
    examples=(
        "trunk set acme --disable",
        "trunk set acme --address 203.0.113.0/24 --address 198.51.100.7",
        "trunk set acme --password",
        "trunk set acme --emergency",
        "trunk set acme --position 1 --numbers digits",
        "trunk set office --no-outbound",
        "trunk set acme --did-from to,request",
        "trunk set office --number-format 9national",
    ),
)
@click.argument("slug")
@click.option("--host", help="The peer's name or IPv4 address.")
@click.option("--port", type=click.IntRange(1, 65535))
@click.option("--transport", type=click.Choice(TRANSPORTS))
@click.option("--auth", type=click.Choice(AUTHS), help="How the peer proves who it is.")
@click.option("--address", "addresses", multiple=True, help="Replaces all addresses; repeatable.")
@click.option("--no-address", is_flag=True, help="Removes all addresses.")
@click.option("--username", type=OR_NONE, help="Digest user for our calls there; none removes user and password.")
@click.option("--password", "ask", is_flag=True, help="Prompt for a new password.")
@_password_option
@click.option("--register/--no-register", default=None, help="Whether to register with the peer.")
@click.option("--emergency/--no-emergency", default=None, help="Whether emergency calls go out through it.")
@click.option("--enable/--disable", "enabled", default=None, help="Whether the trunk is used.")
@click.option(
    "--position", type=click.IntRange(0, 9999), metavar="N", help="Calls out try the lowest first, then the next."
)
@click.option("--outbound/--no-outbound", default=None, help="Whether calls go out through it.")
@click.option(
    "--numbers",
    type=CodeChoice(NumberStyle),
    help="+15125550100, 15125550100 or 5125550100.",
)
@click.option("--did-from", metavar="SOURCES", help=_DID_FROM)
@click.option("--number-format", metavar="FORMATS", help=_NUMBER_FORMAT)
@_yes_option
@with_system
def change(
    system: System,
    slug: str,
    host: str | None,
    port: int | None,
    transport: str | None,
    auth: str | None,
    addresses: tuple[str, ...],
    no_address: bool,
    username: str | None,
    ask: bool,
    password_file: IO[str] | None,
    register: bool | None,
    emergency: bool | None,
    enabled: bool | None,
    position: int | None,
    outbound: bool | None,
    numbers: str | None,
    did_from: str | None,
    number_format: str | None,
    yes: bool,
) -> None:
    """Change the trunk SLUG; options not given leave things as they are."""
    system.read(trunks.named, slug)
    _confirm_wide(addresses or (), yes)
    password = _password(password_file) if password_file or ask else None
    changed = system.change(
        trunks.change,
        system.secrets,
        system.by,
        slug,
        host=host,
        port=port,
        transport=transport,
        auth=auth,
        addresses=() if no_address else addresses or None,
        username=username,
        password=password,
        register=register,
        emergency=emergency,
        enabled=enabled,
        position=position,
        outbound=outbound,
        numbers=numbers,
        did_from=did_from,
        caller_format=number_format,
    )
    output.say_changed(f"trunk {slug}", changed.is_one or password is not None)
    system.publish()


@trunk.command(examples=("trunk remove acme", "trunk remove acme --yes", "trunk remove typo --delete"))
@click.argument("slug")
@removing.delete_option
@removing.yes_option
@with_system
def remove(system: System, slug: str, deletes: bool, yes: bool) -> None:
    """Take the trunk SLUG out of use, and delete its password.

    No call comes in or goes out through it any more. History keeps its name, which another trunk can have.
    """
    what = "Delete" if deletes else "Retire"
    trunks.check_texts(slug, system.config.texts.trunk)
    warning = " No calls come in without it." if system.read(trunks.is_last, slug) else ""
    removing.confirm(f"{what} trunk {slug}?{warning}", yes=yes)
    act = trunks.remove if deletes else trunks.retire
    system.run(act, system.secrets, system.by, slug, carries_texts=system.config.texts.trunk)
    output.say(f"{what}d trunk {slug}.{warning and ' No trunk takes calls now.'}")
    system.publish()


@trunk.command(examples=("trunk restore acme",))
@click.argument("slug")
@with_system
def restore(system: System, slug: str) -> None:
    """Take the retired trunk SLUG back into use; one with a user name waits for its password, which was deleted."""
    found = system.run(trunks.restore, system.by, slug)
    output.say(f"Restored trunk {slug}{'' if found.enabled else ', turned off'}.")
    if found.username:
        output.hint(f"Give it its password with `leaseline trunk set {slug} --password`, then `--enable` it.")
    system.publish()


renaming.add_to(trunk, "trunk", "acme acme-west")


@trunk.command("list", json=many(TrunkEntry), examples=("trunk list", "trunk list --retired", "trunk list --json"))
@removing.retired_option
@with_system
def list_(system: System, retired: bool, as_json: bool) -> None:
    """List all trunks, in the order in which calls out try them."""
    entries = system.read(views.listed, system.secrets, retired=retired)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("trunk", "peer", "transport", "known by", "registers", "enabled", "calls out", "emergency calls"),
        (
            (
                one.slug,
                f"{one.host}:{one.port}",
                one.transport,
                _known_by(one),
                one.register,
                one.enabled,
                _out(one),
                one.emergency,
            )
            for one in entries
        ),
        empty="No trunk is retired." if retired else "There are no trunks: add one with `leaseline trunk add`.",
    )


@trunk.command(json=one(TrunkEntry), examples=("trunk show demo",))
@click.argument("slug")
@with_system
def show(system: System, slug: str, as_json: bool) -> None:
    """Show the trunk SLUG."""
    entry = system.read(views.one, system.secrets, slug)
    if as_json:
        output.print_json(entry)
        return
    output.print_entry(
        (
            ("trunk", entry.slug),
            ("peer", f"{entry.host}:{entry.port}"),
            ("transport", entry.transport),
            ("known by", _known_by(entry)),
            ("addresses", entry.addresses),
            ("our user", entry.username),
            ("password", "is set" if entry.has_password else "none"),
            ("registers", entry.register),
            ("emergency calls", entry.emergency),
            ("enabled", entry.enabled),
            ("calls out", _out(entry)),
            ("numbers", entry.numbers),
            ("number dialed", ", ".join(entry.did_from)),
            ("callers' numbers", entry.number_format or "as usual"),
        )
    )


def _confirm_wide(addresses: tuple[str, ...], yes: bool) -> None:
    """Confirms wide networks: anyone at a trunk's address passes for the trunk, and over UDP anyone who spoofs one."""
    if not yes and (wide := [address for address in addresses if fields.is_wide(address)]):
        confirm(f"Anyone in {', '.join(wide)} could then call as this trunk, without a password. Continue?")


def _out(entry: TrunkEntry) -> str:
    return f"position {entry.position}" if entry.enabled and entry.outbound else "no"


def _known_by(entry: TrunkEntry) -> str:
    if entry.auth == "address":
        return ", ".join(entry.addresses)
    # As in pjsip.conf: a trunk without addresses authenticates as its endpoint's name.
    return f"digest user {entry.username if entry.addresses else trunks.endpoint(entry.slug)}"


def _password(file: IO[str] | None) -> str:
    return secret_from(file, "Password of the trunk", "password", "--password-file", twice=True)
