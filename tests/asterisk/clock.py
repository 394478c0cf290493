"""Time that only passes while nobody has anything to do.

As long as the loop has something to run, a socket has data, or a thread is at work, the clock runs like any other. If
everybody waits for some later time, the clock jumps to it. So anybody who reads the clock sees a prompt last two
seconds and a phone ring for twenty, and the test takes milliseconds.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

LOOK_SECONDS = 0.001
"""Wall-clock time without any event after which time jumps. What one end of a connection has written may reach the
other a little later."""


class _Selector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0
        """Seconds that were skipped."""
        self.threads = 0
        """Number of work items given to threads whose end the loop has not yet seen."""
        self.waiting: list[asyncio.Future[None]] = []
        """Futures of those who wait until nobody has anything to do."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.threads or (timeout is not None and timeout <= 0):
            return super().select(timeout)
        ready = super().select(LOOK_SECONDS if timeout or self.waiting else None)
        if ready:
            return ready
        if self.waiting:
            for one in self.waiting:
                if not one.done():
                    one.set_result(None)
            self.waiting.clear()
        elif timeout is not None:
            self.passed += timeout
        return []


class JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumps = _Selector()
        super().__init__(self._jumps)

    def time(self) -> float:
        return super().time() + self._jumps.passed

    def now(self) -> datetime:
        """The current date and time."""
        return datetime.now(UTC) + timedelta(seconds=self._jumps.passed)

    async def idle(self) -> None:
        """Waits until nobody has anything to do before some later time."""
        one = self.create_future()
        self._jumps.waiting.append(one)
        await one

    def watch(self, work: Future[Any]) -> None:
        """Makes the clock wait until the loop has seen the end of a thread's work."""
        self._jumps.threads += 1
        work.add_done_callback(lambda _: None if self.is_closed() else self.call_soon_threadsafe(self._is_done))

    def _is_done(self) -> None:
        self._jumps.threads -= 1


@contextmanager
def threads_watched() -> Iterator[None]:
    """Makes jumping loops wait for everything that is given to threads."""
    submit = ThreadPoolExecutor.submit

    def submit_watched(pool: ThreadPoolExecutor, *args: Any, **kwargs: Any) -> Future[Any]:
        work = submit(pool, *args, **kwargs)
        loop = asyncio._get_running_loop()
        if isinstance(loop, JumpingLoop):
            loop.watch(work)
        return work

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ThreadPoolExecutor, "submit", submit_watched)
        yield
