"""What the parts of the app have in common."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from crm.context import Crm
from crm.edge.handed_sockets import HandedSockets
from crm.services.system import workers
from crm.services.texts.inbox import Inbox
from crm.worker import Troubles, Worker, keep, repeat

Part = Callable[[], Coroutine[Any, Any, None]]
"""Runs until it is cancelled; restarted if it fails."""


@dataclass
class Shared:
    crm: Crm
    stack: contextlib.AsyncExitStack
    """Closes with the app what a part has opened."""
    held: Callable[[], bool]
    """Whether this home may be a copy (`crm.services.system.copies`)."""
    stop: asyncio.Event
    """Set when another app has taken this one's place, or when no call is left after SIGUSR1."""
    take_over: bool = False
    """Whether a running app ends once this one has taken its place."""
    handed_sockets: HandedSockets | None = None
    """Where this process takes the place of another, and hands its own on."""
    listeners: list[Part] = field(default_factory=list)
    """Those among the parts that serve a port."""
    inbox: Inbox = field(init=False)
    troubles: Troubles = field(init=False)
    """What is failing in the workers of all parts."""

    def __post_init__(self) -> None:
        self.inbox = Inbox(self.crm)
        self.troubles = Troubles(self.crm.now, partial(workers.show, self.crm.config))

    def keep(self, worker: Worker[Any, Any]) -> Part:
        return partial(self._keep, worker)

    async def _keep(self, worker: Worker[Any, Any]) -> None:
        if self.handed_sockets:
            # Two at once would take each other's work for what a worker that died has left behind.
            await self.handed_sockets.alone()
        await keep(self.crm, worker, self.troubles)

    def every(
        self, seconds: float, name: str, look: Callable[[], Awaitable[object]], wake: asyncio.Event | None = None
    ) -> Part:
        return partial(repeat, name, look, seconds, self.troubles, wake=wake)
