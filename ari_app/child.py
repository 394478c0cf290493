"""A process that `leaseline up` keeps running, whether it started it or found it running."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crm.edge.processes import Process

STOP_SECONDS = 8.0
UNKNOWN = -1
"""Exit status of a process that was not our child."""


class Adopted:
    """A process started by somebody else, with the interface of asyncio's."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.pid = process.pid

    @property
    def returncode(self) -> int | None:
        return None if self._process.is_alive else UNKNOWN

    async def wait(self) -> int:
        await self._process.ended()
        return UNKNOWN

    def send_signal(self, number: int) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@dataclass
class Child:
    """A process that is kept running."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    process: asyncio.subprocess.Process | Adopted | None = None
    successor: asyncio.subprocess.Process | None = None
    """A second process that is about to replace it."""
    starts: int = 0
    to_restart: bool = False
    """Whether it was ended in order to be started again."""
    before: Callable[[], object] | None = None
    """Called before each start, in a thread."""

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def start(self) -> None:
        if self.before:
            await asyncio.to_thread(self.before)
        self.process = await self._spawn()
        self.starts += 1

    def adopt(self, process: Process) -> None:
        self.process = Adopted(process)

    async def start_successor(self, *arguments: str) -> asyncio.subprocess.Process:
        """Starts a second process beside it, with further arguments."""
        self.successor = await self._spawn(*arguments)
        return self.successor

    async def _spawn(self, *arguments: str) -> asyncio.subprocess.Process:
        try:
            log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError:
            # Calls matter more than their logs.
            log = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        try:
            return await asyncio.create_subprocess_exec(
                *self.command,
                *arguments,
                env={**os.environ, **self.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C reaches the whole foreground process group, but we end the children in order.
                start_new_session=True,
                # Other programs would let everybody read what they write.
                umask=0o077,
            )
        finally:
            os.close(log)

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

    async def restart(self) -> None:
        """Ends it; whoever keeps it running starts it again."""
        if self.is_alive:
            self.to_restart = True
            await self.stop()

    @property
    def last_words(self) -> str:
        """The last line that it wrote."""
        try:
            lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        except OSError:
            lines = []
        return lines[-1].strip()[:300] if lines else "(none)"
