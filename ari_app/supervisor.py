"""`leaseline up`: prepares a home, starts Asterisk and the app, keeps both running, and ends what it started."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from asterisk_conf import certificate, install, speech, tones
from crm.config import Config
from crm.domain.errors import CrmError, Unavailable
from crm.secrets import Secrets
from crm.services import lines, publish
from crm.store import migrate
from crm.store.session import Store

READY_SECONDS = 60.0
"""Asterisk and the app are up within a second or two; a machine that takes longer than this has another problem."""
STOP_SECONDS = 8.0
FREE_MEGABYTES = 200
"""Less free space than this and recordings would soon fail."""


class StartError(CrmError):
    """The system could not be started; the text says what to do."""


@dataclass
class Child:
    """A process that is kept running."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    process: asyncio.subprocess.Process | None = None
    starts: int = 0

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command, env={**os.environ, **self.environment}, stdin=asyncio.subprocess.DEVNULL,
                stdout=log, stderr=log,
                # Ctrl-C reaches the whole foreground group; the children are to be ended in order, by us.
                start_new_session=True,
            )  # fmt: skip
        self.starts += 1

    async def stop(self) -> None:
        if self.process is None or self.process.returncode is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


async def up(config: Config, *, next_steps: str = "") -> None:
    """Prepares, starts, and supervises until SIGINT or SIGTERM; raises StartError when it can't be begun.

    `next_steps` is shown once everything is up: what to do now.
    """
    console = Console(highlight=False)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    with _only_one(config):
        await prepare(config, console)
        processes = children(config)
        try:
            for child in processes:
                await child.start()
            await _until_ready(config, processes, stop)
            if not stop.is_set():
                console.print(f"Leaseline is up. Home: {config.home}", soft_wrap=True)
                if next_steps:
                    console.print(next_steps, soft_wrap=True, markup=False)
                await _keep_running(processes, stop, console)
        finally:
            # The app first: Asterisk then still can take its calls to the last resort.
            for child in reversed(processes):
                await child.stop()
            console.print("Leaseline has stopped.")


async def prepare(config: Config, console: Console) -> None:
    """Everything a start needs that can be missing or old; done again it is quick."""
    _check_space(config.home)
    _check_ports(config)
    if config.sip.certificate and (problem := certificate.problem(config, datetime.now(UTC))):
        raise StartError(f"{problem} Correct sip.certificate and sip.private_key in {config.home / 'leaseline.toml'}.")
    for folder in config.folders:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        await asyncio.to_thread(migrate.upgrade, config.database_url)
    except Unavailable as error:
        if not (config.asterisk_folder / "etc" / "asterisk.conf").exists():
            raise
        # Emergency calls, and callers, must not wait for the database: Asterisk has all it needs from the last start.
        console.print(f"{error} Asterisk starts as it was set up last.", markup=False)
        return
    await prepare_prompts(config, console)
    secrets = Secrets(config.secrets_file)
    store = Store(config.database_url)
    try:
        await publish.publish(config, store, secrets, datetime.now(UTC))
    finally:
        await store.close()


def children(config: Config) -> list[Child]:
    """Asterisk first: it answers calls by itself when the app is late."""
    asterisk = [*install.program("asterisk"), "-C", str(config.asterisk_folder / "etc" / "asterisk.conf"), "-f", "-n"]
    app = [sys.executable, str(Path(__file__).parents[1] / "cli.py"), "--home", str(config.home), "serve"]
    return [
        Child("Asterisk", asterisk, install.environment("asterisk"), config.log_folder / "asterisk.out"),
        Child("the app", app, {}, config.log_folder / "app.out"),
    ]


async def prepare_prompts(config: Config, console: Console) -> None:
    """Speaks what is not spoken yet: the fixed sentences and the lines' greetings."""
    with Progress(
        TextColumn("Preparing what callers hear"), BarColumn(), MofNCompleteColumn(), console=console, transient=True
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
            for line in await lines.find_all(store):
                await asyncio.to_thread(speech.greeting, folder, line.number, line.greeting, line.language)
        finally:
            await store.close()


async def _keep_running(children: list[Child], stop: asyncio.Event, console: Console) -> None:
    async def keep(child: Child) -> None:
        pause = 0.5
        while True:
            assert child.process is not None
            started = time.monotonic()
            status = await child.process.wait()
            if time.monotonic() - started > 60:
                pause = 0.5
            console.print(
                f"{child.name} ended with status {status} and starts again; its last words: {_last_line(child.log)}",
                soft_wrap=True,
            )
            await asyncio.sleep(pause)
            pause = min(pause * 2, 10)
            await child.start()

    keepers = [asyncio.create_task(keep(child)) for child in children]
    try:
        await stop.wait()
    finally:
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)


async def _until_ready(config: Config, children: list[Child], stop: asyncio.Event) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not stop.is_set():
        if is_connected(config, since=datetime.now(UTC) - timedelta(seconds=10)):
            return
        for child in children:
            if child.process is not None and child.process.returncode is not None:
                raise StartError(f"{child.name} ended at once; {child.log} says why: {_last_line(child.log)}")
        if time.monotonic() > deadline:
            raise StartError(f"Asterisk and the app did not find each other; see {config.log_folder}.")
        await asyncio.sleep(0.05)


def is_connected(config: Config, since: datetime) -> bool:
    """Whether a living app has said since then that it is connected to Asterisk."""
    try:
        state = json.loads((config.run_folder / "app.json").read_text())
        os.kill(state["pid"], 0)
    except (OSError, ValueError, KeyError):
        return False
    return bool(state["connected"]) and datetime.fromisoformat(state["at"]) >= since


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else "(empty)"


@contextlib.contextmanager
def _only_one(config: Config) -> Iterator[None]:
    config.run_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (config.run_folder / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(
                f"Leaseline is running in {config.home} already; end it with Ctrl-C where it was started."
            ) from None
        (config.run_folder / "app.json").unlink(missing_ok=True)
        yield


def _check_space(home: Path) -> None:
    free = shutil.disk_usage(home).free // 1_000_000
    if free < FREE_MEGABYTES:
        raise StartError(f"Only {free} MB are free on the disk of {home}: make room, at least {FREE_MEGABYTES} MB.")


def _check_ports(config: Config) -> None:
    """A port taken by somebody else is told before anything starts, with the way out."""
    ports, bind = config.ports, config.sip.bind
    wanted = [
        ("sip", bind, ports.sip, socket.SOCK_DGRAM), ("sip", bind, ports.sip, socket.SOCK_STREAM),
        ("sips", bind, ports.sips, socket.SOCK_STREAM),
        ("http", "127.0.0.1", ports.http, socket.SOCK_STREAM), ("ami", "127.0.0.1", ports.ami, socket.SOCK_STREAM),
        ("agi", "127.0.0.1", ports.agi, socket.SOCK_STREAM),
    ]  # fmt: skip
    for name, address, port, kind in wanted:
        with socket.socket(socket.AF_INET, kind) as probe:
            # As Asterisk does: a port whose old connections are still closing is free.
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    settings = config.home / "leaseline.toml"
                    text = f"Port {port} is taken by another program: set another ports.{name} in {settings}."
                else:
                    text = (
                        f"Port {port} on {address} cannot be used ({error.strerror}): correct sip.bind or ports.{name}."
                    )
                raise StartError(text) from error
