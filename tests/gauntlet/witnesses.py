"""What an attack must not do: cost anything, end a program, leave a channel behind, or keep a caller away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy import select

from crm.store.models import Call
from tests.gauntlet.party import Party, party
from tests.gauntlet.scene import Scene
from tests.system import ELM, System

LEAST_CALLS = 4
"""So many legitimate callers call beside an attack, however soon it is over."""
ANSWER_SECONDS = 8.0
"""A caller who is not answered within so long counts as harmed; on a quiet machine it takes a tenth of a second."""
QUIET_SECONDS = 90.0
"""What is left by then stays. A caller whom the attack left in the mailbox is let go by the silence there."""


@dataclass
class Result:
    attack: str
    attempts: int
    billable: int = 0
    """Legs that reached a carrier and may not have, or forged texts that were taken."""
    crashes: int = 0
    """Programs that ended, and answers that say that ours failed."""
    channels: int = 0
    harmed: int = 0
    """Legitimate callers who were not answered, or are not on record."""
    calls: int = 0
    """Legitimate calls meanwhile."""
    remarks: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not (self.billable or self.crashes or self.channels or self.harmed)


@dataclass
class Callers:
    """Somebody calls every second and hangs up a moment later, whatever else goes on."""

    party: Party
    server: tuple[str, int]
    numbers: dict[str, bool] = field(default_factory=dict)
    """Answered or not, by caller."""
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once LEAST_CALLS have called."""
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        while True:
            number = f"+1512558{len(self.numbers):04d}"
            self.numbers[number] = False
            task = asyncio.create_task(self._call(number))
            self._running.add(task)
            if len(self.numbers) >= LEAST_CALLS:
                self.enough.set()
            task.add_done_callback(self._running.discard)
            await asyncio.sleep(1.0)

    async def _call(self, number: str) -> None:
        host, port = self.server
        shown = f"<sip:{number}@carrier.example>"
        _, talk = await self.party.call(f"sip:{ELM}@{host}:{port}", sender=shown, within=ANSWER_SECONDS)
        self.numbers[number] = talk is not None
        if talk:
            await asyncio.sleep(1.0)
            await self.party.hang_up(talk)

    async def over(self) -> None:
        await asyncio.gather(*self._running)


@asynccontextmanager
async def callers(system: System) -> AsyncIterator[Callers]:
    """While the block runs, legitimate callers call through the demo office's carrier."""
    server = ("127.0.0.1", system.config.ports.sip)
    async with party(server, "trunk-demo", system.secrets.get("trunk/demo")) as one:
        calling = Callers(one, server)
        task = asyncio.create_task(calling.run())
        try:
            yield calling
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await calling.over()


@asynccontextmanager
async def watched(system: System, scene: Scene, attack: str) -> AsyncIterator[Result]:
    """The attack is the block, which fills in how many attempts there were."""
    result = Result(attack, 0)
    pids = _pids(system)
    before = len(scene.billable)
    async with callers(system) as calling:
        yield result
        await calling.enough.wait()
    result.billable += len(scene.billable) - before
    result.remarks += scene.billable[before:]
    if _pids(system) != pids:
        result.crashes += 1
    result.calls = len(calling.numbers)
    with contextlib.suppress(AssertionError):
        await system.until(system.is_quiet, "quiet", QUIET_SECONDS, pause=0.5)
    left = [channel["name"] for channel in await system.ari("/channels")]
    result.channels = len(left)
    result.remarks += left
    for channel in await system.ari("/channels"):
        await system.hang_up(channel["id"])
    on_record = await system.all(select(Call.caller).where(Call.caller.in_(calling.numbers), Call.outcome.is_not(None)))
    missed = [number for number, answered in calling.numbers.items() if not answered or number not in on_record]
    result.harmed = len(missed)
    result.remarks += missed


def _pids(system: System) -> list[int | None]:
    """Of Asterisk and the app; None for one that has ended."""
    return [
        child.process.pid if child.process and child.process.returncode is None else None
        for child in (system.asterisk, system.app)
    ]
