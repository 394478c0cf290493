"""A process of ours that `leaseline up` keeps running."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 8.0


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
        try:
            log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError:
            # Calls come before what is told of them.
            log = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        try:
            self.process = await asyncio.create_subprocess_exec(
                *self.command, env={**os.environ, **self.environment}, stdin=asyncio.subprocess.DEVNULL,
                stdout=log, stderr=log,
                # Ctrl-C reaches the whole foreground group; the children are to be ended in order, by us.
                start_new_session=True,
            )  # fmt: skip
        finally:
            os.close(log)
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

    @property
    def last_words(self) -> str:
        """The last line it wrote."""
        try:
            lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        except OSError:
            lines = []
        return lines[-1].strip()[:300] if lines else "(none)"
