"""`leaseline up`."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import click
import msgspec

from ari_app import readiness, supervisor
from crm import config as settings
from crm import context
from crm.commands import output
from crm.commands.command import Command, home_of, someone
from crm.commands.user import console_url
from crm.config import Config
from crm.config.ranges import HIGHEST_PORT, LOWEST_PORT
from crm.context import Crm, utc_now
from crm.domain.errors import Conflict, CrmError, Unavailable
from crm.domain.ringing import DeviceKind
from crm.edge import addresses, numbers, processes
from crm.services.access import accounts
from crm.services.audit import By
from crm.services.phones import devices, lines
from crm.services.system import databases, demo_listings, directory, homes, settings_file
from crm.store.session import Store


@click.command(cls=Command, examples=("up", "up --demo", "up --home ~/second --demo --ports-from 20000"))
@click.option("--demo", is_flag=True, help="Create a home with a demo office if there is none, and show how to try it.")
@click.option(
    "--ports-from",
    type=click.IntRange(LOWEST_PORT, HIGHEST_PORT),
    metavar="PORT",
    help="With --demo: the start of the home's block of ports.  [default: the usual SIP ports]",
)
@click.pass_context
def up(context: click.Context, demo: bool, ports_from: int | None) -> None:
    """Run Asterisk and the app together, here.

    Stays in the foreground; Ctrl-C ends everything it started, and nothing else.
    """
    if ports_from is not None and not demo:
        raise click.UsageError(
            "--ports-from goes with --demo; the ports of an existing home are in its leaseline.toml."
        )
    asyncio.run(_up(home_of(context), someone(), demo=demo, ports_from=ports_from))


async def _up(home: Path, by: By, *, demo: bool, ports_from: int | None) -> None:
    if demo and not (home / homes.SETTINGS).exists():
        # Looked at before anything is made: the next try may name other ports.
        readiness.check_ports(Config(home=home, ports=settings.port_block(ports_from)), is_first=True)
        config = await homes.create(home, by, name=directory.DEMO_NAME, ports_from=ports_from)
    else:
        config = settings.load(home)
        if ports_from is not None and config.ports != settings.port_block(ports_from):
            config = _move_ports(config, ports_from)
    how_to = "`leaseline status` shows what is up; Ctrl-C stops everything."
    if demo:
        # If the database is unavailable, starting reports that, and continues without it.
        with contextlib.suppress(Unavailable, Conflict):
            how_to = await _demo_office(config, by)

    async def next_steps() -> str:
        # The console may not be served, or the database be away; calls are answered all the same.
        with contextlib.suppress(CrmError):
            return f"{how_to}\n\n{await asyncio.to_thread(_console, config, by)}"
        return how_to

    await supervisor.up(config, next_steps=next_steps)


def _console(config: Config, by: By) -> str:
    """Where the console is, with a link for the first admin as long as there is none. Raises CrmError."""
    if config.console.refusal:
        return config.console.refusal
    url = console_url(config)
    store = Store(config.database_url)
    try:
        if store.read_blocking(accounts.has_admin):
            return f"The console: {url}/"
        token = store.run_blocking(accounts.first_admin, replace(by, now=utc_now()))
    finally:
        store.close()
    return (
        f"The console: {url}/\n"
        "No admin can sign in yet. This link makes you one;"
        f" it is good once, for {accounts.FIRST_LINK_MINUTES} minutes:\n"
        f"  {url}{accounts.WELCOME}{token}"
    )


def _move_ports(config: Config, ports_from: int) -> Config:
    """Gives a home that is there already, such as that of an earlier try, another block of ports."""
    if processes.running(config):
        raise Conflict(f"Leaseline is running with the ports of {config.home}.", code="ports_in_use")
    moved = settings.port_block(ports_from)
    readiness.check_ports(msgspec.structs.replace(config, ports=moved), is_first=True)
    settings_file.write(config, settings_file.with_ports(config, ports_from))
    output.say(f"{config.home} uses the ports from {ports_from} on now.")
    return settings.load(config.home)


async def _demo_office(config: Config, by: By) -> str:
    """Loads the demo office; returns the text that tells the person how to try it."""
    await asyncio.to_thread(databases.migrate_up, config, by.now)
    crm = context.opened(config)
    try:
        await load_demo(crm, by)
        numbers_there = await crm.store.read(lines.find_all)
        phones = await crm.store.read(devices.find_all)
    finally:
        crm.store.close()
    leaseline = _as_typed(config.home)
    return "\n".join(
        (
            "",
            "Leasing numbers:",
            *(f"  {numbers.display(line.number, config.region)}  {line.label}" for line in numbers_there),
            f"Phones (SIP server {addresses.server(config)}, port {config.ports.sip}, UDP or TCP):",
            *(f"  user {phone.slug:<12} {phone.agent.name}" for phone in phones if phone.kind != DeviceKind.MOBILE),
            f"  A phone's password: {leaseline} device show alice-desk --secret",
            "",
            "Try it in a second terminal:",
            f"  {leaseline} demo call --press 2 --answer alice",
            f"  {leaseline} demo call --press 1",
            f"  {leaseline} demo call --press 3 --press 1",
            f"  {leaseline} listing list",
            f"  {leaseline} status",
            f"  {leaseline} user invite alice    # a link with which Alice signs in to the console",
            "Ctrl-C stops everything.",
        )
    )


async def load_demo(crm: Crm, by: By) -> None:
    """Loads the demo office with its homes, pictures, tours and accounts; what is there already stays."""
    await crm.store.run(directory.load_demo, crm.config, crm.secrets, by)
    await crm.store.run(directory.add_demo_accounts, by)
    if await crm.store.read(demo_listings.is_wanted):
        drawn = await asyncio.to_thread(demo_listings.draw, crm.config)
        await crm.store.run(demo_listings.load, crm.config, crm.secrets, by, drawn)
        await crm.store.run(directory.offer_demo_tours, by)


def _as_typed(home: Path) -> str:
    """Returns how to call this program for this home from any other terminal."""
    program = "leaseline" if shutil.which("leaseline") else shlex.quote(str(Path(sys.argv[0]).absolute()))
    usual = Path("~/.leaseline").expanduser()
    return program if home == usual else f"{program} --home {shlex.quote(str(home))}"
