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


class Threads:
    """How many pieces of work threads have been given whose end the loop has not heard of yet."""

    def __init__(self) -> None:
        self.busy = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        submit = ThreadPoolExecutor.submit

        def submit_counted(pool: ThreadPoolExecutor, *args: Any, **kwargs: Any) -> Future[Any]:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                return submit(pool, *args, **kwargs)
            self.busy += 1
            work = submit(pool, *args, **kwargs)
            work.add_done_callback(lambda _: None if loop.is_closed() else loop.call_soon_threadsafe(self._heard))
            return work

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ThreadPoolExecutor, "submit", submit_counted)
            yield

    def _heard(self) -> None:
        self.busy -= 1


class _Selector(selectors.DefaultSelector):
    def __init__(self, threads: Threads) -> None:
        super().__init__()
        self._threads = threads
        self.passed = 0.0
        """Seconds that went by without anybody having to wait for them."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(0)
        if self._threads.busy:
            return super().select(timeout if timeout is None else min(timeout, 1.0))
        ready = super().select(LOOK_SECONDS)
        if not ready and timeout is not None and not self._threads.busy:
            self.passed += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self, threads: Threads) -> None:
        self._jumps = _Selector(threads)
        super().__init__(self._jumps)

    def time(self) -> float:
        return super().time() + self._jumps.passed

    def now(self) -> datetime:
        """By the calendar."""
        return datetime.now(UTC) + timedelta(seconds=self._jumps.passed)
