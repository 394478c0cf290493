"""Ending Leaseline: first the calls, then the app, then Asterisk. Also if a supervisor was killed and left them
running."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum

from ari_app.call.race import race
from ari_app.child import STOP_SECONDS, Adopted, Child
from ari_app.heartbeat import beat_of, is_connected
from ari_app.readiness import StartError, check_ports
from crm import config as settings
from crm import in_force
from crm.config import Config
from crm.domain.errors import Unavailable
from crm.edge import page_probe, processes
from crm.edge.handed_sockets import PAGES, holder
from crm.edge.page_probe import PageState
from crm.store import migrate, revision

LOOK_SECONDS = 0.2
"""The app is another process, and reports its state in a file."""
GRACE_SECONDS = 30.0
"""In addition to stopping.longest_seconds: for the announcement, and for recording what was cut off."""
REPLACED_SECONDS = 60.0

Say = Callable[[str], None]


class Request(Enum):
    """What a running `leaseline up` is asked to do, each by a signal."""

    RELOAD = signal.SIGUSR1
    RESTART = signal.SIGUSR2
    RESTART_NOW = signal.SIGRTMIN


async def end(
    config: Config, asterisk: Child, app: Child, hurry: asyncio.Event, say: Say, others: Sequence[Child] = ()
) -> None:
    """Ends all, the app first: it lets calls end, and tells those it cuts off. `hurry` ends them at once."""
    if app.is_alive and asterisk.is_alive and not hurry.is_set():
        assert app.process is not None
        app.process.send_signal(signal.SIGUSR1)
        await race(app.process.wait(), hurry.wait(), _patience(config, say))
    for child in (app, *others, asterisk):
        await child.stop()
    with contextlib.suppress(OSError):
        in_force.stopped_asterisk(config)


async def _patience(config: Config, say: Say) -> None:
    """Says how many calls are being waited for. Returns when the app should have ended and gives no sign of life; one
    that is alive after that time waits for an emergency call."""
    until = time.monotonic() + config.stopping.longest_seconds + GRACE_SECONDS
    told = -1
    while time.monotonic() < until or is_connected(config, datetime.now(UTC) - timedelta(seconds=10)):
        beat = beat_of(config)
        count = len(beat.get("calls", []))
        # If there are no calls, the app ends before it reports that.
        if beat.get("stopping") and count != told:
            told = count
            what = f"{count} {'calls go on' if count != 1 else 'call goes on'}" if count else "Asterisk still has calls"
            say(
                f"{what}; they have {config.stopping.longest_seconds:g} s to end. Ctrl-C again, or `leaseline down "
                "--now`, ends them at once."
            )
        await asyncio.sleep(LOOK_SECONDS)


async def down(config: Config, say: Say, *, at_once: bool) -> bool:
    """Ends the Leaseline of this home, whether or not a supervisor keeps it; returns False if nothing was running."""
    found = False
    if keeper := processes.keeper(config):
        found = True
        keeper.send_signal(signal.SIGQUIT if at_once else signal.SIGTERM)
        if not at_once:
            say("Leaseline stops once nobody is on the line.")
        await keeper.ended()
    # While one process replaces another there are two.
    while left := processes.running(config):
        found = True
        say(f"{' and '.join(left)} had been left running alone.")
        asterisk, app, *others = _adopted(config, left)
        hurry = asyncio.Event()
        if at_once:
            hurry.set()
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, hurry.set)
        await end(config, asterisk, app, hurry, say, others)
    return found


def _adopted(config: Config, left: dict[str, processes.Process]) -> list[Child]:
    found = []
    for name in (processes.ASTERISK, processes.APP, processes.WEB, processes.VOICE):
        child = Child(name, [], {}, config.log_folder / "down.out")
        if name in left:
            child.adopt(left[name])
        found.append(child)
    return found


async def replace(config: Config, app: Child, say: Say) -> None:
    """Replaces the running app with a new one without losing a call: the new one takes over its calls, then the old one
    ends. If the new one does not start, the old one stays."""
    since = datetime.now(UTC)
    if await _succeeds(app, lambda pid: is_connected(config, since, pid)):
        say("The app was replaced.")
    else:
        say(f"The new app did not start, so the old one stays: {app.last_words}")


async def replace_pages(config: Config, web: Child, say: Say) -> None:
    """The same for the web pages, without refusing a visitor: the old process serves until the new one does. One that
    hangs, or cannot hand on what it listens on, is ended first."""
    before = web.process
    hands_on = before is not None and holder(config, PAGES) == before.pid
    if not hands_on or await page_probe.probe(config) is PageState.HANGS:
        await web.restart()
    # On a full disk the new one cannot show that it would hand on, and the old one has ended nevertheless.
    elif not await _succeeds(web, lambda pid: holder(config, PAGES) == pid or web.process is not before):
        say(f"The new web pages did not start, so the old ones stay: {web.last_words}")


async def _succeeds(child: Child, has_taken_over: Callable[[int], bool]) -> bool:
    """Replaces a process with another one, which is ended if it does not start. Returns whether it took over."""
    before = child.process
    process = await child.start_successor("--take-over")
    until = time.monotonic() + REPLACED_SECONDS
    while process.returncode is None and time.monotonic() < until:
        if has_taken_over(process.pid):
            await _let_go(before)
            return True
        await asyncio.sleep(LOOK_SECONDS)
    child.successor = None
    if process.returncode is None:
        process.kill()
        await process.wait()
    return False


async def _let_go(process: asyncio.subprocess.Process | Adopted | None) -> None:
    if process is None:
        return
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()


async def reload(config: Config) -> None:
    """Makes the supervisor take over leaseline.toml and replace the app, and waits until it has. Raises StartError, and
    Unavailable if the new app would have tables that are not its own."""
    await _check_tables(config)
    await _ask(config, Request.RELOAD)


async def restart(config: Config, *, now: bool = False) -> bool:
    """The same, and starts Asterisk anew if nobody is on the line, or `now`. Returns whether it did; raises ConfigError
    as well."""
    await _check_tables(config)
    check_ports(settings.load(config.home), ours=config)
    before = processes.running(config).get(processes.ASTERISK)
    if processes.takes_requests(config):
        await _ask(config, Request.RESTART_NOW if now else Request.RESTART)
    else:
        await _ask(config, Request.RELOAD)
    return processes.running(config).get(processes.ASTERISK) != before


async def _check_tables(config: Config) -> None:
    """The app that runs may be of the version that the tables are of; a new one is of this version."""
    try:
        found = await asyncio.to_thread(migrate.current, config.database_url)
    except Unavailable:
        return  # What the new app answers calls without, and so does the old one.
    if problem := revision.problem(found):
        raise problem


async def _ask(config: Config, request: Request) -> None:
    keeper = processes.keeper(config)
    if keeper is None:
        left = processes.running(config)
        fix = "`leaseline up` takes it over" if left else "start it with `leaseline up`"
        raise StartError(f"No `leaseline up` is keeping this home running: {fix}.")
    before, since = beat_of(config).get("pid"), datetime.now(UTC)
    keeper.send_signal(request.value)
    until = time.monotonic() + REPLACED_SECONDS
    while time.monotonic() < until and keeper.is_alive:
        beat = beat_of(config)
        if beat.get("pid") != before and is_connected(config, since):
            return
        await asyncio.sleep(LOOK_SECONDS)
    raise StartError(f"The new app did not start, and the old one stays: see {config.log_folder}.")
