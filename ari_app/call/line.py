"""Those who wait in line, on the phone or keeping the place to be called back."""

from __future__ import annotations

from ari_app.call.call import AppContext, LiveCall
from crm.domain import queueing
from crm.domain.queueing import WaitingCaller
from crm.services.calls.orders import KeptPlace


def line(office: AppContext, with_phone: frozenset[str] | None = None) -> list[WaitingCaller]:
    """Everybody who waits. For a callback only those are rung who are `with_phone`: registered phones, no mobiles."""
    found = [_waiting(call) for call in office.calls if call.wait]
    return [*found, *(_keeping(place, with_phone) for place in office.calls.places)]


def place(call: LiveCall) -> int:
    """The place in line of a caller who waits, from 1."""
    return queueing.place(_waiting(call), line(call.office))


def order_id(place: KeptPlace) -> str:
    return f"order-{place.order_id}"


def _waiting(call: LiveCall) -> WaitingCaller:
    assert call.wait is not None
    return WaitingCaller(call.id, call.wait.since, call.wait.agents, call.wait.spared_now, is_ready=not call.ringing)


def _keeping(place: KeptPlace, with_phone: frozenset[str] | None) -> WaitingCaller:
    agents = frozenset(place.agents)
    without = agents - with_phone if with_phone is not None else frozenset()
    # Whoever has not answered for them last time gets another caller, if there is somebody else to call.
    spared = without | {place.tried} if agents - without - {place.tried} else without
    return WaitingCaller(order_id(place), place.since, agents, spared, is_ready=place.is_due, most=1)
