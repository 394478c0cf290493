"""Nothing of the app still names a call that is over: what one call leaves, a year of calls would pile up."""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import pytest

from ari_app.call import registry
from tests.asterisk import Seam
from tests.talks import connect

pytestmark = pytest.mark.flows


async def test_of_calls_that_are_over_nothing_is_kept(system: Seam, monkeypatch: pytest.MonkeyPatch) -> None:
    # Instead of 200, so that those of this test are forgotten, too.
    monkeypatch.setattr(registry, "REMEMBERED", 1)
    await system.stop_app()
    await system.start_app()
    over = [await call(system) for call in (_talked, _left_the_menu, _gave_up, _talked, _left_the_menu)]
    # What came last is still in the hands of whoever waits for the next.
    await _gave_up(system)
    await system.until(system.is_quiet, "no channel, bridge or open call left", seconds=20)
    await system.pass_time(30)
    named = sorted({f"{id} in {where}" for id in over for where in _naming(system._app, id)})
    assert not named, named


async def _talked(system: Seam) -> str:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await connect(system, caller, alice)
        await caller.hang_up()
        return (await system.ended_call(caller.user)).id


async def _left_the_menu(system: Seam) -> str:
    async with system.caller() as caller:
        await system.dial(caller)
        await system.step(caller.user, "menu")
        await caller.hang_up()
        return (await system.ended_call(caller.user)).id


async def _gave_up(system: Seam) -> str:
    async with system.caller() as caller:
        await system.to_team(caller)
        await system.step(caller.user, "voicemail")
        await caller.hang_up()
        return (await system.ended_call(caller.user)).id


def _naming(root: object, call_id: str) -> Iterator[str]:
    """Where a text that contains a call's id is held by something that can be reached from `root`."""
    gc.collect()
    seen: dict[int, object] = {}
    to_see: deque[tuple[object, str]] = deque([(root, type(root).__name__)])
    while to_see:
        one, way = to_see.popleft()
        if id(one) in seen:
            continue
        seen[id(one)] = one
        for held in _held_by(one):
            if isinstance(held, str | bytes):
                if call_id in (held if isinstance(held, str) else held.decode(errors="replace")):
                    yield way
            elif gc.is_tracked(held) and not _is_beside(held):
                to_see.append((held, f"{way} > {type(held).__qualname__}"))


def _held_by(one: object) -> list[Any]:
    return list(one.__closure__ or ()) if isinstance(one, FunctionType) else gc.get_referents(one)


def _is_beside(one: object) -> bool:
    """Whether something is no part of the app's own state: what all the process has, and Asterisk for tests."""
    if isinstance(one, type | ModuleType | BuiltinFunctionType | asyncio.AbstractEventLoop | asyncio.BaseTransport):
        return True
    module = type(one).__module__
    return module.startswith(("tests.", "selectors", "_pytest", "sqlalchemy."))
