"""How many rows of something long go into one transaction, so that others hardly notice that they wait for the lock."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy.orm import Session

TARGET_SECONDS = 0.05
"""How long a transaction is to hold the write lock. Some take longer, since rows differ: that it is half of what others
may wait leaves room."""
LEAST = 5
"""Rows; with fewer, beginning and ending transactions would take most of the time."""


def begin() -> None:
    """Before the first slice: from here on the garbage collector leaves out what there is, such as the list itself. To
    look through all of that takes 0.15 s and more, for which others would wait when it happens in a transaction."""
    gc.collect()
    gc.freeze()


P = ParamSpec("P")
Result = TypeVar("Result")


class SliceSize:
    """Follows how long the slices so far took: at once when they took too long, by and by when they could be longer."""

    def __init__(self, first: int, most: int, clock: Callable[[], float] = time.perf_counter) -> None:
        self.rows = first
        """Of the next slice."""
        self._most, self._clock, self._began = most, clock, 0.0

    def timed(self, act: Callable[Concatenate[Session, P], Result]) -> Callable[Concatenate[Session, P], Result]:
        """`act`, noting when its transaction began, so that waiting for the lock does not count."""

        def timed(session: Session, /, *args: P.args, **kwargs: P.kwargs) -> Result:
            self._began = self._clock()
            return act(session, *args, **kwargs)

        return timed

    def done(self, rows: int) -> None:
        """The transaction of the act that was timed, with so many rows, has ended."""
        seconds = max(self._clock() - self._began, 1e-6)
        fitting = round(rows * TARGET_SECONDS / seconds)
        self.rows = max(LEAST, min(fitting, self.rows * 2, self._most)) if rows else self.rows
