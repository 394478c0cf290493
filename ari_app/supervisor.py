"""`leaseline up`: prepares a home, starts Asterisk and the app, keeps both running, and ends what it started."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import resource
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console

from ari_app.child import Child
from ari_app.readiness import StartError, prepare
from asterisk_conf import install
from crm.config import Config
from crm.services import disk

ASTERISK = "Asterisk"
READY_SECONDS = 60.0
"""Asterisk and the app are up within a second or two; a machine that takes longer than this has another problem."""
FILES = 65536
"""So many open files are enough for any number of calls that one machine carries."""


async def up(config: Config, *, next_steps: str = "") -> None:
    """Prepares, starts, and supervises until SIGINT or SIGTERM; raises StartError when it can't be begun.

    `next_steps` is shown once everything is up: what to do now.
    """
    console = Console(highlight=False)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    _allow_files()
    with _only_one(config):
        await prepare(config, console)
        processes = children(config)
        try:
            for child in processes:
                await child.start()
            async with _kept(config, processes, console):
                ready = await _until_ready(config, processes, stop)
                if not stop.is_set():
                    _say(console, f"Leaseline is up. Home: {config.home}")
                    if not ready:
                        _say(console, f"The app is not ready; Asterisk answers calls alone. See {config.log_folder}.")
                    _say(console, next_steps)
                await stop.wait()
        finally:
            # The app first: Asterisk then still can take its calls to the last resort.
            for child in reversed(processes):
                await child.stop()
            _say(console, "Leaseline has stopped.")


def children(config: Config) -> list[Child]:
    """Asterisk first: it answers calls by itself when the app is late."""
    asterisk = [*install.program("asterisk"), "-C", str(config.asterisk_folder / "etc" / "asterisk.conf"), "-f", "-n"]
    app = [sys.executable, str(Path(__file__).parents[1] / "cli.py"), "--home", str(config.home), "serve"]
    return [
        Child(ASTERISK, asterisk, install.environment("asterisk"), config.log_folder / "asterisk.out"),
        Child("the app", app, {}, config.log_folder / "app.out"),
    ]


@contextlib.asynccontextmanager
async def _kept(config: Config, children: list[Child], console: Console) -> AsyncIterator[None]:
    """Starts again what ends, and looks after the disk's reserve, while the block runs."""

    async def keep(child: Child) -> None:
        pause = 0.5
        while True:
            assert child.process is not None
            started = time.monotonic()
            status = await child.process.wait()
            if time.monotonic() - started > 60:
                pause = 0.5
            _say(console, f"{child.name} ended with status {status} and starts again: {child.last_words}")
            await asyncio.sleep(pause)
            pause = min(pause * 2, 10)
            await _start(child, console, pause)

    keepers = [asyncio.create_task(keep(child)) for child in children]
    keepers.append(asyncio.create_task(disk.keep(config)))
    try:
        yield
    finally:
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)


async def _start(child: Child, console: Console, pause: float) -> None:
    while True:
        try:
            return await child.start()
        except OSError as error:
            _say(console, f"{child.name} cannot be started ({error.strerror}) and is tried again.")
            await asyncio.sleep(pause)


def _say(console: Console, text: str) -> None:
    # Whoever read this may be gone, and the disk it goes to full: rich ends the program over the former.
    with contextlib.suppress(OSError, SystemExit):
        console.print(text, soft_wrap=True, markup=False)


async def _until_ready(config: Config, children: list[Child], stop: asyncio.Event) -> bool:
    """Whether the app has found Asterisk. Raises StartError when there is no Asterisk."""
    deadline = time.monotonic() + READY_SECONDS
    while not stop.is_set():
        if is_connected(config, since=datetime.now(UTC) - timedelta(seconds=10)):
            return True
        for child in children:
            if child.starts > 1:
                if child.name == ASTERISK:
                    raise StartError(f"{child.name} ended at once; {child.log} says why: {child.last_words}")
                # Asterisk answers calls, and sends 911, without it; it is started again.
                return False
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.05)
    return False


def is_connected(config: Config, since: datetime) -> bool:
    """Whether a living app has said since then that it is connected to Asterisk."""
    try:
        state = json.loads((config.run_folder / "app.json").read_text())
        os.kill(state["pid"], 0)
    except (OSError, ValueError, KeyError):
        return False
    return bool(state["connected"]) and datetime.fromisoformat(state["at"]) >= since


@contextlib.contextmanager
def _only_one(config: Config) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        try:
            config.run_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = stack.enter_context((config.run_folder / "up.lock").open("a+"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(
                f"Leaseline is running in {config.home} already; end it with Ctrl-C where it was started."
            ) from None
        except OSError:
            pass  # A disk that takes no writing: there is nothing to keep two of us apart, but calls come first.
        with contextlib.suppress(OSError):
            (config.run_folder / "app.json").unlink(missing_ok=True)
        yield


def _allow_files() -> None:
    """As many open files as we may have: a talk takes 10 in Asterisk, and shells start programs with 1,024."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if most == resource.RLIM_INFINITY else min(FILES, most)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
