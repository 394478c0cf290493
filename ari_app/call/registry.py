"""The calls that are with us: found by id, and by any channel that is part of one."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator, Set
from typing import Generic, Protocol, TypeVar

from crm.domain.calls import CallStep
from crm.services.calls.orders import QueuedCallback

RETURN_SECONDS = 10.0
"""After the app was away, a call has this long to get back into its step before others continue without it."""
REMEMBERED = 200
"""So many calls that are over may have channels that are just leaving."""


class Waiter(Protocol):
    @property
    def agents(self) -> frozenset[str]:
        """Slugs of those they wait for."""


class Registered(Protocol):
    """What is asked of a call here."""

    @property
    def id(self) -> str: ...

    @property
    def parts(self) -> Set[str]:
        """Ids of its channels, except phones that are only ringing."""

    @property
    def wait(self) -> Waiter | None:
        """While they are in line."""

    @property
    def is_callback(self) -> bool:
        """We call somebody back who has hung up while in line."""

    @property
    def ringing(self) -> Set[str]:
        """Slugs of the agents whose phones ring now."""


C = TypeVar("C", bound=Registered)


class Calls(Generic[C]):
    """Every call that a flow works on, with its task."""

    def __init__(self) -> None:
        self._calls: dict[str, tuple[C, asyncio.Task[None]]] = {}
        self.callbacks: list[QueuedCallback] = []
        """Callers who have hung up and are called back in turn, as of the last look."""
        self.lost: set[str] = set()
        """Ids of channels that were hung up because nothing came from them any more (ari_app/workers/lost_lines.py)."""
        self._over: deque[str] = deque(maxlen=REMEMBERED)
        self._returning: dict[str, CallStep] = {}
        self._looking = 0
        """How often Asterisk is being looked at for calls from before the app was away."""
        self._changed = asyncio.Event()

    def add(self, call: C, task: asyncio.Task[None]) -> None:
        self._calls[call.id] = call, task

    def remove(self, call: C) -> None:
        found = self._calls.get(call.id)
        if found and found[0] is call:
            del self._calls[call.id]
            self.has_returned(call)

    def is_over(self, call: C) -> None:
        """It came to its end with us, so that nothing of it is left to be looked after."""
        self._over.append(call.id)

    def sees_to(self, call_id: str) -> bool:
        """Whether a flow looks after the call's channels, or has done so to the end."""
        return call_id in self._calls or call_id in self._over

    def __contains__(self, call_id: object) -> bool:
        return call_id in self._calls

    def get(self, call_id: str) -> C | None:
        found = self._calls.get(call_id)
        return found[0] if found else None

    def __iter__(self) -> Iterator[C]:
        """The calls, oldest first."""
        return iter([call for call, _ in self._calls.values()])

    @property
    def ids(self) -> list[str]:
        return sorted(self._calls)

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        """While it is not known yet which calls return after the app was away."""
        self._looking += 1
        try:
            yield
        finally:
            self._looking -= 1
            self._wake()

    def returns(self, call: C, step: CallStep) -> None:
        """The call was in this step before the app was away; `has_returned` once it is again, or is not to be."""
        self._returning[call.id] = step

    def has_returned(self, call: C) -> None:
        if self._returning.pop(call.id, None):
            self._wake()

    def are_returning(self, *steps: CallStep) -> bool:
        """Whether there are calls, or may be, that were in one of the steps before the app was away and are not yet
        again."""
        return self._looking > 0 or not set(steps).isdisjoint(self._returning.values())

    async def returned(self, *steps: CallStep) -> None:
        """Waits until they are, RETURN_SECONDS at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETURN_SECONDS):
                while self.are_returning(*steps):
                    await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def line(self, without: C) -> list[frozenset[str]]:
        """Who is waiting besides one call, including for a callback, with the agents each of them waits for."""
        waits = [call.wait.agents for call in self if call.wait and call is not without]
        return [*waits, *(frozenset(callback.agents) for callback in self.callbacks)]

    @property
    def reserved(self) -> set[str]:
        """Agents whose phones ring for somebody who has waited in line."""
        return {agent for call in self if call.wait or call.is_callback for agent in call.ringing}

    @property
    def held(self) -> set[str]:
        """Ids of the channels that are part of these calls."""
        return {channel_id for call in self for channel_id in call.parts}

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        return [task for _, task in self._calls.values()]

    def of_channel(self, channel_id: str) -> C | None:
        """The call that a channel is part of."""
        return next((call for call in self if channel_id in call.parts), None)
