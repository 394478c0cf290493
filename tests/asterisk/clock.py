"""Time that passes only when nobody has anything to do.

As long as the loop has something to run, a socket something to read or a thread is at work, the clock goes like any
other. When everybody waits for some later time, it is that time at once. So a prompt lasts two seconds and a phone
rings for twenty to whoever looks at the clock, and the test takes milliseconds.
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
"""By the clock on the wall: so long nothing may come before time jumps. What one end of a connection has written may
reach the other a little later."""


class _Selector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0
        """Seconds that went by without anybody having to wait for them."""
        self.threads = 0
        """How many pieces of work threads have been given whose end the loop has not heard of yet."""
        self.waiting: list[asyncio.Future[None]] = []
        """Of those who wait until nobody has anything to do."""

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
        """By the calendar."""
        return datetime.now(UTC) + timedelta(seconds=self._jumps.passed)

    async def idle(self) -> None:
        """Waits until nobody has anything to do before some later time."""
        one = self.create_future()
        self._jumps.waiting.append(one)
        await one

    def watch(self, work: Future[Any]) -> None:
        """No time is skipped before the loop has heard of the end of what a thread does."""
        self._jumps.threads += 1
        work.add_done_callback(lambda _: None if self.is_closed() else self.call_soon_threadsafe(self._is_done))

    def _is_done(self) -> None:
        self._jumps.threads -= 1


@contextmanager
def threads_watched() -> Iterator[None]:
    """Whatever a jumping loop gives to threads it waits for."""
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
