"""The calls that are with us: found by id, and by any channel that is part of one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from crm.domain.calls import Step

if TYPE_CHECKING:
    from ari_app.flows.call import Call


class Calls:
    """Every call that a flow works on, with its task."""

    def __init__(self) -> None:
        self._calls: dict[str, tuple[Call, asyncio.Task[None]]] = {}

    def add(self, call: Call, task: asyncio.Task[None]) -> None:
        self._calls[call.id] = call, task

    def remove(self, call: Call) -> None:
        found = self._calls.get(call.id)
        if found and found[0] is call:
            del self._calls[call.id]

    def __contains__(self, call_id: object) -> bool:
        return call_id in self._calls

    def __iter__(self) -> Iterator[Call]:
        """The calls, oldest first."""
        return iter([call for call, _ in self._calls.values()])

    @property
    def ids(self) -> list[str]:
        return sorted(self._calls)

    def count_in(self, step: Step, without: Call) -> int:
        """How many calls are in a step, beside one."""
        return sum(call.step is step for call in self if call is not without)

    @property
    def held(self) -> set[str]:
        """Ids of the channels that are part of these calls."""
        return {channel_id for call in self for channel_id in call.parts}

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        return [task for _, task in self._calls.values()]

    def of_channel(self, channel_id: str) -> Call | None:
        """The call that a channel is part of."""
        return next((call for call in self if call.has(channel_id)), None)
