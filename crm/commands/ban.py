"""`leaseline ban`."""

from __future__ import annotations

import click

from crm.commands import output
from crm.commands.command import Group, System, many, with_system
from crm.domain import fields
from crm.services.phones import bans
from crm.views import blocking as views
from crm.views.blocking import BanEntry


@click.group(cls=Group, examples=("ban list", "ban add 203.0.113.9 --for 2d --why scanner", "ban remove 203.0.113.9"))
def ban() -> None:
    """Addresses whose SIP traffic is dropped.

    An address that tries too many wrong passwords is dropped for minutes, and for longer each time ([bans] in
    leaseline.toml). The addresses of trunks and of the office are never on the list, nor is one from which a phone has
    used the right password within the last two hours.
    """


@ban.command(
    examples=(
        "ban add 203.0.113.9",
        "ban add 203.0.113.9 --for 2d --why scanner",
        "ban add 203.0.113.0/24 --why 'never calls us'",
    )
)
@click.argument("address")
@click.option("--for", "length", metavar="TIME", help="How long: 30m, 2h, 1d.  [default: until you remove it]")
@click.option("--why", default="", metavar="TEXT", help="Shown in the list.")
@with_system
def add(system: System, address: str, length: str | None, why: str) -> None:
    """Drop all SIP traffic from ADDRESS, an IPv4 address or a network."""
    until = system.now + fields.duration(length) if length else None
    network = system.run(bans.add, system.config, system.by, address, until=until, why=why)
    end = f"until {output.local(until, system.config.tz)}" if until else "until you remove it"
    output.say(f"SIP from {network} is dropped {end}.")
    system.publish()


@ban.command(examples=("ban remove 203.0.113.9", "ban remove 203.0.113.0/24"))
@click.argument("address")
@with_system
def remove(system: System, address: str) -> None:
    """Stop dropping SIP traffic from ADDRESS."""
    network = system.run(bans.remove, system.by, address)
    output.say(f"SIP from {network} is no longer dropped.")
    system.publish()


@ban.command("list", json=many(BanEntry), examples=("ban list", "ban list --json"))
@with_system
def list_(system: System, as_json: bool) -> None:
    """List the addresses dropped right now, newest first."""
    entries = system.read(views.bans, system.now)
    if as_json:
        output.print_json(entries)
        return
    output.print_table(
        ("address", "since", "until", "bans within a day", "why"),
        (
            (
                one.network,
                output.local(one.since, system.config.tz),
                output.local(one.until, system.config.tz) or "no end",
                one.times,
                one.why,
            )
            for one in entries
        ),
        empty="Nobody is banned.",
    )
