"""Somebody who watches what happens in calls, as the console does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from crm.edge.live_link import LiveLink
from crm.edge.live_state import SECRET, CallNow, LiveDelta, LiveWhole, PhoneNow
from tests.asterisk import Seam
from tests.system import System


class Watcher:
    def __init__(self, system: Seam | System) -> None:
        self.system = system
        self.told: list[LiveWhole | LiveDelta | None] = []
        self.link = LiveLink(system.config.ports.live, lambda: system.secrets.get(SECRET), self._hear)

    def _hear(self, told: LiveWhole | LiveDelta | None) -> None:
        self.told.append(told)
        if isinstance(self.system, Seam):
            self.system._stir()

    async def call(self, step: str, **wanted: object) -> CallNow:
        """Waits until the only call is in a step, and shows these."""

        def so() -> bool:
            calls = list(self.link.calls.values())
            return (
                len(calls) == 1
                and calls[0].step == step
                and all(getattr(calls[0], name) == value for name, value in wanted.items())
            )

        await self.system.until(so, f"a call in step {step} with {wanted}, instead of {self.link.calls}")
        return next(iter(self.link.calls.values()))

    @property
    def busy(self) -> list[str]:
        """Phones that are in a call, or ring for one."""
        return [phone.device for phone in self.link.phones.values() if phone.is_talking or phone.is_ringing]

    def phone(self, device: str) -> PhoneNow:
        return self.link.phones.get(device, PhoneNow(device))

    def parties(self) -> dict[str, str]:
        """The state of each phone in the only call."""
        [call] = self.link.calls.values()
        return {party.device: party.state for party in call.parties}

    async def shows(self, **parties: str) -> None:
        """Waits until the only call has exactly these phones in it, in these states; `_` for `-` in their names."""
        wanted = {device.replace("_", "-"): state for device, state in parties.items()}
        await self.system.until(lambda: len(self.link.calls) == 1 and self.parties() == wanted, f"{wanted}")

    async def act(self, act: str, **fields: str) -> str:
        [call] = self.link.calls.values()
        return (await self.link.act(act, call.id, "maria", **fields)).code


@contextlib.asynccontextmanager
async def watching(system: Seam | System) -> AsyncIterator[Watcher]:
    watcher = Watcher(system)
    running = asyncio.create_task(watcher.link.run())
    try:
        await system.until(lambda: watcher.link.is_connected, "the calls can be watched")
        yield watcher
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
