"""Starts of the app in a test system: the same app, but its modules were loaded before (`tests/loaded.py`). What
`leaseline up` starts in a drill starts as it does anywhere."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, cast

from ari_app.child import Child
from crm.edge.processes import Process, start_of

ROOT = Path(__file__).parents[2]
ROOM = 1000
"""For a command line, in bytes."""


class Loaded:
    """The process that has loaded the app's modules."""

    def __init__(self) -> None:
        self._connection, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            program = [sys.executable, "-m", "tests.loaded", str(number), "." * ROOM]
            self._process = subprocess.Popen(program, stdin=subprocess.DEVNULL, pass_fds=[number], cwd=ROOT)
        self._answers = self._connection.makefile("rb")
        self._one_at_a_time = threading.Lock()

    def ask(self, **request: Any) -> int:
        with self._one_at_a_time:
            self._connection.sendall(json.dumps(request).encode() + b"\n")
            return int(self._answers.readline())

    def close(self) -> None:
        """It ends when nobody can ask any more."""
        self._answers.close()
        self._connection.close()
        self._process.wait()


_loaded: Loaded | None = None


def loaded() -> Loaded:
    """One for all systems of this process."""
    global _loaded
    if _loaded is None:
        _loaded = Loaded()
        atexit.register(_loaded.close)
    return _loaded


class Forked:
    """A running app, with the interface of asyncio's processes."""

    def __init__(self, by: Loaded, pid: int) -> None:
        self.pid = pid
        self._by = by
        self._process = Process(pid, start_of(pid) or "")
        self._status: int | None = None

    @property
    def returncode(self) -> int | None:
        if self._status is None and not self._process.is_alive:
            self._status = self._by.ask(ended=self.pid)
        return self._status

    async def wait(self) -> int:
        await self._process.ended()
        status = self.returncode
        assert status is not None
        return status

    def send_signal(self, number: int) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class QuickChild(Child):
    """The app as a child that starts at once."""

    async def _spawn(self, *arguments: str) -> asyncio.subprocess.Process:
        by = await asyncio.to_thread(loaded)
        request = {
            "command": [*self.command, *arguments],
            "environment": {**os.environ, **self.environment},
            "log": str(self.log),
        }
        pid = await asyncio.to_thread(lambda: by.ask(**request))
        return cast(asyncio.subprocess.Process, Forked(by, pid))
