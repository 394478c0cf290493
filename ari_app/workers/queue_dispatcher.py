"""Gives each agent who becomes free to the caller who has waited longest, on the phone or for a callback.

There is one dispatcher for the whole app, so that no phone rings for two callers at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from ari_app.call.available import phones
from ari_app.call.call import AppContext
from ari_app.call.line import line, order_id
from ari_app.call.sleepers import sign_of, wake
from crm.domain import queueing
from crm.domain.calls import CallStep
from crm.domain.ringing import AgentAvailability, by_idleness
from crm.services.calls import orders
from crm.services.calls.orders import OrderClaim
from crm.services.routing import reception
from crm.services.routing.reception import OnRecord
from crm.store.changes import Standstill
from crm.worker import Troubles, repeat

LOOK_SECONDS = 0.5
PATIENCE = 10
"""After this many looks in a row with no agent left to wait for, the caller stops waiting."""


class QueueDispatcher:
    def __init__(self, context: AppContext, begin: Callable[[OrderClaim], None]) -> None:
        self._context = context
        self._begin = begin
        """Starts the call of an order."""
        self._changes, self._read = 1, 0
        """How often orders have changed, and that count when the callbacks were last read."""
        self._same_callbacks = Standstill(context.store.changes)
        self._same_agents = Standstill(context.store.changes)
        self._on_record = OnRecord((), {}, ())
        """The agents that somebody waits for, as they were last read."""
        self._waking: set[asyncio.Task[None]] = set()

    async def run(self, troubles: Troubles) -> None:
        """Looks periodically: Asterisk knows who is free, and the flows know who is waiting."""
        with self._context.store.changes.told(["call_order"], self._changed):
            await repeat("callers in line", self._look, LOOK_SECONDS, troubles)

    def _changed(self) -> None:
        self._changes += 1

    async def _look(self) -> None:
        context = self._context
        if not context.client.connected.is_set():
            return
        await self._read_callbacks()
        callbacks = context.calls.callbacks
        if context.calls.are_returning(CallStep.QUEUE):
            return
        if not any(call.wait for call in context.calls) and not any(callback.is_due for callback in callbacks):
            return
        agents = by_idleness(await self._awaited_agents())
        now = context.now()
        reachable = [agent.slug for agent in agents if agent.reachable_devices(now)]
        self._wake(agents, now)
        _end_hopeless(context, frozenset(reachable) | {agent.slug for agent in agents if agent.is_on_call})
        ringing = {slug for call in context.calls for slug in call.ringing}
        free = [slug for slug in reachable if slug not in ringing]
        given = queueing.turns(line(context, _with_phone(agents, now)), free)
        # Before anything is awaited, so that nobody else is given the same agents meanwhile.
        for call in context.calls:
            if call.wait and (agents_for := given.get(call.id)):
                call.ringing.update(agents_for)
                call.wait.turn.put_nowait(agents_for)
        for callback in callbacks if context.places_calls else ():
            for agent in given.get(order_id(callback), ()):
                if claim := await context.store.run(
                    orders.claim_callback, context.config, callback.order_id, agent, context.now()
                ):
                    self._begin(claim)

    async def _read_callbacks(self) -> None:
        """Callbacks come from orders, so where there are none they are read only when those changed. When one may be
        called hangs on more: on its task, and on the hours of the property."""
        context, now = self._context, self._context.now()
        changes, state = self._changes, self._same_callbacks.state()
        if changes == self._read and (not context.calls.callbacks or self._same_callbacks.lasts(state, now)):
            return
        async with asyncio.timeout(context.config.survival.store_seconds):
            found = await context.store.read(orders.queued_callbacks, context.config, now)
        context.calls.callbacks = found
        self._read = changes
        self._same_callbacks.looked(state, now, min((one.changes_at for one in found), default=None))

    async def _awaited_agents(self) -> list[AgentAvailability]:
        """All agents that somebody is waiting for. Their phones are looked at each time, what is on record only when
        something was committed."""
        context, now = self._context, self._context.now()
        awaited = _awaited(context)
        state = self._same_agents.state(awaited)
        if not self._same_agents.lasts(state, now):
            async with asyncio.timeout(context.config.survival.store_seconds):
                self._on_record = await context.store.read(reception.on_record, context.config, awaited)
            self._same_agents.looked(state, now, None)
        seen = await phones(context)
        return self._on_record.with_phones(context.config, seen.online, seen.on_call)

    def _wake(self, agents: list[AgentAvailability], now: datetime) -> None:
        """Wakes the closed browsers of whoever could take a caller now; each is looked for once in a wait. A page that
        has opened rings like any phone that becomes free."""
        free = {agent.slug for agent in agents if agent.is_at_work(now) and not agent.is_on_call}
        for call in self._context.calls:
            if call.wait and (wanted := (call.wait.hopes_for & free) - call.wait.looked_for):
                call.wait.looked_for |= wanted
                task = asyncio.create_task(wake(self._context, sign_of(call), wanted, call.woken))
                self._waking.add(task)
                task.add_done_callback(self._waking.discard)


def _awaited(context: AppContext) -> set[str]:
    """Slugs of all agents that somebody is waiting for."""
    waits = [call.wait.agents for call in context.calls if call.wait]
    return {
        agent for agents in (*waits, *(callback.agents for callback in context.calls.callbacks)) for agent in agents
    }


def _with_phone(agents: list[AgentAvailability], now: datetime) -> frozenset[str]:
    return frozenset(agent.slug for agent in agents if agent.free_phones(now))


def _end_hopeless(context: AppContext, present: frozenset[str]) -> None:
    """Ends the waiting of callers for whom no agent is left: they leave a voicemail instead."""
    clock = asyncio.get_running_loop().time()
    for call in context.calls:
        if not call.wait:
            continue
        # An agent who is being rung for them may still answer.
        wakes = [agent for agent, one in call.woken.items() if one.devices and one.until > clock]
        is_hopeful = call.wait.hopes_for & present.union(wakes) or call.ringing
        call.wait.alone_for = 0 if is_hopeful else call.wait.alone_for + 1
        if call.wait.alone_for == PATIENCE:
            call.wait.turn.put_nowait(())
