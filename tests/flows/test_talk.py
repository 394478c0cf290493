"""Caller and agent talk, and what is on record afterwards."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, Engine, event

from ari_app import reconcile
from crm.config import Config
from crm.services.office import agents
from crm.services.voicemail import recordings
from tests.asterisk import Seam
from tests.talks import connect, hear_each_other

pytestmark = pytest.mark.flows


@pytest.mark.parametrize("first", ["caller", "agent"])
async def test_when_they_have_talked_then_both_heard_each_other_and_nothing_is_left_to_do(
    system: Seam, first: str
) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await connect(system, caller, alice)
        await hear_each_other(system, caller, alice)
        await (caller if first == "caller" else alice).hang_up()
        await asyncio.gather(alice.wait_for("CALL_CLOSED"), caller.wait_for("CALL_CLOSED"))
        call = await system.ended_call(caller.user)
    assert (call.outcome, call.ended_by, call.step) == ("talked", first, "talk")
    [leg] = call.legs
    assert (leg.device, leg.stage, leg.status) == ("alice-desk", "subteam", "ANSWER")
    assert leg.answered_at
    assert leg.ended_at
    assert call.talk_started_at
    assert call.ended_at
    assert call.started_at <= leg.started_at <= leg.answered_at == call.talk_started_at <= leg.ended_at <= call.ended_at
    assert await system.tasks_of(call) == []
    assert await system.texts_of(caller.user) == []
    assert system.carrier.texts_to(caller.user) == []
    agent = await system.store.read(agents.named, "alice")
    assert agent.last_talk_ended_at == leg.ended_at
    assert call.lead
    assert call.lead.assigned_agent_id == leg.agent_id == agent.id
    assert call.lead.status == "in_progress"


async def test_when_they_hang_up_in_the_moment_of_the_answer_then_they_are_called_back(system: Seam) -> None:
    async with (
        system.with_setting("shortest_seconds = 0", "shortest_seconds = 2"),
        system.phone("alice-desk") as alice,
        system.caller() as caller,
    ):
        await connect(system, caller, alice)
        await caller.hang_up()
        await asyncio.gather(alice.wait_for("CALL_CLOSED"), caller.wait_for("CALL_CLOSED"))
        call = await system.ended_call(caller.user)
        assert (call.outcome, call.ended_by, call.step) == ("gave_up", "caller", "talk")
        [task] = await system.tasks_of(call)
    assert call.talk_started_at
    assert task.kind == "call_back"
    assert task.owner_id == call.legs[0].agent_id


LOOKS = {"GET /channels", "GET /bridges", "GET /asterisk/variable", "GET /endpoints/PJSIP"}
"""From time to time it is looked whether what events have told is true, call or no call."""


async def test_a_whole_call_takes_few_requests_and_lists_nothing(system: Seam) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        begun = len(system.pbx.asked)
        await connect(system, caller, alice)
        await caller.hang_up()
        await asyncio.gather(alice.wait_for("CALL_CLOSED"), caller.wait_for("CALL_CLOSED"))
        await system.ended_call(caller.user)
    asked = [one for one in system.pbx.asked[begun:] if one not in LOOKS]
    assert len(asked) <= 16, asked
    assert not [one for one in asked if one.startswith("GET")]


async def test_nothing_is_asked_about_a_caller_who_has_hung_up(system: Seam) -> None:
    async with system.caller() as caller:
        begun = len(system.pbx.asked)
        await system.dial(caller)
        await system.step(caller.user, "menu")
        await caller.hang_up()
        await system.ended_call(caller.user)
    asked = [one for one in system.pbx.asked[begun:] if one not in LOOKS]
    assert len(asked) <= 4, asked
    assert not [one for one in asked if one.startswith("GET")]


async def test_a_talk_starts_without_a_look_for_a_recording_unless_the_app_was_away(
    system: Seam, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def in_spool(config: Config, call_id: str = "") -> list[str]:
        looked.append(call_id)
        return []

    monkeypatch.setattr(recordings, "in_spool", in_spool)
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await connect(system, caller, alice)
        await alice.hang_up()
        await system.ended_call(caller.user)
    # Those that are not for a call look for files that were left behind.
    assert not any(looked)


async def test_a_whole_call_takes_few_statements_and_transactions(system: Seam) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        # What is read and prepared once is.
        await connect(system, caller, alice)
        await alice.hang_up()
        await system.ended_call(caller.user)
    async with system.phone("alice-desk") as alice, system.caller() as other:
        with store_at_work() as transactions:
            await connect(system, other, alice)
            await other.hang_up()
            await asyncio.gather(alice.wait_for("CALL_CLOSED"), other.wait_for("CALL_CLOSED"))
            await system.ended_call(other.user)
    statements = [statement for _, found in transactions for statement in found]
    assert len(statements) <= 25, "\n".join(statements)
    # It asks at its arrival, and to decide whom to ring; its beginning, its talk and its end are recorded.
    assert [kind for kind, _ in transactions] == ["read", "write", "read", "write", "write"], transactions


async def test_a_caller_who_hangs_up_at_once_takes_few_statements_too(system: Seam) -> None:
    async def leaves() -> None:
        async with system.caller() as caller:
            await system.dial(caller)
            await system.step(caller.user, "menu")
            await caller.hang_up()
            call = await system.ended_call(caller.user)
            assert [task.kind for task in await system.tasks_of(call)] == ["call_back"]
            await system.carrier.text_to(caller.user)

    await leaves()
    with store_at_work() as transactions:
        await leaves()
    # What the call itself leaves; that its text is sent after it is the outbox's work.
    recorded = [found for kind, found in transactions if any(" INTO call_event " in one for one in found)]
    statements = [statement for found in recorded for statement in found]
    assert len(recorded) == 2, transactions
    assert len(statements) <= 19, "\n".join(statements)


async def test_while_nobody_calls_nothing_is_asked_about_open_calls(system: Seam) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        await connect(system, caller, alice)
        await alice.hang_up()
        await system.ended_call(caller.user)
    # Long enough to find that none is open any more; time jumps.
    await asyncio.sleep(3 * reconcile.LOOK_SECONDS)
    with store_at_work(with_looks=True) as transactions:
        await asyncio.sleep(10 * reconcile.LOOK_SECONDS)
    asked = [statement for _, found in transactions for statement in found if "call.outcome IS NULL" in statement]
    assert asked == []


@contextmanager
def store_at_work(*, with_looks: bool = False) -> Iterator[list[tuple[str, list[str]]]]:
    """Transactions of the app with their statements. It works in the store's threads, as tests do not. Those that come
    from time to time, call or no call, are left out unless they are asked for."""
    looks = (
        ()
        if with_looks
        else (
            "SELECT call.id, call.started_at FROM call WHERE call.outcome IS NULL",
            "SELECT min(voicemail.escalate_at)",
        )
    )
    found: list[tuple[str, list[str]]] = []
    begun: dict[str, tuple[str, list[str]]] = {}

    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        begun[threading.current_thread().name] = ("write" if writes else "read", [])

    def on_statement(connection: object, cursor: object, statement: str, *_: object) -> None:
        name = threading.current_thread().name
        text = " ".join(statement.split())
        if not name.startswith("store") or text.startswith(("BEGIN", *looks)):
            return
        if not begun[name][1]:
            found.append(begun[name])
        begun[name][1].append(text[:200])

    event.listen(Engine, "begin", on_begin)
    event.listen(Engine, "before_cursor_execute", on_statement)
    try:
        yield found
    finally:
        event.remove(Engine, "begin", on_begin)
        event.remove(Engine, "before_cursor_execute", on_statement)


async def test_when_somebody_calls_again_then_whom_they_talked_to_rings_first_and_alone(system: Seam) -> None:
    async with (
        system.phone("alice-desk") as alice,
        system.phone("carol-soft") as carol,
        system.caller() as caller,
    ):
        await connect(system, caller, alice)
        await alice.hang_up()
        await system.ended_call(caller.user)
        await caller.wait_for("CALL_CLOSED")
        await system.to_team(caller, "+15125550101")
        await alice.wait_for("CALL_INCOMING", count=2)
        await system.rings(caller.user, "agent", "alice-desk")
        assert list(await system.rang(caller.user)) == ["agent"]
        assert carol.count("CALL_INCOMING") == 0
        await caller.hang_up()
        await system.ended_call(caller.user)
