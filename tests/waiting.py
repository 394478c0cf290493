"""Waiting for what happens in other tasks, threads and processes, or in the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Returns once the condition holds. Raises TimeoutError if it does not within so many seconds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - none of them sets an event
            await asyncio.sleep(0.01)
