"""The listening sockets of a process, which it hands on to the one that replaces it: those of the web pages, and
those of the app for what carriers and portals post.

Both accept from the same queue of the system's until the former one ends, so nobody is ever refused. Nothing is handed
on but on this machine, to the home's owner (unix(7), SCM_RIGHTS).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from crm.config import Config
from crm.edge.processes import Process, start_of

PAGES, APP = "pages", "app"

RECEIVE_SECONDS = 5.0
BEGIN_SECONDS = 10.0
"""How long the listeners have, all together, to begin with what they were handed."""
MOST_SOCKETS = 64
_LONGEST = 16 * 1024
_log = logging.getLogger(__name__)


class _Listening(Protocol):
    def fileno(self) -> int: ...


class HandedSockets:
    """What this process was handed, and what it hands on, under the name that both have for what they run.

    With `replaces` it takes the place of the one that serves now, if there is one, and ends it if it `ends_former`; one
    that has calls ends when they have been taken over. Raises OSError if that does not hand its sockets on, as when it
    hangs.
    """

    def __init__(self, config: Config, name: str, *, replaces: bool = False, ends_former: bool = True) -> None:
        self._path = _path(config, name)
        self._ends_former = ends_former
        self._received: dict[tuple[str, str, int], list[socket.socket]] = {}
        self._awaited: set[str] = set()
        self._has_begun = asyncio.Event()
        self._served: dict[tuple[str, str, int], Callable[[], Sequence[_Listening]]] = {}
        self._is_alone = asyncio.Event()
        self.has_handed_on = False
        """Whether another process serves, or is about to, what this one does."""
        self._predecessor = self._receive() if replaces else None
        if self._predecessor is None or not ends_former:
            self._is_alone.set()
        self._look_whether_begun()

    def _receive(self) -> Process | None:
        with _asking(self._path) as asked:
            if asked is None:
                return None
            pid = _holder(asked)
            predecessor = Process(pid, start_of(pid) or "")
            asked.settimeout(RECEIVE_SECONDS)
            said, files, _, _ = socket.recv_fds(asked, _LONGEST, MOST_SOCKETS, socket.MSG_CMSG_CLOEXEC)
        if not said:
            return None  # It has just ended.
        handed = [socket.socket(fileno=file) for file in files]
        for listener, host, port, count in json.loads(said):
            self._received[listener, host, port], handed = handed[:count], handed[count:]
            self._awaited.add(listener)
        return predecessor

    def has(self, listener: str, host: str, port: int) -> bool:
        return (listener, host, port) in self._received

    def take(self, listener: str, host: str, port: int) -> list[socket.socket]:
        """Returns the sockets that were handed to this process for a listener; empty if it is to open its own. They
        are the caller's from then on."""
        return self._received.pop((listener, host, port), [])

    def serves(self, listener: str, host: str, port: int, sockets: Callable[[], Sequence[_Listening]]) -> None:
        """Notes that a listener serves, and on which sockets while it does."""
        self._served[listener, host, port] = sockets

    def begun(self, listener: str) -> None:
        """Notes that a listener serves, or that it has turned out that it cannot."""
        self._awaited.discard(listener)
        self._look_whether_begun()

    def _look_whether_begun(self) -> None:
        if not self._awaited:
            self._has_begun.set()

    async def alone(self) -> None:
        """Returns once the process that this one ends has ended; at once if there is none."""
        await self._is_alone.wait()

    async def run(self) -> None:
        """Takes the place of the former process as soon as what it handed on is served, and ends it if it is to; then
        hands on to the next one until it is cancelled."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEGIN_SECONDS):
                await self._has_begun.wait()
        # Whoever waited on a socket that nobody accepts from would wait for ever.
        for sockets in self._received.values():
            for one in sockets:
                one.close()
        self._received.clear()
        with contextlib.ExitStack() as stack:
            try:
                hands_on = stack.enter_context(_open(self._path))
            except OSError as error:
                _log.warning("the next process cannot take this one's place", extra={"reason": str(error)})
            else:
                loop = asyncio.get_running_loop()
                loop.add_reader(hands_on, self._hand_on, hands_on)
                stack.callback(loop.remove_reader, hands_on)
            if self._predecessor and not self._is_alone.is_set():
                self._predecessor.send_signal(signal.SIGTERM)
                await self._predecessor.ended()
                self._is_alone.set()
            await asyncio.Event().wait()

    def _hand_on(self, hands_on: socket.socket) -> None:
        with contextlib.suppress(OSError):
            asked, _ = hands_on.accept()
            with asked:
                named = {key: [one.fileno() for one in sockets()] for key, sockets in self._served.items()}
                said = json.dumps([[*key, len(files)] for key, files in named.items()]).encode()
                socket.send_fds(asked, [said], [file for files in named.values() for file in files])
                self.has_handed_on = True


def holder(config: Config, name: str) -> int | None:
    """Returns the id of the process that would hand its sockets on; None if there is none."""
    with _asking(_path(config, name)) as asked:
        return _holder(asked) if asked else None


def _path(config: Config, name: str) -> Path:
    return config.run_folder / f"{name}.sock"


def _holder(asked: socket.socket) -> int:
    pid, _, _ = struct.unpack("3i", asked.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return int(pid)


@contextlib.contextmanager
def _asking(path: Path) -> Iterator[socket.socket | None]:
    """Connects to whoever hands on; yields None if nobody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asked:
        asked.setblocking(False)
        try:
            with _short(path) as address:
                asked.connect(address)
        except OSError:
            yield None
        else:
            yield asked


@contextlib.contextmanager
def _open(path: Path) -> Iterator[socket.socket]:
    """Listens in place of whoever listened there before."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as hands_on:
        hands_on.setblocking(False)
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with _short(fresh) as address:
            hands_on.bind(address)
        hands_on.listen()
        fresh.replace(path)
        yield hands_on


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """An address for a path that may be too long for one: 107 bytes are allowed (unix(7))."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
