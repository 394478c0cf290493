"""Time that only passes while nobody has anything to do.

As long as the loop has something to run, a socket has data, or a thread is at work, the clock runs, but slowly: what a
busy machine needs for its work is no time that a caller has waited. If everybody waits for some later time, the clock
jumps to it. So anybody who reads the clock sees a prompt last two seconds and a phone ring for twenty, and the test
takes milliseconds.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest

LOOK_SECONDS = 0.001
"""Wall-clock time without any event after which time jumps. What one end of a connection has written may reach the
other a little later."""


RATE = 0.05
"""Seconds of this clock in a second of the wall's while somebody is at work. Not 0, so that whoever waits for something
that never ends fails one day."""


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
            return super().select(timeout and timeout / RATE)
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
        self._began, self._began_at = super().time(), datetime.now(UTC)
        super().__init__(self._jumps)

    def time(self) -> float:
        return self._began + RATE * (super().time() - self._began) + self._jumps.passed

    def now(self) -> datetime:
        """The current date and time."""
        return self._began_at + timedelta(seconds=self.time() - self._began)

    def set_back(self, by: timedelta) -> None:
        """As when somebody sets the machine's clock; time itself goes on."""
        self._began_at -= by

    async def idle(self) -> None:
        """Waits until nobody has anything to do before some later time."""
        one = self.create_future()
        self._jumps.waiting.append(one)
        await one

    def watch(self, work: Future[Any]) -> None:
        """Makes the clock wait until the loop has seen the end of a thread's work. The work must not have begun."""
        self._jumps.threads += 1

        def and_then_tell(end: Callable[[Any], None]) -> Callable[[Any], None]:
            def ended(outcome: Any) -> None:
                end(outcome)
                self._tell()

            return ended

        # Callbacks tell whoever waits for the work, one after the other, and on a busy machine the loop has time for a
        # jump between two of them. So it hears of the end when all of them have run.
        for how in ("set_result", "set_exception"):
            setattr(work, how, and_then_tell(getattr(work, how)))
        work.add_done_callback(lambda done: self._tell() if done.cancelled() else None)

    def _tell(self) -> None:
        if not self.is_closed():
            self.call_soon_threadsafe(self._is_done)

    def _is_done(self) -> None:
        self._jumps.threads -= 1


@contextmanager
def threads_watched() -> Iterator[None]:
    """Makes jumping loops wait for everything that is given to threads."""
    submit = ThreadPoolExecutor.submit

    def submit_watched(pool: ThreadPoolExecutor, act: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        loop = asyncio._get_running_loop()
        if not isinstance(loop, JumpingLoop):
            return submit(pool, act, *args, **kwargs)
        is_watched = Event()

        def act_when_watched() -> Any:
            is_watched.wait()
            return act(*args, **kwargs)

        work = submit(pool, act_when_watched)
        loop.watch(work)
        is_watched.set()
        return work

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ThreadPoolExecutor, "submit", submit_watched)
        yield
