"""Waiting for several things at once, of which the first to happen decides."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Coroutine, Iterable
from typing import Any, TypeVar, overload

from ari_app.edge.errors import PhoneError

log = logging.getLogger(__name__)

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


@overload
async def race(first: Coroutine[Any, Any, A], second: Coroutine[Any, Any, B], /) -> A | B: ...
@overload
async def race(
    first: Coroutine[Any, Any, A], second: Coroutine[Any, Any, B], third: Coroutine[Any, Any, C], /
) -> A | B | C: ...
async def race(*work: Coroutine[Any, Any, Any]) -> Any:
    """Runs coroutines until one ends, and returns or raises what it did; the others are cancelled and have ended by
    then.

    If several end at the same moment, the one named first wins. Errors in the others are logged, because nothing else
    would receive them. If this is cancelled, all of them end.
    """
    tasks = [asyncio.create_task(one) for one in work]
    winner: asyncio.Task[Any] | None = None
    try:
        await some_done(tasks)
        winner = next(task for task in tasks if task.done())
        return winner.result()
    finally:
        await end_all(task for task in tasks if task is not winner)


async def first_found(work: Iterable[Coroutine[Any, Any, A | None]]) -> A | None:
    """Runs coroutines until one returns something other than None, and returns that, or None if none does; the others
    are cancelled and have ended by then. Raises the first error."""
    waiting = [asyncio.create_task(one) for one in work]
    try:
        while waiting:
            await some_done(waiting)
            ended = next(task for task in waiting if task.done())
            waiting.remove(ended)
            if (found := ended.result()) is not None:
                return found
        return None
    finally:
        await end_all(waiting)


async def some_done(tasks: Collection[asyncio.Future[Any]], seconds: float | None = None) -> None:
    """Waits until one of them is done, or the time is up; all keep running."""
    await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)


async def end_all(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancels tasks that nothing waits for any more, and waits until they have ended. Their errors are logged."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    for error in await asyncio.gather(*ending, return_exceptions=True):
        if isinstance(error, PhoneError):
            # As when two people hang up at the same moment; whatever else works with the channel notices, too.
            log.info("a canceled task has ended: %s", error)
        elif isinstance(error, Exception):
            log.error("a canceled task has failed", exc_info=error)


async def until_done(task: asyncio.Future[A]) -> asyncio.Future[A]:
    """For a race with a task that keeps running whoever wins; returns the task itself."""
    await asyncio.wait([task])
    return task
