"""`leaseline up`: prepares a home, starts Asterisk and the app, keeps both running, and ends what it started."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import functools
import resource
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from ari_app.call.race import race
from ari_app.child import Child
from ari_app.ending import Say, end, replace
from ari_app.heartbeat import is_connected
from ari_app.readiness import StartError, prepare
from asterisk_conf import install, refresh
from crm.config import Config
from crm.context import utc_now
from crm.domain.errors import CrmError
from crm.edge import processes
from crm.services.system import disk, logs, workers
from crm.services.system.checks import voice_agent
from crm.store.session import Store
from crm.worker import Troubles, repeat

READY_SECONDS = 60.0
"""Asterisk and the app are up within a second or two; a machine that takes longer than this has another problem."""
AT_ONCE = 3
"""This many restarts come without a pause."""
LONGEST_PAUSE = 10.0
STEADY_SECONDS = 60.0
"""A process that has run for this long counts as recovered."""
FILES = 65536
"""Enough open files for as many calls as one machine can carry."""


async def up(config: Config, *, next_steps: str = "") -> None:
    """Prepares, starts, and supervises until SIGINT or SIGTERM. Raises StartError if that cannot begin.

    `next_steps` tells the user what to do, once everything is up.
    """
    console = Console(highlight=False)
    say = functools.partial(_say, console)
    stop, hurry, to_replace = asyncio.Event(), asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # The first signal lets calls end, the second ends them.
        loop.add_signal_handler(number, lambda: (hurry if stop.is_set() else stop).set())

    def end_now() -> None:
        hurry.set()
        stop.set()

    loop.add_signal_handler(signal.SIGQUIT, end_now)
    loop.add_signal_handler(signal.SIGUSR1, to_replace.set)
    _allow_files()
    with _only_one(config):
        left = processes.running(config)
        if left:
            say(f"{' and '.join(left)} had been left running alone: taken over.")
        await prepare(config, console, left)
        asterisk, app, *others = kept = children(config, with_voice=_has_voice_agent(config))
        try:
            for child in kept:
                if child.name in left:
                    child.adopt(left[child.name])
                else:
                    await child.start()
            async with _kept(config, kept, say):
                ready = await _until_ready(config, kept, stop)
                if not stop.is_set():
                    say(f"Leaseline is up. Home: {config.home}")
                    if not ready:
                        say(f"The app is not ready; Asterisk answers calls alone. See {config.log_folder}.")
                    say(next_steps)
                await _replace_until(stop, to_replace, config, app, say)
        finally:
            await end(config, asterisk, app, hurry, say, others)
            say("Leaseline has stopped.")


async def _replace_until(stop: asyncio.Event, to_replace: asyncio.Event, config: Config, app: Child, say: Say) -> None:
    """Replaces the app whenever asked to, until Leaseline is to stop."""
    while not stop.is_set():
        await race(stop.wait(), to_replace.wait())
        if to_replace.is_set() and not stop.is_set():
            to_replace.clear()
            await replace(config, app, say)


def children(config: Config, *, with_voice: bool = False) -> list[Child]:
    """Asterisk first: it answers calls by itself if the app is late. The voice agent last, if there is one: without it,
    callers get the menu."""
    asterisk = [*install.program("asterisk"), *processes.asterisk_arguments(config)]
    program = [sys.executable, str(Path(__file__).parents[1] / "cli.py")]
    app, voice = ([*program, *arguments(config)] for arguments in (processes.app_arguments, processes.voice_arguments))
    children = [
        Child(
            processes.ASTERISK,
            asterisk,
            install.environment("asterisk"),
            config.log_folder / "asterisk.out",
            before=refresh.take_waiting,
        ),
        Child(processes.APP, app, {}, config.log_folder / "app.out"),
    ]
    if with_voice:
        children.append(Child(processes.VOICE, voice, {}, config.log_folder / "voice.out"))
    return children


def _has_voice_agent(config: Config) -> bool:
    """Whether it is to answer anywhere."""
    store = Store(config.database_url)
    try:
        return bool(store.read_blocking(voice_agent.answers, config))
    except CrmError:
        return config.ai.answers != "off"
    finally:
        store.close()


@contextlib.asynccontextmanager
async def _kept(config: Config, children: list[Child], say: Say) -> AsyncIterator[None]:
    """While the block runs, restarts what ends, and looks after logs and the disk's reserve."""

    async def keep(child: Child) -> None:
        restarts = 0
        while True:
            assert child.process is not None
            started = time.monotonic()
            status = await child.process.wait()
            if child.successor:
                child.process, child.successor = child.successor, None
                continue
            restarts = 1 if time.monotonic() - started > STEADY_SECONDS else restarts + 1
            say(f"{child.name} ended with status {status} and is restarted: {child.last_words}")
            await asyncio.sleep(pause_before(restarts))
            await _start(child, say, LONGEST_PAUSE)

    keepers = [asyncio.create_task(keep(child)) for child in children]
    troubles = Troubles(utc_now, functools.partial(workers.show, config))
    for name, look, seconds in (
        ("reserve on the disk", disk.look_after, disk.LOOK_SECONDS),
        ("logs of others", logs.look_after, logs.LOOK_SECONDS),
    ):
        keepers.append(asyncio.create_task(repeat(name, functools.partial(look, config), seconds, troubles)))
    try:
        yield
    finally:
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)


def pause_before(restart: int) -> float:
    """Seconds before the `restart`-th restart in a row. Callers wait meanwhile, so the first ones come at once; only
    what keeps failing is paused for longer and longer."""
    return 0.0 if restart <= AT_ONCE else min(0.5 * 2.0 ** min(restart - AT_ONCE - 1, 10), LONGEST_PAUSE)


async def _start(child: Child, say: Say, pause: float) -> None:
    while True:
        try:
            return await child.start()
        except OSError as error:
            say(f"{child.name} cannot be started ({error.strerror}) and is tried again.")
            await asyncio.sleep(pause)


def _say(console: Console, text: str) -> None:
    # The reader may be gone, or the disk that the output goes to full; in the first case, rich would end the program.
    with contextlib.suppress(OSError, SystemExit):
        console.print(text, soft_wrap=True, markup=False)


async def _until_ready(config: Config, children: list[Child], stop: asyncio.Event) -> bool:
    """Whether the app has connected to Asterisk. Raises StartError if Asterisk does not run."""
    deadline = time.monotonic() + READY_SECONDS
    since = datetime.now(UTC)
    while not stop.is_set():
        if is_connected(config, since):
            return True
        for child in children:
            if child.starts > 1 and child.name != processes.VOICE:
                if child.name == processes.ASTERISK:
                    raise StartError(f"{child.name} ended at once; {child.log} says why: {child.last_words}")
                # Without the app, Asterisk answers calls and sends 911; the app is started again.
                return False
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.05)
    return False


@contextlib.contextmanager
def _only_one(config: Config) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        path = processes.lock_of_keeper(config)
        try:
            try:
                config.run_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                lock = stack.enter_context(path.open("a+"))
            except OSError:
                # It can be locked even on a disk that cannot be written.
                lock = stack.enter_context(path.open("r"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with contextlib.suppress(OSError):
                lock.truncate(0)
                lock.write(f"{processes.me().pid} {processes.me().started}")
                lock.flush()
        except BlockingIOError:
            raise StartError(f"Leaseline is already running in {config.home}: `leaseline down` ends it.") from None
        except OSError:
            pass  # Nothing prevents a second supervisor, but calls come first.
        yield


def _allow_files() -> None:
    """Raises the limit of open files as far as allowed: a talk takes 10 in Asterisk, and shells start programs with
    1,024."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if most == resource.RLIM_INFINITY else min(FILES, most)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
