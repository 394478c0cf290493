"""The calls that the app has: found by id, and by any channel that is part of one."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Callable, Iterator, Set
from typing import Generic, Protocol, TypeVar

from crm.domain.calls import CallStep
from crm.services.calls.orders import QueuedCallback

RETURN_SECONDS = 10.0
"""After the app was away, a call has this long to get back into its step before others continue without it."""
REMEMBERED = 200
"""How many ended calls are remembered, since their channels may still be leaving."""


class Waiter(Protocol):
    @property
    def agents(self) -> frozenset[str]:
        """Slugs of the agents they are waiting for."""


class Registered(Protocol):
    """What this module needs of a call."""

    @property
    def id(self) -> str: ...

    @property
    def parts(self) -> Set[str]:
        """Ids of its channels, except phones that are only ringing."""

    @property
    def wait(self) -> Waiter | None:
        """Set while they are in line."""

    @property
    def is_callback(self) -> bool:
        """Whether we are calling somebody back who hung up while in line."""

    @property
    def ringing(self) -> Set[str]:
        """Slugs of the agents whose phones ring now."""


C = TypeVar("C", bound=Registered)


class Calls(Generic[C]):
    """Every call that a flow works on, with its task."""

    def __init__(self) -> None:
        self._calls: dict[str, tuple[C, asyncio.Task[None]]] = {}
        self.callbacks: list[QueuedCallback] = []
        """Callers who hung up and will be called back in turn, as of the last look."""
        self.heard: Counter[str] = Counter()
        """Calls whose recordings phones ring for, or play: none of these goes on, and their legs belong to it."""
        self.lost: set[str] = set()
        """Ids of channels that were hung up because nothing was received from them any more
        (ari_app/workers/lost_lines.py)."""
        self.gone: set[str] = set()
        """Those of browsers whose connection had closed, and which may be back in a moment."""
        self.on_change: Callable[[str], None] = lambda call_id: None
        """Called when something about a call may have changed, and when it begins or is over."""
        self._over: deque[str] = deque(maxlen=REMEMBERED)
        self._returning: dict[str, CallStep] = {}
        self._looking = 0
        """How many searches for calls from before the app was away are in progress."""
        self._changed = asyncio.Event()

    def add(self, call: C, task: asyncio.Task[None]) -> None:
        self._calls[call.id] = call, task
        self.has_changed(call)

    def remove(self, call: C) -> None:
        found = self._calls.get(call.id)
        if found and found[0] is call:
            del self._calls[call.id]
            self.has_returned(call)
            self.has_changed(call)

    def has_changed(self, call: C) -> None:
        self.on_change(call.id)
        self._wake()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Waits until something about the calls is so, which is looked at whenever one may have changed."""
        while not is_so():
            await self._changed.wait()

    def is_over(self, call: C) -> None:
        """Remembers that the call ended properly, so that nothing of it is left to deal with."""
        self._over.append(call.id)

    def sees_to(self, call_id: str) -> bool:
        """Whether a flow deals with the call's channels, or did so until the end."""
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
        """Active while it is still unknown which calls return after the app was away."""
        self._looking += 1
        try:
            yield
        finally:
            self._looking -= 1
            self._wake()

    def returns(self, call: C, step: CallStep) -> None:
        """The call was in this step before the app was away. `has_returned` is called once it is again, or will not
        be."""
        self._returning[call.id] = step

    def has_returned(self, call: C) -> None:
        if self._returning.pop(call.id, None):
            self._wake()

    def are_returning(self, *steps: CallStep) -> bool:
        """Whether there are, or may be, calls that were in one of these steps before the app was away and have not
        returned to it yet."""
        return self._looking > 0 or not set(steps).isdisjoint(self._returning.values())

    async def returned(self, *steps: CallStep) -> None:
        """Waits until they have returned, for RETURN_SECONDS at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETURN_SECONDS):
                await self.until(lambda: not self.are_returning(*steps))

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def line(self, without: C) -> list[frozenset[str]]:
        """Everybody who is waiting besides one call, including for a callback: the agents each of them is waiting
        for."""
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
        """The call that a channel is part of, if any."""
        return next((call for call in self if channel_id in call.parts), None)
