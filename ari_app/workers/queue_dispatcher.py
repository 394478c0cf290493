"""Gives each agent who becomes free to the caller who has waited longest, on the phone or for a callback.

There is one dispatcher for the whole app, so that no phone rings for two callers at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from ari_app.call.available import availability
from ari_app.call.call import AppContext
from ari_app.call.line import line, order_id
from crm.domain import queueing
from crm.domain.calls import CallStep
from crm.domain.ringing import AgentAvailability, by_idleness
from crm.services.calls import orders
from crm.services.calls.orders import OrderClaim
from crm.worker import Troubles, repeat

LOOK_SECONDS = 0.5
PATIENCE = 10
"""After this many looks in a row with no agent left to wait for, the caller stops waiting."""


class QueueDispatcher:
    def __init__(self, office: AppContext, begin: Callable[[OrderClaim], None]) -> None:
        self._office = office
        self._begin = begin
        """Starts the call of an order."""
        self._changes, self._read = 1, 0
        """How often orders have changed, and that count when the callbacks were last read."""

    async def run(self, troubles: Troubles) -> None:
        """Looks periodically: Asterisk knows who is free, and the flows know who is waiting."""
        with self._office.store.changes.told(["call_order"], self._changed):
            await repeat("callers in line", self._look, LOOK_SECONDS, troubles)

    def _changed(self) -> None:
        self._changes += 1

    async def _look(self) -> None:
        office = self._office
        if not office.client.connected.is_set():
            return
        # Callbacks come from orders, so they are read again only if those changed; their due times pass by themselves.
        changes = self._changes
        if changes != self._read or office.calls.callbacks:
            async with asyncio.timeout(office.config.survival.store_seconds):
                office.calls.callbacks = await office.store.read(orders.queued_callbacks, office.config, office.now())
            self._read = changes
        callbacks = office.calls.callbacks
        if office.calls.are_returning(CallStep.QUEUE):
            return
        if not any(call.wait for call in office.calls) and not any(callback.is_due for callback in callbacks):
            return
        agents = by_idleness(await availability(office, _awaited(office)))
        now = office.now()
        reachable = [agent.slug for agent in agents if agent.reachable_devices(now)]
        _end_hopeless(office, frozenset(reachable) | {agent.slug for agent in agents if agent.is_on_call})
        ringing = {slug for call in office.calls for slug in call.ringing}
        free = [slug for slug in reachable if slug not in ringing]
        given = queueing.turns(line(office, _with_phone(agents, now)), free)
        # Before anything is awaited, so that nobody else is given the same agents meanwhile.
        for call in office.calls:
            if call.wait and (agents_for := given.get(call.id)):
                call.ringing.update(agents_for)
                call.wait.turn.put_nowait(agents_for)
        for callback in callbacks if office.places_calls else ():
            for agent in given.get(order_id(callback), ()):
                if claim := await office.store.run(
                    orders.claim_callback, office.config, callback.order_id, agent, office.now()
                ):
                    self._begin(claim)


def _awaited(office: AppContext) -> set[str]:
    """Slugs of all agents that somebody is waiting for."""
    waits = [call.wait.agents for call in office.calls if call.wait]
    return {agent for agents in (*waits, *(callback.agents for callback in office.calls.callbacks)) for agent in agents}


def _with_phone(agents: list[AgentAvailability], now: datetime) -> frozenset[str]:
    return frozenset(agent.slug for agent in agents if agent.free_phones(now))


def _end_hopeless(office: AppContext, present: frozenset[str]) -> None:
    """Ends the waiting of callers for whom no agent is left: they leave a voicemail instead."""
    for call in office.calls:
        if not call.wait:
            continue
        # An agent who is being rung for them may still answer.
        is_hopeful = call.wait.hopes_for & present or call.ringing
        call.wait.alone_for = 0 if is_hopeful else call.wait.alone_for + 1
        if call.wait.alone_for == PATIENCE:
            call.wait.turn.put_nowait(())
