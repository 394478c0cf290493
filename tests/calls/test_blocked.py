"""Unwanted callers are kept out, and those whom the office has to do with never are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import delete

from crm.services.people import blocking
from crm.store.models import BlockedCaller, Call
from tests.scripted_phone import raw_calls
from tests.system import ELM, System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(autouse=True)
async def empty_list(system: System) -> None:
    with system.store.writing() as session:
        session.execute(delete(BlockedCaller))


async def block(system: System, caller: str, *, is_silent: bool = False) -> None:
    await system.store.run(blocking.add, system.config, system.by, caller, is_silent=is_silent, why="robocalls")


def facts(call: Call, kind: str) -> list[dict[str, object]]:
    return [event.data for event in call.events if event.kind == kind]


async def leaves_nothing(system: System, number: str) -> Call:
    """The call ended as blocked: no lead, task or text, and no phone rang."""
    call = await system.ended_call(number)
    assert (call.outcome, call.lead_id, call.legs) == ("blocked", None, [])
    assert await system.tasks_of(call) == []
    assert await system.texts_of(number) == []
    return call


async def test_when_a_blocked_caller_calls_then_they_are_told_and_nobody_is_bothered(system: System) -> None:
    number = system.new_number()
    await block(system, number)
    async with system.phone("alice-desk") as alice, system.caller(number) as caller:
        await system.dial(caller)
        await caller.wait_for("CALL_CLOSED")
        heard = system.heard_names(caller)
        assert heard[0] == "blocked"
        assert "welcome" not in heard
        call = await leaves_nothing(system, number)
        assert alice.count("CALL_INCOMING") == 0
    assert facts(call, "CallerBlocked") == [{"entry": f"{number}: robocalls"}]


async def test_when_the_refusal_is_silent_then_the_call_is_not_even_answered(system: System) -> None:
    number = system.new_number()
    await block(system, f"{number[:-2]}*", is_silent=True)
    async with system.caller(number) as caller:
        await caller.dial(f"sip:{ELM}@{system.sip}")
        await caller.wait_for("CALL_CLOSED")
        assert caller.count("CALL_ESTABLISHED") == 0
        await leaves_nothing(system, number)


async def test_pain_16_when_the_office_has_called_a_number_then_it_is_never_blocked(system: System) -> None:
    number = system.new_number()
    with system.store.writing() as session:
        session.add(
            Call(
                id=f"ours-{number}",
                direction="out",
                did=ELM,
                caller=number,
                started_at=datetime.now(UTC),
                ended_at=datetime.now(UTC),
                outcome="not_reached",
            )
        )
        session.add(BlockedCaller(kind="number", value=number, why="a list of spam", created_at=datetime.now(UTC)))
    async with system.phone("alice-desk") as alice, system.caller(number) as caller:
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING")
        await caller.hang_up()
        await alice.wait_for("CALL_CLOSED")
        call = await system.ended_call(number)
    assert call.outcome == "gave_up"
    assert facts(call, "CallerBlocked") == []
    [spared] = facts(call, "CallerSpared")
    assert spared["why"] == "the office itself has called this number"


async def test_what_the_trunk_says_of_the_number_is_kept(system: System) -> None:
    said = [("TN-Validation-Passed", ""), ("No-TN-Validation", "TN-Validation-Failed-C"), ("", "")]
    callers = [system.new_number() for _ in said]
    await raw_calls(
        system,
        [
            (f'"verstat" <sip:{number}@127.0.0.1>', f"sip:{ELM}@{system.sip}", number, verstat, header)
            for number, (verstat, header) in zip(callers, said, strict=True)
        ],
        scenario="attested_call",
    )
    found = [(await system.ended_call(number)).attestation for number in callers]
    assert found == ["TN-Validation-Passed", "TN-Validation-Failed-C", ""]
