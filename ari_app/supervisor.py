"""`leaseline up`: prepares a home, starts Asterisk and the app, keeps both running, and ends what it started."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import functools
import logging
import resource
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from ari_app.call.race import race
from ari_app.child import Child
from ari_app.edge import ami
from ari_app.edge.errors import AsteriskUnreachable
from ari_app.ending import LOOK_SECONDS, Request, Say, end, replace, replace_pages
from ari_app.heartbeat import beat_of, is_connected
from ari_app.readiness import StartError, check_ports, prepare
from asterisk_conf import programs, refresh
from crm import config as settings
from crm import in_force
from crm.config import Config, ConfigError
from crm.context import utc_now
from crm.domain.errors import CrmError
from crm.edge import page_probe, processes
from crm.edge.page_probe import PageState
from crm.secrets import SecretError, Secrets
from crm.services.system import disk, logs, workers
from crm.services.system.checks import voice_agent
from crm.store.session import Store
from crm.worker import Troubles, repeat

_log = logging.getLogger(__name__)

READY_SECONDS = 60.0
"""Asterisk and the app are up within a second or two; a machine that takes longer than this has another problem."""
AT_ONCE = 3
"""This many restarts come without a pause."""
LONGEST_PAUSE = 10.0
STEADY_SECONDS = 60.0
"""A process that has run for this long counts as recovered."""
PAGES_SECONDS = 10.0
"""How often the web pages are asked for a sign of life."""
HUNG_AFTER = 3
"""So many times in a row without one, and their process is restarted: one slow moment is no reason."""
ENDING_SECONDS = 3.0
"""A call that ends within this time does not keep Asterisk from being restarted."""
FILES = 65536
"""Enough open files for as many calls as one machine can carry."""


async def up(config: Config, *, next_steps: Callable[[], Awaitable[str]]) -> None:
    """Prepares, starts, and supervises until SIGINT or SIGTERM. Raises StartError if that cannot begin.

    `config` is leaseline.toml as written. `next_steps` says what to do, once everything is up.
    """
    console = Console(highlight=False)
    say = functools.partial(_say, console)
    stop, hurry = asyncio.Event(), asyncio.Event()
    requests: asyncio.Queue[Request] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # The first signal lets calls end, the second ends them.
        loop.add_signal_handler(number, lambda: (hurry if stop.is_set() else stop).set())

    def end_now() -> None:
        hurry.set()
        stop.set()

    loop.add_signal_handler(signal.SIGQUIT, end_now)
    for request in Request:
        loop.add_signal_handler(request.value, requests.put_nowait, request)
    _allow_files()
    with _only_one(config):
        left = processes.running(config)
        if left:
            say(f"{' and '.join(left)} had been left running alone: taken over.")
        if processes.ASTERISK in left:
            config = in_force.load(config.home)
        else:
            in_force.stopped_asterisk(config)
        await prepare(config, console, left)
        system = Supervised(config, say)
        try:
            await system.start(left)
            ready = await _until_ready(config, system.kept, stop)
            if not stop.is_set():
                say(f"Leaseline is up. Home: {config.home}")
                if not ready:
                    say(f"The app is not ready; Asterisk answers calls alone. See {config.log_folder}.")
                say(await next_steps())
            while not stop.is_set():
                asked: Request | bool = await race(stop.wait(), requests.get())
                if isinstance(asked, Request):
                    await system.do(asked)
        finally:
            await system.end(hurry)
            say("Leaseline has stopped.")


class Supervised:
    """The processes of one home, which are restarted when they end."""

    def __init__(self, config: Config, say: Say) -> None:
        self._config = config
        self._say = say
        self._asterisk, self._app, self._web, self._voice = children(config)
        self._keepers: dict[str, asyncio.Task[None]] = {}

    @property
    def kept(self) -> list[Child]:
        return [child for child in (self._asterisk, self._app, self._web, self._voice) if child.name in self._keepers]

    async def start(self, left: Mapping[str, processes.Process]) -> None:
        """Starts what is not among those that were left running, and looks after logs and the disk's reserve."""
        if processes.ASTERISK not in left:
            _keep_settings(in_force.started_asterisk, self._config)
        with_voice = _has_voice_agent(self._config)
        for child in (self._asterisk, self._app, self._web, *([self._voice] if with_voice else [])):
            if child.name in left:
                child.adopt(left[child.name])
            else:
                await child.start()
            self._keepers[child.name] = asyncio.create_task(_keep(child, self._say))
        self._keepers["hung pages"] = asyncio.create_task(self._watch_pages())
        troubles = Troubles(utc_now, functools.partial(workers.show, self._config))
        for name, look, seconds in (
            ("reserve on the disk", disk.look_after, disk.LOOK_SECONDS),
            ("logs of others", logs.look_after, logs.LOOK_SECONDS),
        ):
            work = repeat(name, functools.partial(look, self._config), seconds, troubles)
            self._keepers[name] = asyncio.create_task(work)

    async def end(self, hurry: asyncio.Event) -> None:
        await self._let_go(*self._keepers)
        await end(self._config, self._asterisk, self._app, hurry, self._say, [self._web, self._voice])

    async def _watch_pages(self) -> None:
        """Kills a process of the web pages that hangs; it is started again like any that ends. The app is left alone:
        it has calls, which Asterisk takes care of once they are without it."""
        silent, known = 0, None
        while True:
            await asyncio.sleep(PAGES_SECONDS)
            hangs = await page_probe.probe(self._config) is PageState.HANGS
            before, known = known, self._web.process
            silent = silent + 1 if hangs and known is before else 0
            if silent == HUNG_AFTER and known and self._web.is_alive:
                self._say(f"{self._web.name} have not answered for {HUNG_AFTER * PAGES_SECONDS:g} s and are ended.")
                known.kill()

    async def do(self, request: Request) -> None:
        try:
            if request is Request.RELOAD:
                await self._reload()
            else:
                await self._restart(now=request is Request.RESTART_NOW)
        except Exception as error:  # noqa: BLE001 - a door: a request that fails must not end the calls
            _log.exception("request failed")
            self._say(f"{error or type(error).__name__} What was running keeps running.")

    async def _reload(self) -> None:
        """Takes over what has changed in leaseline.toml, and replaces the app."""
        try:
            config = in_force.load(self._config.home)
        except ConfigError as error:
            self._say(f"{error} Everything stays as it was.")
            return
        await self._take_over(config)

    async def _restart(self, *, now: bool) -> None:
        """The same, and starts Asterisk anew: if nobody is on the line, or `now`."""
        try:
            config = settings.load(self._config.home)
            check_ports(config, ours=self._config)
        except (ConfigError, StartError) as error:
            self._say(f"{error} Everything stays as it was.")
            return
        if not now and await _is_busy(self._config):
            self._say("Calls are going on, so Asterisk keeps running.")
            await self._reload()
            return
        _keep_settings(in_force.started_asterisk, config)
        await _publish(config, self._say)
        await self._asterisk.restart()
        self._say("Asterisk was restarted.")
        await self._take_over(config)

    async def _take_over(self, config: Config) -> None:
        before, self._config = self._config, config
        await _publish(config, self._say)
        await self._change_voice(before)
        await replace(config, self._app, self._say)
        # Pages connect anew by themselves; talks in browsers do not notice.
        await replace_pages(config, self._web, self._say)

    async def _change_voice(self, before: Config) -> None:
        """Starts the voice agent, ends it, or restarts it where its settings have changed; its callers get the menu."""
        wanted, is_kept = _has_voice_agent(self._config), self._voice.name in self._keepers
        if wanted and not is_kept:
            await self._voice.start()
            self._keepers[self._voice.name] = asyncio.create_task(_keep(self._voice, self._say))
        elif is_kept and not wanted:
            await self._let_go(self._voice.name)
            await self._voice.stop()
        elif wanted and _for_voice(before) != _for_voice(self._config):
            await self._voice.restart()

    async def _let_go(self, *names: str) -> None:
        keepers = [self._keepers.pop(name) for name in names]
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)


def _for_voice(config: Config) -> tuple[object, ...]:
    return config.ai, config.voice, config.ports.voice


async def _is_busy(config: Config) -> bool:
    """Whether anybody is on the line, whoever has the call, and stays there for some seconds."""
    until = time.monotonic() + ENDING_SECONDS
    while await _has_calls(config):
        if time.monotonic() > until:
            return True
        await asyncio.sleep(LOOK_SECONDS)
    return False


async def _has_calls(config: Config) -> bool:
    try:
        return await ami.channels(config.ports.ami, Secrets(config.secrets_file).ensure("ami")) > 0
    except (AsteriskUnreachable, SecretError):
        return bool(beat_of(config).get("calls"))


async def _publish(config: Config, say: Say) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ari_app.republish", str(config.home)),
        cwd=Path(__file__).parents[1],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    if process.returncode:
        why = said.decode(errors="replace").strip().rpartition("\n")[2] or f"It ended with status {process.returncode}."
        say(f"{why} Asterisk keeps its last configuration.")


def _keep_settings(act: Callable[[Config], None], config: Config) -> None:
    # Without the record, a change of leaseline.toml does not wait for the next start.
    with contextlib.suppress(OSError):
        act(config)


def children(config: Config) -> tuple[Child, Child, Child, Child]:
    """Asterisk, which answers calls by itself if the app is late; the app; the web pages, which no call waits for; and
    the voice agent, without which callers get the menu."""
    asterisk = [*programs.program("asterisk"), *processes.asterisk_arguments(config)]
    program = [sys.executable, str(Path(__file__).parents[1] / "cli.py")]
    kinds = (processes.calls_arguments, processes.web_arguments, processes.voice_arguments)
    app, web, voice = ([*program, *arguments(config)] for arguments in kinds)
    environment, log = programs.environment("asterisk"), config.log_folder
    return (
        Child(processes.ASTERISK, asterisk, environment, log / "asterisk.out", before=refresh.take_waiting),
        Child(processes.APP, app, {}, log / "app.out"),
        Child(processes.WEB, web, {}, log / "web.out"),
        Child(processes.VOICE, voice, {}, log / "voice.out"),
    )


def _has_voice_agent(config: Config) -> bool:
    """Whether it is to answer anywhere."""
    store = Store(config.database_url)
    try:
        return bool(store.read_blocking(voice_agent.answers, config))
    except CrmError:
        return config.ai.answers != "off"
    finally:
        store.close()


async def _keep(child: Child, say: Say) -> None:
    """Restarts it whenever it ends."""
    restarts = 0
    while True:
        assert child.process is not None
        started = time.monotonic()
        status = await child.process.wait()
        if child.successor:
            child.process, child.successor = child.successor, None
            continue
        if child.to_restart:
            child.to_restart = False
            restarts = 0
        else:
            restarts = 1 if time.monotonic() - started > STEADY_SECONDS else restarts + 1
            say(f"{child.name} ended with status {status} and is restarted: {child.last_words}")
            await asyncio.sleep(pause_before(restarts))
        await _start(child, say, LONGEST_PAUSE)


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
            if child.starts > 1 and child.name in (processes.ASTERISK, processes.APP):
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
                lock.write(f"{processes.me().pid} {processes.me().started}\n{processes.TAKES_REQUESTS}\n")
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
