"""Calls that return after the app was away are waited for, by those who need them and no longer than they take."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from ari_app.call.registry import Calls, Waiter
from crm.domain.calls import CallStep

pytestmark = pytest.mark.unit


@dataclass(frozen=True)
class OneCall:
    id: str
    parts: frozenset[str] = frozenset()
    wait: Waiter | None = None
    is_callback: bool = False
    ringing: frozenset[str] = frozenset()


async def test_whoever_waits_for_calls_to_return_goes_on_when_the_last_is_back() -> None:
    calls: Calls[OneCall] = Calls()
    first, second, other = OneCall("1"), OneCall("2"), OneCall("3")
    for call, step in [(first, CallStep.PARKED), (second, CallStep.PARKED), (other, CallStep.TALK)]:
        calls.returns(call, step)
    waiting = asyncio.create_task(calls.returned(CallStep.PARKED))
    calls.has_returned(first)
    await asyncio.sleep(0)
    assert not waiting.done()
    calls.has_returned(second)
    await asyncio.wait_for(waiting, 5)
    assert calls.are_returning(CallStep.TALK)


async def test_while_it_is_not_known_yet_who_returns_everybody_is_waited_for() -> None:
    calls: Calls[OneCall] = Calls()
    with calls.looking():
        waiting = asyncio.create_task(calls.returned(CallStep.QUEUE))
        await asyncio.sleep(0)
        call = OneCall("1")
        calls.returns(call, CallStep.QUEUE)
    await asyncio.sleep(0)
    assert not waiting.done()
    calls.has_returned(call)
    await asyncio.wait_for(waiting, 5)


async def test_when_nobody_returns_then_nobody_waits() -> None:
    calls: Calls[OneCall] = Calls()
    await asyncio.wait_for(calls.returned(CallStep.PARKED), 5)
    assert not calls.are_returning(CallStep.PARKED)


async def test_a_call_that_ends_instead_of_returning_is_not_waited_for() -> None:
    calls: Calls[OneCall] = Calls()
    call = OneCall("1")
    calls.add(call, asyncio.create_task(asyncio.sleep(0)))
    calls.returns(call, CallStep.PARKED)
    calls.remove(call)
    assert not calls.are_returning(CallStep.PARKED)


async def test_whoever_waits_until_something_about_the_calls_is_so_looks_again_at_each_change() -> None:
    calls: Calls[OneCall] = Calls()
    call = OneCall("1")
    so: list[str] = []
    waiting = asyncio.create_task(calls.until(lambda: bool(so)))
    await asyncio.sleep(0)
    calls.has_changed(call)
    await asyncio.sleep(0)
    assert not waiting.done()
    so.append("so")
    calls.has_changed(call)
    await asyncio.wait_for(waiting, 5)
