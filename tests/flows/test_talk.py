"""Caller and agent talk, and what is on record afterwards."""

from __future__ import annotations

import asyncio

import pytest

from crm.services.office import agents
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


async def test_a_whole_call_takes_few_requests_and_lists_nothing(system: Seam) -> None:
    async with system.phone("alice-desk") as alice, system.caller() as caller:
        begun = len(system.pbx.asked)
        await connect(system, caller, alice)
        await caller.hang_up()
        await asyncio.gather(alice.wait_for("CALL_CLOSED"), caller.wait_for("CALL_CLOSED"))
        await system.ended_call(caller.user)
    # From time to time it is looked whether what events have told is true, call or no call.
    looks = {"GET /channels", "GET /bridges", "GET /asterisk/variable", "GET /endpoints/PJSIP"}
    asked = [one for one in system.pbx.asked[begun:] if one not in looks]
    assert len(asked) <= 16, asked
    assert not [one for one in asked if one.startswith("GET")]


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
