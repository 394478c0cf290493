"""Dead man's switches of many calls are renewed in time, and never all at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ari_app import signs
from ari_app.call.call import AppContext, LiveCall
from ari_app.call.registry import Calls

pytestmark = pytest.mark.flows

LENGTH = 20


@pytest.mark.parametrize("count", [1, 10, 200])
async def test_switches_are_renewed_a_few_at_a_time_and_each_within_half_its_length(count: int) -> None:
    loop, calls = asyncio.get_running_loop(), Calls[Any]()
    survival = SimpleNamespace(deadman_seconds=LENGTH)
    context = cast(AppContext, SimpleNamespace(calls=calls, config=SimpleNamespace(survival=survival)))
    renewed: dict[str, list[float]] = {}

    def chore(work: Any) -> None:
        renewed[work.cr_frame.f_locals["channel"]].append(loop.time())
        work.close()

    def arrives(number: int) -> None:
        id = f"c{number:03}"
        renewed[id] = [loop.time()]
        calls.add(_call(id), cast("asyncio.Task[None]", None))

    for number in range(count):
        arrives(number)
    renewing = asyncio.create_task(signs.renew(context, chore))
    for number in range(count, count + 20):
        await asyncio.sleep(1.3)
        arrives(number)
        calls.remove(next(iter(calls)))
    await asyncio.sleep(LENGTH)
    renewing.cancel()
    at_once = Counter(round(at, 2) for times in renewed.values() for at in times[1:])
    assert max(at_once.values()) <= signs.AT_ONCE
    for id in calls.ids:
        times = [*renewed[id], loop.time()]
        assert max(after - before for before, after in pairwise(times)) <= LENGTH / 2 + 0.1, id


def _call(id: str) -> Any:
    return cast(LiveCall, SimpleNamespace(id=id, whispered=[], waiting=None, person=id))
