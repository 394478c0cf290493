"""Callers in line, on the phone or waiting to be called back."""

from __future__ import annotations

from ari_app.call.call import AppContext, LiveCall
from crm.domain import queueing
from crm.domain.queueing import WaitingCaller
from crm.services.calls.orders import QueuedCallback


def line(context: AppContext, with_phone: frozenset[str] | None = None) -> list[WaitingCaller]:
    """Everybody who is waiting. For a callback, only agents `with_phone` are rung: those with registered phones, not
    mobiles."""
    found = [_waiting(call) for call in context.calls if call.wait]
    return [*found, *(_calling_back(callback, with_phone) for callback in context.calls.callbacks)]


def position(call: LiveCall) -> int:
    """The position in line of a waiting caller, from 1."""
    return queueing.position(_waiting(call), line(call.context))


def order_id(callback: QueuedCallback) -> str:
    return f"order-{callback.order_id}"


def _waiting(call: LiveCall) -> WaitingCaller:
    assert call.wait is not None
    return WaitingCaller(call.id, call.wait.since, call.wait.agents, call.wait.spared_now, is_ready=not call.ringing)


def _calling_back(callback: QueuedCallback, with_phone: frozenset[str] | None) -> WaitingCaller:
    agents = frozenset(callback.agents)
    without = agents - with_phone if with_phone is not None else frozenset()
    # Callers who did not answer their last callback let others go first, if there are any.
    spared = without | {callback.tried} if agents - without - {callback.tried} else without
    return WaitingCaller(order_id(callback), callback.since, agents, spared, is_ready=callback.is_due, most=1)
