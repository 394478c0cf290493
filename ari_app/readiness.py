"""Prepares what a start needs and what may be missing or outdated: folders, tables, prompts, Asterisk's configuration,
free ports.

If Asterisk has a configuration from the last start, problems do not prevent a start: callers, and 911, come first.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Collection
from datetime import UTC, datetime
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from asterisk_conf import certificate
from asterisk_conf.prompts import speech, tones
from crm import context
from crm.config import Config
from crm.domain.errors import CrmError
from crm.edge import processes
from crm.secrets import SecretError
from crm.services.audit import By
from crm.services.phones import lines, loopback, publish
from crm.services.system import databases, disk
from crm.store.session import Store


class StartError(CrmError):
    """The system could not be started; the text tells whoever is at the terminal what to do."""

    def __init__(self, text: str) -> None:
        super().__init__(text, code="start_failed")


async def prepare(config: Config, console: Console, running: Collection[str] = ()) -> None:
    """Prepares everything that may be missing or outdated; quick if nothing is. Raises StartError.

    `running` are those of our processes that are running already, and so have their ports.
    """
    check_ports(config, running)
    if config.sip.certificate and (problem := certificate.problem(config, datetime.now(UTC))):
        raise StartError(f"{problem} Correct sip.certificate and sip.private_key in {config.home / 'leaseline.toml'}.")
    try:
        for folder in config.folders:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _look_at_disk(config, console)
        if file := await asyncio.to_thread(databases.migrate_up, config, datetime.now(UTC)):
            console.print(f"The database was brought up to date, and backed up to {file} first.", markup=False)
        await _prepare_prompts(config, console)
        crm = context.opened(config)
        try:
            # A demo call that was killed may have left it behind.
            await crm.store.run(loopback.clear, crm.secrets, By("leaseline up", crm.now()))
            await publish.publish(crm)
        finally:
            crm.store.close()
    except (CrmError, SecretError, speech.SpeechError, OSError) as error:
        if not (config.asterisk_folder / "etc" / "asterisk.conf").exists():
            raise StartError(str(error)) from error
        console.print(f"{error} Asterisk starts with its last configuration.", markup=False, soft_wrap=True)


def _look_at_disk(config: Config, console: Console) -> None:
    disk.tend(config)
    room = disk.look(config)
    if room.is_low:
        text = f"Only {room.free_megabytes:,} MB are free on the disk of {config.home}: free some space."
        console.print(text, markup=False, soft_wrap=True)


async def _prepare_prompts(config: Config, console: Console) -> None:
    """Synthesizes what is missing of the fixed prompts and the lines' greetings."""
    with Progress(
        TextColumn("Preparing the prompts"), BarColumn(), MofNCompleteColumn(), console=console, transient=True
    ) as progress:
        bar = progress.add_task("prompts", total=None, visible=False)

        def show(done: int, total: int) -> None:
            progress.update(bar, completed=done, total=total, visible=True)

        folder = config.prompts_folder
        await asyncio.to_thread(speech.prepare, folder, folder / "recorded", show)
        tones.beep(folder / tones.FILE)
        tones.music(folder / tones.MUSIC)
        store = Store(config.database_url)
        try:
            for line in await store.read(lines.find_all):
                await asyncio.to_thread(speech.greeting, folder, line.number, line.greeting, line.language)
        finally:
            store.close()


def check_ports(
    config: Config, running: Collection[str] = (), ours: Config | None = None, *, is_first: bool = False
) -> None:
    """Raises StartError, before anything starts, for a port that another program uses: it says who that is, and how to
    use another.

    `running` are those of our processes that have their ports already; `ours` are the settings of a running system,
    whose ports are about to be free. `is_first`: nothing is there yet, so the web server's ports have to be free, too,
    and another block of ports can be named at the command line.
    """
    before = {(port.number, port.kind) for port in _ports(ours)} if ours else set()
    for port in (*_ports(config), *(_web_ports(config) if is_first else ())):
        if (processes.APP if port.name == "agi" else processes.ASTERISK) in running:
            continue
        if (port.number, port.kind) in before:
            continue
        with socket.socket(socket.AF_INET, port.kind) as probe:
            # As Asterisk does: a port whose old connections are still closing counts as free.
            if port.kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((port.address, port.number))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    other = f"set another ports.{port.name} in {config.home / 'leaseline.toml'}"
                    if is_first:
                        other = "choose another block of ports, e.g. with --ports-from 20000"
                    who = processes.holder_of_port(port.number, port.kind)
                    who = who or "another program, such as a phone system or a second Leaseline"
                    text = f"Port {port.number} ({_KINDS[port.kind]}) is taken by {who}: end it, or {other}."
                else:
                    text = (
                        f"Port {port.number} on {port.address} cannot be used ({error.strerror}): correct sip.bind or "
                        f"ports.{port.name}."
                    )
                raise StartError(text) from error


class _Port(NamedTuple):
    name: str
    address: str
    number: int
    kind: socket.SocketKind


_KINDS = {socket.SOCK_DGRAM: "UDP", socket.SOCK_STREAM: "TCP"}


def _ports(config: Config) -> list[_Port]:
    ports, bind = config.ports, config.sip.bind
    return [
        _Port("sip", bind, ports.sip, socket.SOCK_DGRAM),
        _Port("sip", bind, ports.sip, socket.SOCK_STREAM),
        _Port("sips", bind, ports.sips, socket.SOCK_STREAM),
        _Port("http", "127.0.0.1", ports.http, socket.SOCK_STREAM),
        _Port("ami", "127.0.0.1", ports.ami, socket.SOCK_STREAM),
        _Port("agi", "127.0.0.1", ports.agi, socket.SOCK_STREAM),
    ]


def _web_ports(config: Config) -> list[_Port]:
    ports = config.ports
    return [
        _Port(name, "127.0.0.1", getattr(ports, name), socket.SOCK_STREAM)
        for name in ("web", "webhooks", "site", "api", "console", "live", "voice")
    ]
