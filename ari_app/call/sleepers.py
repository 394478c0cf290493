"""Closed browsers of those whom a call rings: they are sent a message at once, and ring as soon as their pages are
there, also while other phones ring already."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable

from ari_app.call.available import availability
from ari_app.call.call import AppContext, LiveCall
from ari_app.call.legs import ring_phones
from ari_app.call.race import end_all, first_found
from ari_app.call.ringing_leg import RingingLeg
from ari_app.call.waking import CallSign, Woken
from ari_app.edge.errors import PhoneError
from ari_app.edge.present import Present
from crm.domain.errors import CrmError
from crm.edge import numbers

log = logging.getLogger(__name__)

RingLate = Callable[[frozenset[str]], Awaitable[list[RingingLeg]]]
"""Rings those of these devices (slugs) that may ring for the call now."""


async def wake(
    context: AppContext, sign: CallSign, agents: Collection[str], woken: dict[str, Woken], *, at_work: bool = True
) -> None:
    """Sends a message to the closed browsers of those agents (slugs) who could take the call, and adds them to `woken`:
    whoever is in it is sent no other. `at_work`: only who is on duty. Asks the store only if there are such
    browsers."""
    bell = context.bell
    if bell is None or context.held():
        return
    try:
        asleep = await bell.asleep(set(agents) - set(woken), context.client.present.online)
        found = await availability(context, [one.agent for one in asleep])
    except (CrmError, TimeoutError) as error:
        log.warning("closed browsers are not woken: %s", error)
        return
    now = context.now()
    free = {agent.slug for agent in found if not agent.is_on_call and (agent.is_at_work(now) or not at_work)}
    woken |= bell.wake(sign, (one for one in asleep if one.agent in free and one.agent not in woken))


def sign_of(call: LiveCall) -> CallSign:
    """How a browser shows the person and what they call about."""
    known, number = call.reception, call.shown
    name = (known.contact_name or known.lead_name) if known else ""
    title = name or (numbers.display(number, call.context.config.region) if number else "")
    about = [known.property_name, known.source] if known else []
    return CallSign(call.id, title or "Unknown caller", " · ".join(filter(None, about)))


class Sleepers:
    """Those of a group that rings together; used with `async with`."""

    def __init__(
        self, call: LiveCall, agents: Collection[str], sign: CallSign, ring: RingLate, *, at_work: bool = True
    ) -> None:
        self._call, self._agents, self._ring = call, frozenset(agents), ring
        self._rung: list[RingingLeg] = []
        self._under_way: asyncio.Task[None] | None = None
        # Who is rung for somebody who has waited longer is not there for a caller.
        wanted = self._agents - (call.context.calls.reserved if at_work else set())
        self.sending = asyncio.create_task(wake(call.context, sign, wanted, call.woken, at_work=at_work))

    async def __aenter__(self) -> Sleepers:
        return self

    async def __aexit__(self, *_: object) -> None:
        await end_all([self.sending])

    @property
    def are_awaited(self) -> bool:
        """Whether a person for whom no other phone rings waits for a page to open."""
        return not self.sending.done() or self.until > asyncio.get_running_loop().time()

    @property
    def until(self) -> float:
        """So long, on the loop's clock."""
        return max((one.until for _, one in self._waited()), default=0.0)

    async def come(self) -> None:
        """Ends when pages have come, and ring (`take`), or when nobody is left to wait for."""
        await asyncio.shield(self.sending)
        present, woken = self._call.context.client.present, self._call.woken
        while devices := frozenset(device for _, one in self._waited() for device in one.devices):
            await any_online(present, devices)
            here = devices & frozenset(present.online)
            for agent, one in self._waited():
                # Whether it can ring is found out now; it is not waited for again.
                woken[agent] = one.without(here)
            # Not within this task: somebody has to stop a phone that has begun to ring.
            self._under_way = asyncio.create_task(self._ring_late(here))
            await asyncio.shield(self._under_way)
            if self._rung:
                return

    def take(self) -> list[RingingLeg]:
        """What rings that has not been taken yet."""
        found, self._rung = self._rung, []
        return found

    async def take_all(self) -> list[RingingLeg]:
        """The same with what is about to ring; called when `come` has been cancelled."""
        if self._under_way:
            await self._under_way
        return self.take()

    def leave(self) -> None:
        """When the app stops: they go on ringing for the next one."""
        for leg in self.take():
            leg.leave()
        if self._under_way and not self._under_way.done():
            self._under_way.add_done_callback(lambda _: self.leave())

    def _waited(self) -> list[tuple[str, Woken]]:
        return [(agent, one) for agent, one in self._call.woken.items() if agent in self._agents and one.devices]

    async def _ring_late(self, here: frozenset[str]) -> None:
        try:
            self._rung += await self._ring(here)
        except (CrmError, PhoneError, TimeoutError) as error:
            log.warning("a page that was woken is not rung: %s", error)


def of_colleague(
    call: LiveCall, agent: str, stage: str, seconds: float, caller_id: str, *, sign: CallSign | None = None
) -> Sleepers:
    """Of one agent (slug) whom a colleague wants, at work or not."""

    async def ring(devices: frozenset[str]) -> list[RingingLeg]:
        context = call.context
        agents = await availability(context, [agent])
        phones = [phone for one in agents for phone in one.free_phones(context.now()) if phone.device in devices]
        return await ring_phones(call, stage, phones, seconds, caller_id)

    return Sleepers(call, [agent], sign or sign_of(call), ring, at_work=False)


async def any_online(present: Present, devices: Iterable[str]) -> bool:
    return bool(await first_found(_online(present, device) for device in devices))


async def _online(present: Present, device: str) -> bool:
    await present.is_online(device)
    return True
