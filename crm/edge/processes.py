"""Our processes on this machine, identified by their command line (which names the home), their owner and their start.

A name or a process id alone proves nothing: ids are reused, and the Asterisk of another home has the same name.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crm.config import Config

ASTERISK = "Asterisk"
APP = "the app"
WEB = "the web pages"
VOICE = "the voice agent"

TAKES_REQUESTS = "reload restart"
"""What a `leaseline up` writes below its id into the file that it locks."""


@dataclass(frozen=True)
class Process:
    """One process; a later process with the same id is a different one."""

    pid: int
    started: str
    """Clock ticks since boot (proc_pid_stat(5), starttime)."""

    @property
    def is_alive(self) -> bool:
        return start_of(self.pid) == self.started

    def send_signal(self, number: int) -> bool:
        """Returns False if the process is gone."""
        try:
            file = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            # Opened before the check: from here on the id cannot be reused.
            if not self.is_alive:
                return False
            signal.pidfd_send_signal(file, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(file)
        return True

    async def ended(self) -> None:
        """Returns once the process is gone; it need not be our child."""
        try:
            file = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        loop = asyncio.get_running_loop()
        over = asyncio.Event()
        try:
            if self.is_alive:
                loop.add_reader(file, over.set)
                await over.wait()
        finally:
            loop.remove_reader(file)
            os.close(file)


def start_of(pid: int) -> str | None:
    """Returns None for a process that is gone, or is a zombie."""
    try:
        # The program's name is in brackets and may contain anything.
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def me() -> Process:
    return Process(os.getpid(), start_of(os.getpid()) or "")


def asterisk_arguments(config: Config) -> list[str]:
    """Arguments that follow the program in the command line of the home's Asterisk."""
    return ["-C", str(config.asterisk_folder / "etc" / "asterisk.conf"), "-f", "-n"]


def app_arguments(config: Config) -> list[str]:
    """Arguments that follow cli.py in the command line of the home's app."""
    return ["--home", str(config.home), "serve"]


def calls_arguments(config: Config) -> list[str]:
    """Arguments that follow cli.py in the command line of the home's app, where the web pages have a process of their
    own."""
    return [*app_arguments(config), "--only", "app"]


def web_arguments(config: Config) -> list[str]:
    """Arguments that follow cli.py in the command line of the process with the home's web pages."""
    return [*app_arguments(config), "--only", "web"]


def voice_arguments(config: Config) -> list[str]:
    """Arguments that follow cli.py in the command line of the home's voice agent."""
    return [*app_arguments(config), "--only", "voice"]


def running(config: Config) -> dict[str, Process]:
    """Finds the processes of the home that `leaseline up` started, whoever watches them now, by ASTERISK, APP, WEB
    and VOICE."""
    found: dict[str, list[tuple[Process, str]]] = {ASTERISK: [], APP: [], WEB: [], VOICE: []}
    for pid, command, parent in _of_its_user(config):
        if (name := _name_of(command, config)) and (started := start_of(pid)):
            found[name].append((Process(pid, started), parent))
    chosen = {}
    for name, several in found.items():
        pids = {str(process.pid) for process, _ in several}
        # Children of the app may have the same command line.
        if own := [process for process, parent in several if parent not in pids]:
            # While an app replaces another there are two, and the later one may have the lower id.
            chosen[name] = max(own, key=lambda process: int(process.started))
    return chosen


def _name_of(command: list[str], config: Config) -> str:
    """Which of the home's processes has this command line; "" for all others."""
    asterisk = asterisk_arguments(config)
    if command[-len(asterisk) :] == asterisk:
        return ASTERISK
    if "cli.py" in (Path(part).name for part in command) and _contains(command, app_arguments(config)):
        apart = ((VOICE, voice_arguments(config)), (WEB, web_arguments(config)))
        return next((name for name, arguments in apart if _contains(command, arguments)), APP)
    return ""


def _of_its_user(config: Config) -> Iterator[tuple[int, list[str], str]]:
    """Yields the id, command line and parent's id of every process of the home's owner, whose they are also when root
    asks, and of whoever asks."""
    owners = {os.geteuid()}
    with contextlib.suppress(OSError):
        owners.add(config.home.stat().st_uid)
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if folder.stat().st_uid in owners:
                command = (folder / "cmdline").read_bytes().decode("utf-8", "surrogateescape").split("\0")[:-1]
                stat = (folder / "stat").read_text("ascii", "replace").rpartition(")")[2].split()
                yield int(folder.name), command, stat[1]


def _contains(command: list[str], part: list[str]) -> bool:
    return any(command[at : at + len(part)] == part for at in range(len(command) - len(part) + 1))


def holder_of_port(number: int, kind: socket.SocketKind) -> str:
    """Which of this user's processes listens on a port, such as "asterisk (process 812)"; "" when none does, or the
    system does not say (proc_pid_net(5))."""
    table, listening = ("udp", "07") if kind is socket.SOCK_DGRAM else ("tcp", "0A")
    with contextlib.suppress(OSError, ValueError, IndexError):
        rows = [row.split() for row in Path(f"/proc/net/{table}").read_text("ascii").splitlines()[1:]]
        inodes = {row[9] for row in rows if row[3] == listening and int(row[1].rpartition(":")[2], 16) == number}
        sockets = {f"socket:[{inode}]" for inode in inodes}
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if any(os.readlink(one) in sockets for one in (process / "fd").iterdir()):
                    name = (process / "comm").read_text("utf-8", "replace").strip()
                    return f"{ascii(name)[1:-1]} (process {process.name})"
    return ""


# --- the `leaseline up` that watches them ---


def lock_of_keeper(config: Config) -> Path:
    """Locked by `leaseline up` while it runs; contains its process id and start."""
    return config.run_folder / "up.lock"


def keeper(config: Config) -> Process | None:
    """Returns the `leaseline up` of this home, or None if there is none."""
    try:
        with lock_of_keeper(config).open("r") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                pid, _, started = lock.readline(100).partition(" ")
            else:
                return None
    except OSError:
        return None
    found = Process(int(pid) if pid.isascii() and pid.isdigit() else 0, started.strip())
    return found if found.is_alive else _holder(lock_of_keeper(config))


def takes_requests(config: Config) -> bool:
    """Whether the running `leaseline up` reloads and restarts when it is asked to; one of an earlier version would
    end."""
    try:
        return TAKES_REQUESTS in lock_of_keeper(config).read_text("ascii", "replace").splitlines()
    except OSError:
        return False


def _holder(path: Path) -> Process | None:
    """Finds the process that has locked a file, in case it could not write its id into it (proc_locks(5))."""
    try:
        inode = path.stat().st_ino
        locks = [line.split() for line in Path("/proc/locks").read_text("ascii", "replace").splitlines()]
    except OSError:
        return None
    for parts in locks:
        if parts[1] == "FLOCK" and parts[5].rpartition(":")[2] == str(inode) and (started := start_of(int(parts[4]))):
            return Process(int(parts[4]), started)
    return None


def ask_to_yield(config: Config) -> None:
    """Tells the home's other app, if there is one, that this one is about to replace it."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        state = json.loads((config.run_folder / "app.json").read_text())
        app = Process(int(state["pid"]), str(state["started"]))
        if app.pid != os.getpid():
            app.send_signal(signal.SIGUSR2)
