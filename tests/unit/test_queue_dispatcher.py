"""A caller in line: who is still hoped for, and what is borne while they wait."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ari_app.call.call import Wait
from ari_app.call.kept import RingsAt, read
from ari_app.call.ringing_leg import RingingLeg
from ari_app.flows import queue, ring_group
from ari_app.workers.queue_dispatcher import PATIENCE, _end_hopeless
from crm.config import Config
from crm.domain.calls import CallDirection, CallStep
from crm.domain.errors import Unavailable
from crm.domain.ringing import AgentAvailability, DeviceAvailability, Mobile, Phone, RingStage, StageName

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 2, 16, tzinfo=UTC)


def caller(tmp_path: Path, *agents: str) -> Any:
    """As much of a call as waiting needs."""
    context = SimpleNamespace(config=Config(tmp_path), now=lambda: NOW)
    wait = Wait(frozenset(agents), NOW)
    return SimpleNamespace(context=context, caller=None, shown=None, wait=wait, ringing=set(), woken={})


def look(call: Any, *present: str, times: int = PATIENCE) -> None:
    for _ in range(times):
        _end_hopeless(SimpleNamespace(calls=[call]), frozenset(present))  # type: ignore[arg-type]


async def test_who_has_passed_on_one_phone_is_not_hoped_for_though_another_rang_unanswered(tmp_path: Path) -> None:
    wait = caller(tmp_path, "alice", "bob").wait
    wait.spare("alice", for_good=True)
    wait.spare("alice", for_good=False)
    wait.spare("bob", for_good=False)
    assert wait.hopes_for == {"bob"}


async def test_when_all_who_are_there_have_passed_then_the_waiting_is_over(tmp_path: Path) -> None:
    call = caller(tmp_path, "alice", "bob")
    look(call, "alice")
    assert call.wait.turn.empty()
    call.wait.spare("alice", for_good=True)
    look(call, "alice", times=PATIENCE - 1)
    look(call, "alice", "bob", times=1)
    look(call, "alice", times=PATIENCE - 1)
    assert call.wait.turn.empty(), "bob was there again meanwhile"
    look(call, "alice", times=1)
    assert call.wait.turn.get_nowait() == ()


async def test_while_a_phone_rings_for_a_caller_the_waiting_is_not_over(tmp_path: Path) -> None:
    call = caller(tmp_path, "alice")
    call.ringing.add("alice")
    look(call)
    assert call.wait.turn.empty()


async def test_who_has_passed_is_not_rung_by_a_turn_that_was_given_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = caller(tmp_path, "alice", "bob")

    async def both(context: object, agents: object) -> list[AgentAvailability]:
        return [AgentAvailability(slug, devices=(DeviceAvailability(f"{slug}-desk"),)) for slug in ("alice", "bob")]

    async def ring(call: object, stage: object, batch: list[Phone | Mobile], seconds: float) -> list[str]:
        return [ref.agent for ref in batch]

    monkeypatch.setattr(queue, "availability", both)
    monkeypatch.setattr(queue, "ring_batch", ring)
    ears: asyncio.Task[Any] = asyncio.create_task(asyncio.Event().wait())
    call.wait.turn.put_nowait(("alice", "bob"))
    assert await queue._in_turn(call, ears) == ["alice", "bob"]
    call.wait.spare("alice", for_good=True)
    call.wait.turn.put_nowait(("alice",))
    call.wait.turn.put_nowait(("alice", "bob"))
    assert await queue._in_turn(call, ears) == ["bob"]
    ears.cancel()


async def test_whose_mobile_alone_rings_is_rung_for_nobody_else_in_line_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = caller(tmp_path, "alice")
    call.known, call.decided, call.brief = SimpleNamespace(property_name="Elm Street Apartments"), None, ""

    async def no_desk_phones(*_: object) -> list[RingingLeg]:
        return []

    monkeypatch.setattr(ring_group, "ring_phones", no_desk_phones)
    monkeypatch.setattr(ring_group, "Forwarded", lambda *_: "mobile")
    monkeypatch.setattr(ring_group.whisper, "prepare", lambda _: None)
    mobile = Mobile("+15125550150", device="alice-mobile", agent="alice")
    assert await ring_group.ring_batch(call, RingStage(StageName.SUBTEAM, ("alice",), 20), [mobile], 20) == ["mobile"]
    assert call.ringing == {"alice"}


@pytest.mark.parametrize(
    "error", [Unavailable("The database does not answer.", code="database_silent"), TimeoutError()]
)
async def test_when_the_database_is_away_as_the_turn_comes_then_the_caller_waits_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    call = caller(tmp_path, "alice")
    asked = 0

    async def away(context: object, agents: object) -> None:
        nonlocal asked
        asked += 1
        raise error

    monkeypatch.setattr(queue, "availability", away)
    ears: asyncio.Task[Any] = asyncio.create_task(asyncio.Event().wait())
    call.ringing.add("alice")
    for turn in (("alice",), ("alice",), ()):
        call.wait.turn.put_nowait(turn)
    assert await queue._in_turn(call, ears) == []
    assert (asked, call.ringing, call.wait.hopes_for) == (2, set(), {"alice"})
    ears.cancel()


async def test_a_wait_that_an_app_takes_up_again_has_lasted_since_it_began(tmp_path: Path) -> None:
    kept: dict[str, str] = {}

    async def set_variables(**variables: str) -> None:
        kept.update(variables)

    first = caller(tmp_path, "alice")
    first.kept, first.person = RingsAt("subteam"), SimpleNamespace(set_variables=set_variables)
    await queue._keep_time(first)
    assert queue._waited(first) == 0
    later = caller(tmp_path, "alice")
    later.context.now = lambda: NOW + timedelta(seconds=90)
    later.kept, later.person = read(CallStep.QUEUE, CallDirection.IN, kept["LL_STAGE"]), first.person
    kept.clear()
    await queue._keep_time(later)
    assert queue._waited(later) == 90
    assert not kept, "the beginning stays what it was"
